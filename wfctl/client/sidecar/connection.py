"""Hold the connections to one sidecar: HTTP, gRPC once something needs it, and its metadata."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING

from wfctl.client.sidecar.endpoint import Endpoint, grpc_address, http_address
from wfctl.client.sidecar.errors import GRPC_PORT_HINT, needs_grpc, no_grpc, no_worker, unreachable
from wfctl.errors import InvalidInput, TimedOut, Unreachable, Unsupported, WfctlError
from wfctl.wire.http_bodies import Metadata
from wfctl.wire.http_routes import Operation, sendable

if TYPE_CHECKING:
    from wfctl.client.sidecar.grpc_api import HubApi
    from wfctl.client.sidecar.http_api import HttpApi

Note = Callable[[str], None]

KNOCK_SECONDS = 0.2
# Seconds until a gRPC server must have answered the first call.
CONNECT_SECONDS = 5.0


class SidecarConnection:
    """Connect to a sidecar when needed. Safe for use by several threads."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Raises InvalidInput for an invalid address or token."""
        if endpoint.token and not sendable(endpoint.token):
            # httpx and gRPC would refuse it too, and print it.
            raise InvalidInput("the API token has characters that cannot be sent", hint="is it the right file?")
        self.endpoint = endpoint
        self._http_address = http_address(endpoint)
        self._grpc_address = grpc_address(endpoint)
        self._hub: HubApi | None = None
        self._left: list[HubApi] = []  # other threads may still use them
        # Without a given gRPC address it is Dapr's default port, unless the sidecar reports another.
        self._usual = self._grpc_address if self._may_ask() else None
        self._http: HttpApi | None = None
        # Lock order: `_opening` before `_making`.
        self._opening = threading.RLock()
        self._making = threading.Lock()

    @property
    def where(self) -> str:
        return self._grpc_address.shown if self._http_address is None else self._http_address.shown

    @property
    def http(self) -> HttpApi | None:
        """Return the HTTP API; None if the endpoint has gRPC only."""
        if self._http_address is None:
            return None
        if self._http is None:
            from wfctl.client.sidecar.http_api import HttpApi

            with self._making:
                self._http = self._http or HttpApi(self.endpoint, self._http_address)
        return self._http

    def hub(self, operation: Operation, what: str | None = None) -> HubApi:
        """Return the connected task hub. Raises Unsupported if gRPC is not installed, or nothing answers there.

        `what` names the feature that needs it, if that is not the operation as a whole.
        """
        with self._opening:
            if self._hub is None:
                if not grpc_installed():
                    raise needs_grpc(what or operation.value)
                self._hub = self._find_hub(operation, what)
            return self._hub

    def _may_ask(self) -> bool:
        return self.endpoint.grpc is None and self._http_address is not None and self._grpc_address.port is not None

    def _find_hub(self, operation: Operation, what: str | None) -> HubApi:
        if not self._ask_for_port():
            return self._reach_hub(operation, what)
        try:
            return self._reach_hub(operation, what)
        except (Unreachable, Unsupported):
            # The port was reported some seconds ago: the server may have restarted on another.
            self._forget()
            self._ask_for_port()
            return self._reach_hub(operation, what)

    def _ask_for_port(self) -> bool:
        """Ask `wfctl serve` for its gRPC port, over HTTP. Returns True if it reported one."""
        if self._usual is None:
            return False
        port = self.metadata().grpc_port
        host = self._usual.host or ""
        shown = f"[{host}]" if ":" in host else host
        self._grpc_address = self._usual if port is None else replace(self._usual, target=f"{shown}:{port}", port=port)
        return port is not None

    def _lose(self, hub: HubApi) -> None:
        """Drop the hub, and ask for its port again next time: a restarted server may have another."""
        with self._opening:
            if hub is self._hub and self._usual is not None:
                self._left.append(hub)
                self._hub = None
                self._forget()

    def _forget(self) -> None:
        if self.http is not None:
            self.http.forget_metadata()

    def _reach_hub(self, operation: Operation, what: str | None) -> HubApi:
        if self._grpc_address.local and not self._somebody_listens():
            raise self._silent(what or operation.value)  # gRPC itself would retry for seconds
        return self._open_hub(operation, what)

    def _open_hub(self, operation: Operation, what: str | None) -> HubApi:
        from wfctl.client.sidecar.grpc_api import HubApi

        hub = HubApi(self.endpoint, self._grpc_address, lambda: self._lose(hub))
        try:
            guessed = self.endpoint.grpc is None and self.http is not None
            if not (self._is_same_sidecar(hub, operation) if guessed else hub.answers(CONNECT_SECONDS)):
                raise self._silent(what or operation.value)
        except BaseException:
            hub.close()
            raise
        return hub

    def _silent(self, what: str) -> WfctlError:
        where = self._grpc_address.shown
        if self.http is None:
            return unreachable(where, "no connection")
        self.http.health()  # if nobody answers by HTTP either, that is the error
        return no_grpc(what, where)

    def _is_same_sidecar(self, hub: HubApi, operation: Operation) -> bool:
        """Check that a guessed gRPC port belongs to the sidecar that answers HTTP. False if nobody answers there.

        Raises Unsupported where it is another's: beside a sidecar there may be those of other apps.
        """
        try:
            other = hub.metadata(seconds=CONNECT_SECONDS)
        except Unsupported:
            return True
        except (Unreachable, TimedOut):
            return False
        mine = self.metadata()
        if (other.app_id, other.server) != (mine.app_id, mine.server):
            whose = "another" if other.app_id == mine.app_id else f"that of '{other.app_id}'"
            raise Unsupported(
                f"{operation.value} needs the gRPC port of the sidecar of '{mine.app_id}', and at {hub.where} "
                f"there is {whose}",
                hint=GRPC_PORT_HINT,
            )
        return True

    @property
    def open_hub(self) -> HubApi | None:
        """Return the task hub if it is connected already."""
        return self._hub

    def hub_if_there(self, operation: Operation) -> HubApi | None:
        """Return the task hub, or None as soon as it turns out that nothing listens there."""
        if not grpc_installed():
            return None
        try:
            with self._opening:
                if self._hub is None:
                    self._ask_for_port()
                    if not self._somebody_listens():
                        return None
                    self._hub = self._open_hub(operation, None)
                return self._hub
        except WfctlError:
            return None

    def _somebody_listens(self) -> bool:
        address = self._grpc_address
        if address.host is None or address.port is None:
            return True
        try:
            with socket.create_connection((address.host, address.port), KNOCK_SECONDS if address.local else 1.0):
                return True
        except OSError:
            return False

    def metadata(self) -> Metadata:
        if self.http is not None:
            from wfctl.client.sidecar.http_api import METADATA_AGE

            return self.http.metadata(max_age=METADATA_AGE)
        return self.hub(Operation.GET).metadata()

    def scheduler_answers(self) -> bool | None:
        """Return None if the sidecar does not tell. Raises TimedOut if it waits for a scheduler that is gone."""
        return (self.http or self.hub(Operation.GET)).scheduler_answers()

    def require_worker(self, operation: Operation, instance_id: str) -> bool:
        """Return True if a worker is connected. Raises Unreachable if there is none and Dapr would block or fail.

        `wfctl serve` records a start for a worker that connects later. Dapr before 1.16 does not report workers.
        """
        found = self.metadata()
        if found.wfctl is not None:
            return bool(found.workers)
        if found.workers == 0:
            raise no_worker(operation, instance_id, self.where, found.app_id)
        return True

    @cached_property
    def app_id(self) -> str | None:
        """Return the app to name in requests; None if it is the sidecar's own. Raises Unsupported.

        A runtime before 1.19 ignores the name and acts on its own app's instance, so it is never sent one.
        """
        wanted = self.endpoint.app_id
        if wanted is None:
            return None
        found = self.metadata()
        if wanted == found.app_id:
            return None
        able = found.version >= (1, 19) if found.version is not None else self._looks_at_app_id()
        if not able:
            raise Unsupported(
                f"the sidecar at {self.where} is that of '{found.app_id}', and Dapr {found.runtime or 'before 1.19'} "
                f"cannot reach '{wanted}' through it",
                hint=f"ask the sidecar of '{wanted}' itself, or leave --app-id out",
            )
        return wanted

    def own_app_only(self, operation: str) -> None:
        """Refuse another app for an operation whose request names none. Raises InvalidInput."""
        if self.app_id is not None:
            raise InvalidInput(
                f"{operation} works on the sidecar's own app only, not on '{self.app_id}'",
                hint=f"ask the sidecar of '{self.app_id}' itself",
            )

    def _looks_at_app_id(self) -> bool:
        return self.http is not None and self.http.rejects_app_id()

    def abandon(self) -> None:
        """Close the HTTP connection; leave the gRPC channel to the end of the process."""
        if self._http is not None:
            self._http.close()

    def close(self) -> None:
        self.abandon()
        for hub in (self._hub, *self._left):
            if hub is not None:
                hub.close()


def grpc_installed() -> bool:
    try:
        return find_spec("grpc") is not None and find_spec("google.protobuf") is not None
    except ModuleNotFoundError:  # no package `google` at all
        return False
