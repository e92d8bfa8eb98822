"""The HTTP routes of Dapr's workflow API: seven operations under three API versions.

Source: dapr/dapr pkg/api/http/workflow.go. The three prefixes share their handlers, so that behaviour differs by
runtime version only. `v1.0-alpha1` is there since 1.10, `v1.0-beta1` since 1.12, `v1.0` since 1.15.
"""

from __future__ import annotations

from enum import Enum
from urllib.parse import quote

# Dapr 1.11 to 1.14 want the name of a registered component here ("dapr" is built in); from 1.15 on it is ignored.
COMPONENT = "dapr"


class ApiVersion(str, Enum):
    V1 = "v1.0"
    BETA1 = "v1.0-beta1"
    ALPHA1 = "v1.0-alpha1"


class Operation(str, Enum):
    """The operations of a workflow API; the values are what users read in messages."""

    START = "start"
    GET = "get"
    RAISE = "raise-event"
    PAUSE = "pause"
    RESUME = "resume"
    TERMINATE = "terminate"
    PURGE = "purge"
    # Only in the task hub service (gRPC):
    LIST = "list"
    HISTORY = "history"
    RERUN = "rerun"
    WAIT = "wait"


# Method and path behind the version, by operation.
ROUTES: dict[Operation, tuple[str, str]] = {
    Operation.START: ("POST", "/workflows/{component}/{workflow}/start"),
    Operation.GET: ("GET", "/workflows/{component}/{instance}"),
    Operation.RAISE: ("POST", "/workflows/{component}/{instance}/raiseEvent/{event}"),
    Operation.PAUSE: ("POST", "/workflows/{component}/{instance}/pause"),
    Operation.RESUME: ("POST", "/workflows/{component}/{instance}/resume"),
    Operation.TERMINATE: ("POST", "/workflows/{component}/{instance}/terminate"),
    Operation.PURGE: ("POST", "/workflows/{component}/{instance}/purge"),
}

METADATA = "/v1.0/metadata"
HEALTH = "/v1.0/healthz"
OUTBOUND_HEALTH = "/v1.0/healthz/outbound"
SHUTDOWN = "/v1.0/shutdown"
# A job that nobody has: the sidecar has to ask the scheduler, whose "not found" says that it is there.
NO_JOB = "wfctl-doctor-asks-whether-the-scheduler-answers"
JOB = f"/v1.0-alpha1/jobs/{NO_JOB}"

# Query parameters.
INSTANCE_ID = "instanceID"  # start: the ID, else the runtime makes one
# Of wfctl serve alone: what an instance's code logged; who is attached; who waits for which
# event, one by one and counted.
LOGS = "/v1.0-wfctl/workflows/{instance}/logs"
WORKERS = "/v1.0-wfctl/workers"
EVENTS = "/v1.0-wfctl/events"
EVENT_GROUPS = "/v1.0-wfctl/events/groups"
APP_ID = "appID"  # all seven: whose instance (from 1.19 on; ignored before)

TOKEN_HEADER = "dapr-api-token"  # HTTP header and gRPC metadata key


def sendable(token: str) -> bool:
    """Tell whether a token can be sent: as gRPC metadata it is printable ASCII."""
    return token.isascii() and token.isprintable()


def route(version: ApiVersion, operation: Operation) -> tuple[str, str]:
    """Method and path template (`{component}`, `{workflow}`, `{instance}`, `{event}`) of one route."""
    method, path = ROUTES[operation]
    return method, f"/{version.value}{path}"


def path(
    version: ApiVersion,
    operation: Operation,
    *,
    workflow: str = "",
    instance: str = "",
    event: str = "",
    component: str = COMPONENT,
) -> tuple[str, str]:
    """Method and path of one request, its segments percent-encoded.

    A sidecar decodes segments as it decodes queries, hence a literal `+` must be encoded; `quote` does that.
    """
    method, template = route(version, operation)
    names = {"component": component, "workflow": workflow, "instance": instance, "event": event}
    return method, template.format(**{key: quote(value, safe="") for key, value in names.items()})


def version_for(runtime: tuple[int, int] | None) -> ApiVersion:
    """

    eturn the newest API version that a runtime (major, minor) serves; None stands for one built without a version.
    """
    if runtime is None or runtime >= (1, 15):
        return ApiVersion.V1
    return ApiVersion.BETA1 if runtime >= (1, 12) else ApiVersion.ALPHA1
