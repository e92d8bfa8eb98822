"""Describe a Dapr sidecar as a target, and derive its two addresses."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from wfctl.errors import InvalidInput, Unsupported
from wfctl.wire.default_ports import GRPC_PORT

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from wfctl.client.doctor.check import Check
    from wfctl.client.port import Host
    from wfctl.client.sidecar.workflows import SidecarWorkflows

_TLS_PORT = 443
MOST_CONNECTIONS = 64
# Bytes of the longest response that is read: anything longer is no sidecar's, and would fill the memory.
MOST_BYTES = 256 << 20
# Seconds that a request may take even if the deadline is nearer or past, so that the last status can be shown.
_LEAST_SECONDS = 1.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Implement the port `Target`: a sidecar. A field that is None is detected, or has Dapr's default.

    http                `http://host:port`, `https://...`, `unix:///file` or `unix:///folder` (of daprd's sockets);
                        None where only gRPC is to be used
    grpc                `host:port`, a port, `dns:...`, `unix:...`, `https://...`, each with `?tls=true` if need be
    token               the API token; never printed
    ca_file             certificates to trust besides the system's
    api_version         `v1.0`, `v1.0-beta1`, `v1.0-alpha1`; None: the newest that the runtime serves
    request_timeout     seconds that one call may take
    deadline            moment of `time.monotonic()` at which the command gives up; None: never
    kube_context, namespace, pod   a sidecar in a cluster, reached through `kubectl port-forward`
    """

    http: str | None = None
    grpc: str | None = None
    token: str | None = field(default=None, repr=False)
    app_id: str | None = None
    ca_file: Path | None = None
    api_version: str | None = None
    request_timeout: float = 30.0
    deadline: float | None = None
    kube_context: str | None = None
    namespace: str | None = None
    pod: str | None = None
    local: ClassVar[bool] = False
    name: ClassVar[str | None] = None
    embedded: ClassVar[None] = None

    @property
    def address(self) -> str:
        if self.in_cluster:
            parts = (("pod", self.pod), ("namespace", self.namespace), ("context", self.kube_context))
            return ", ".join(f"{word} {value}" for word, value in parts if value)
        return self.http or self.grpc or f"127.0.0.1:{GRPC_PORT}"

    def open(self, host: Host) -> SidecarWorkflows:
        try:
            from wfctl.client.sidecar.workflows import open_sidecar
        except ImportError as error:
            raise Unsupported(f"this wfctl cannot speak to a sidecar: {error}", hint="--target embedded") from error
        return open_sidecar(replace(self, deadline=host.deadline), note=host.note)

    @contextmanager
    def checked(self, host: Host, seconds: float | None) -> Iterator[Callable[[], Sequence[Check]]]:
        from wfctl.client.doctor.sidecar import checks_of

        within = self if seconds is None else replace(self, request_timeout=seconds)
        with checks_of(within, host.note) as look:
            yield look

    def executed(self) -> bool:
        return True

    @property
    def connections(self) -> int:
        """Return how many connections at a time are of use: a tunnel into a cluster is one."""
        return 1 if self.in_cluster else MOST_CONNECTIONS

    @property
    def in_cluster(self) -> bool:
        return self.pod is not None or self.kube_context is not None or self.namespace is not None

    def seconds(self) -> float:
        """Return the seconds that a request which begins now may take."""
        if self.deadline is None:
            return self.request_timeout
        return min(self.request_timeout, max(self.deadline - time.monotonic(), _LEAST_SECONDS))


@dataclass(frozen=True, slots=True)
class HttpAddress:
    """Hold an HTTP address. `base` ends without a slash; `socket` is the path of a Unix domain socket, if it is one."""

    base: str
    socket: str | None = None
    local: bool = False

    @property
    def tls(self) -> bool:
        return self.base.startswith("https:")

    @property
    def shown(self) -> str:
        return f"unix:{self.socket}" if self.socket else self.base


@dataclass(frozen=True, slots=True)
class GrpcAddress:
    """Hold a gRPC address. `target` is in gRPC's syntax; `host` and `port` are None for sockets and other names."""

    target: str
    tls: bool = False
    host: str | None = None
    port: int | None = None

    @property
    def local(self) -> bool:
        return self.host in _LOOPBACK or self.target.startswith("unix")

    @property
    def shown(self) -> str:
        return self.target


