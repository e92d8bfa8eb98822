"""What of Dapr's APIs wfctl does not have: who calls it gets an error that names Dapr, and does not wait or guess."""

from __future__ import annotations

# The building block of an HTTP path, by what follows the version.
HTTP = {
    "publish": "pub/sub",
    "subscribe": "pub/sub",
    "bindings": "bindings",
    "secrets": "secrets",
    "configuration": "configuration",
    "lock": "locks",
    "unlock": "locks",
    "crypto": "cryptography",
    "conversation": "conversation",
    "jobs": "jobs",
    "actors": "actors",
    "invoke": "service invocation outside of a run of several apps (wfctl serve -f dapr.yaml)",
}
# And of a gRPC method of the runtime's service, by a part of its name.
GRPC = {
    "Publish": "pub/sub",
    "Subscribe": "pub/sub",
    "Binding": "bindings",
    "Secret": "secrets",
    "Configuration": "configuration",
    "Lock": "locks",
    "crypt": "cryptography",
    "Converse": "conversation",
    "Job": "jobs",
    "Actor": "actors",
    "InvokeService": "service invocation over gRPC: call by HTTP",
}
RUNTIME_SERVICE = "/dapr.proto.runtime.v1.Dapr/"
CODE = "ERR_NOT_SUPPORTED"


def http_block(path: str) -> str | None:
    """Return the building block that a path asks for; None if it is none of those that are missing here."""
    version, _, rest = path.strip("/").partition("/")
    return HTTP.get(rest.partition("/")[0]) if version.startswith("v1.0") else None


def grpc_block(method: str) -> str | None:
    """Return the building block that the path of a gRPC method asks for."""
    if not method.startswith(RUNTIME_SERVICE):
        return None
    name = method[len(RUNTIME_SERVICE) :]
    return next((block for part, block in GRPC.items() if part in name), None)


def message(block: str) -> str:
    """Return the words of the error."""
    return f"wfctl serve has no {block}; for that the app needs Dapr itself (dapr run)"