def http_address(endpoint: Endpoint) -> HttpAddress | None:
    """Return the HTTP address; None if the endpoint has gRPC only. Raises InvalidInput."""
    text = endpoint.http
    if not text or text.startswith(("dns:", "unix-abstract:", "vsock:")):
        return None
    if text.startswith("unix:"):
        path = "/" + text[len("unix:") :].lstrip("/")
        return HttpAddress("http://localhost", _socket(path, "http", endpoint.app_id), local=True)
    if "://" not in text:
        text = f"http://{text}"
    url = _split(text, endpoint.http or "")
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        raise InvalidInput(
            f"{endpoint.http!r} is no address of a sidecar", hint="as http://127.0.0.1:3500, or unix:///path/to/socket"
        )
    if url.username is not None or url.password is not None:
        raise InvalidInput(
            "an address cannot hold a name or a password", hint="give the API token: DAPR_API_TOKEN, or token_file"
        )
    return HttpAddress(text.rstrip("/"), local=url.hostname in _LOOPBACK)


def _split(text: str, given: str) -> SplitResult:
    from urllib.parse import urlsplit  # a command without a sidecar does not need it

    try:
        url = urlsplit(text)
        url.port  # noqa: B018  (raises for what is no port)
    except ValueError as error:
        raise InvalidInput(f"{given!r} is no address: {error}") from error
    return url


def _socket(path: str, kind: str, app_id: str | None) -> str:
    """Return the socket in a folder given to daprd, which is named `dapr-<app id>-<kind>.socket`."""
    folder = Path(path)
    if not folder.is_dir():
        return path
    found = sorted(folder.glob(f"dapr-{app_id or '*'}-{kind}.socket"))
    if len(found) != 1:
        what = "no sidecar's socket" if not found else f"the sockets of {len(found)} sidecars"
        raise InvalidInput(f"there is {what} in {path}", hint="name the socket itself, or the app: --app-id")
    return str(found[0])


def grpc_address(endpoint: Endpoint) -> GrpcAddress:
    """Return the given address, else Dapr's default port on the host of the HTTP address. Raises InvalidInput."""
    given = endpoint.grpc
    if given:
        if given.isdecimal():
            http = http_address(endpoint)
            return _tcp(_host(http), int(given), http is not None and http.tls)
        return _parsed(given)
    if endpoint.http and endpoint.http.startswith(("dns:", "unix-abstract:", "vsock:")):
        return _parsed(endpoint.http)
    http = http_address(endpoint)
    if http is None:
        return _tcp("127.0.0.1", GRPC_PORT, False)
    if http.socket:
        return GrpcAddress(f"unix:{http.socket.replace('-http.socket', '-grpc.socket')}")
    return _tcp(_host(http), GRPC_PORT, http.tls)


def _host(http: HttpAddress | None) -> str:
    return "127.0.0.1" if http is None or http.socket else _split(http.base, http.base).hostname or "127.0.0.1"


def _tcp(host: str, port: int, tls: bool) -> GrpcAddress:
    shown = f"[{host}]" if ":" in host else host
    return GrpcAddress(f"{shown}:{port}", tls, host, port)


def _parsed(given: str) -> GrpcAddress:
    """Parse Dapr's syntax `[scheme:]host[:port][?tls=true]`; the default port is 443."""
    from urllib.parse import parse_qsl

    text, _, query = given.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    if set(options) - {"tls"} or options.get("tls", "true") not in ("true", "false"):
        raise InvalidInput(f"{given!r} is no gRPC address: only ?tls=true or ?tls=false may follow it")
    tls = options.get("tls") == "true"
    if text.startswith(("unix-abstract:", "vsock:")):
        return GrpcAddress(text, tls)
    if text.startswith("unix:"):
        return GrpcAddress("unix:/" + text[len("unix:") :].lstrip("/"), tls)
    scheme, separator, rest = text.partition("://")
    if separator:
        if scheme not in ("http", "https", "dns"):
            raise InvalidInput(f"{given!r} is no gRPC address", hint="as 127.0.0.1:50001, or host:port?tls=true")
        if "tls" in options and scheme != "dns":
            raise InvalidInput(f"{given!r} is no gRPC address: {scheme}:// says already whether it has TLS")
        tls = tls or scheme == "https"
        text = rest
    elif text.startswith("dns:"):
        text = text[len("dns:") :]
    url = _split(f"//{text}", given)
    if not url.hostname or url.path:
        raise InvalidInput(f"{given!r} is no gRPC address", hint="as 127.0.0.1:50001, or host:port?tls=true")
    return _tcp(url.hostname, url.port or _TLS_PORT, tls)
