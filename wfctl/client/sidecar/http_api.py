"""Call Dapr's HTTP workflow API: seven operations, the metadata, the health.

The newest API version is tried first; if the sidecar does not serve it, its metadata tell which one. Every request has
a deadline. A refusal with several possible causes is raised as `AmbiguousRefusal`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from wfctl import __version__
from wfctl.client.sidecar.endpoint import Endpoint, HttpAddress
from wfctl.client.sidecar.errors import answer_error, broken, redirected
from wfctl.client.sidecar.http_transport import HttpClient, HttpResponse
from wfctl.model.instance import Instance
from wfctl.model.logs import LogLine
from wfctl.wire import filters, http_bodies, http_routes
from wfctl.wire.error_codes import OWN, Problem
from wfctl.wire.error_mapping import read_http, read_scheduler
from wfctl.wire.http_bodies import BadBody, Metadata
from wfctl.wire.http_routes import ApiVersion, Operation

if TYPE_CHECKING:
    from wfctl.model.awaited import AwaitedEvent, EventGroup
    from wfctl.model.instance import Filter
    from wfctl.model.workers import AppWorkers

T = TypeVar("T")

# Seconds for which one command reuses the metadata of the sidecar.
METADATA_AGE = 5.0


class HttpApi:
    """Call one sidecar.

    Every method raises Unreachable, TimedOut, Unsupported and NotAuthenticated, besides the errors that it names.
    """

    def __init__(self, endpoint: Endpoint, address: HttpAddress) -> None:
        self.where = address.shown
        self._fixed = None if endpoint.api_version is None else ApiVersion(endpoint.api_version)
        self._version = self._fixed or ApiVersion.V1
        self._metadata: tuple[float, Metadata] | None = None
        headers = {"user-agent": f"wfctl/{__version__}"}
        if endpoint.token:
            headers[http_routes.TOKEN_HEADER] = endpoint.token
        self._transport = HttpClient(endpoint, address, headers)

    def start(self, name: str, instance_id: str, input: str | None, app_id: str | None = None) -> str:
        """Start an instance. Returns its ID. Raises InvalidInput, TimedOut (it may have started), AmbiguousRefusal."""
        query = {http_routes.INSTANCE_ID: instance_id}
        body = b"" if input is None else input.encode()
        answer = self._call(Operation.START, instance_id, app_id, query=query, body=body, workflow=name)
        try:
            return http_bodies.read_started(answer.body)
        except BadBody as error:
            raise broken(self.where, str(error)) from error

    def get(self, instance_id: str, app_id: str | None = None) -> Instance:
        """Return one instance. Raises NotFound."""
        answer = self._call(Operation.GET, instance_id, app_id)
        try:
            return http_bodies.read_instance(answer.body)
        except BadBody as error:
            raise broken(self.where, str(error)) from error

    def logs(
        self, instance_id: str, *, after: int, step: str | None, level: int, limit: int | None
    ) -> Sequence[LogLine]:
        """Return what the code of an instance logged; only `wfctl serve` answers. Raises NotFound, Unsupported."""
        query = {"after": str(after), "level": str(level)}
        query |= {} if step is None else {"step": step}
        query |= {} if limit is None else {"limit": str(limit)}
        answer = self._send("GET", http_routes.LOGS.format(instance=quote(instance_id, safe="")), query)
        if answer.status != 200:
            raise self._error(Operation.GET, answer, instance_id)
        try:
            return http_bodies.read_logs(answer.body)
        except BadBody as error:
            raise broken(self.where, str(error)) from error

    def workers(self) -> Sequence[AppWorkers]:
        """Return who is attached; only `wfctl serve` answers."""
        from wfctl.wire.worker_bodies import read_workers

        return self._own(http_routes.WORKERS, {}, read_workers)

    def events(self, filter: Filter) -> Sequence[AwaitedEvent]:
        """Return the external events of live instances; only `wfctl serve` answers."""
        from wfctl.wire.event_bodies import read_events

        return self._own(http_routes.EVENTS, filters.write(filter), read_events)

    def event_groups(self, filter: Filter) -> Sequence[EventGroup]:
        """Return how many external events there are of each; only `wfctl serve` answers."""
        from wfctl.wire.event_bodies import read_groups

        return self._own(http_routes.EVENT_GROUPS, filters.write(filter), read_groups)

    def _own(self, path: str, query: dict[str, str], read: Callable[[bytes], T]) -> T:
        """Ask `wfctl serve` what Dapr does not answer."""
        answer = self._send("GET", path, query)
        if answer.status != 200:
            raise self._error(Operation.GET, answer, None)
        try:
            return read(answer.body)
        except BadBody as error:
            raise broken(self.where, str(error)) from error

    def raise_event(self, instance_id: str, name: str, data: str | None, app_id: str | None = None) -> None:
        """Raise an event. Raises AmbiguousRefusal, for instance if the instance does not exist."""
        body = b"" if data is None else data.encode()
        self._call(Operation.RAISE, instance_id, app_id, body=body, event=name)

    def act(self, operation: Operation, instance_id: str, app_id: str | None = None) -> None:
        """Pause, resume, terminate or purge; the latter two with all descendants. Raises NotFound, AmbiguousRefusal."""
        self._call(operation, instance_id, app_id)

    def metadata(self, *, max_age: float = 0.0) -> Metadata:
        """Return the metadata, at most `max_age` seconds old."""
        if self._metadata is not None and time.monotonic() - self._metadata[0] <= max_age:
            return self._metadata[1]
        answer = self._send("GET", http_routes.METADATA)
        if answer.status != 200:
            raise self._error(Operation.GET, answer, None)
        try:
            found = http_bodies.read_metadata(answer.body)
        except BadBody as error:
            raise broken(self.where, str(error)) from error
        self._metadata = (time.monotonic(), found)
        return found

    def forget_metadata(self) -> None:
        """Request the metadata again next time: another server may answer by then."""
        self._metadata = None

    def health(self, path: str = http_routes.HEALTH) -> tuple[bool, str]:
        """Return True if the sidecar reports that it is ready, and the message if not."""
        answer = self._send("GET", path)
        return 200 <= answer.status < 300, http_bodies.read_error(answer.body)[1]

    def scheduler_answers(self) -> bool | None:
        """Return None if the sidecar does not tell. Raises TimedOut if it waits for a scheduler that is gone."""
        answer = self._send("GET", http_routes.JOB)
        return True if answer.status == 200 else read_scheduler(http_bodies.read_error(answer.body)[1])

    def clock(self) -> float | None:
        """Return the sidecar's time in Unix seconds, from the Date of a response; None if it sends none."""
        from email.utils import parsedate_to_datetime

        date = self._send("GET", http_routes.HEALTH).date
        return parsedate_to_datetime(date).timestamp() if date else None

    def rejects_app_id(self) -> bool:
        """Return True if the runtime reads `appID`: it then refuses an invalid one, which an older one ignores."""
        method, path = http_routes.path(self._version, Operation.GET, instance="wfctl-probe")
        answer = self._send(method, path, query={http_routes.APP_ID: "a.b"})
        return read_http(Operation.GET, answer.status, http_bodies.read_error(answer.body)[0]) is Problem.APP_ID_INVALID

    def close(self) -> None:
        self._transport.close()

    def _call(
        self,
        operation: Operation,
        instance_id: str,
        app_id: str | None,
        *,
        query: dict[str, str] | None = None,
        body: bytes = b"",
        workflow: str = "",
        event: str = "",
    ) -> HttpResponse:
        query = dict(query or {})
        if app_id is not None:
            query[http_routes.APP_ID] = app_id
        method, path = http_routes.path(self._version, operation, workflow=workflow, instance=instance_id, event=event)
        answer = self._send(method, path, query, body)
        if 200 <= answer.status < 300:
            return answer
        if self._reading(operation, answer) is Problem.NO_ROUTE and self._older():
            return self._call(operation, instance_id, None, query=query, body=body, workflow=workflow, event=event)
        raise self._error(operation, answer, instance_id)

    def _older(self) -> bool:
        """Fall back to the version that the runtime serves. Returns True if that is not the one just tried."""
        if self._fixed is not None:
            return False
        served = http_routes.version_for(self.metadata().version)
        changed = served is not self._version
        self._version = self._fixed = served
        return changed

    def _reading(self, operation: Operation, answer: HttpResponse) -> Problem:
        code, _ = http_bodies.read_error(answer.body)
        if code != OWN[Operation.GET][0]:
            return read_http(operation, answer.status, code)
        # A get that fails: a missing instance before 1.12, or no store to look into; the metadata know.
        metadata = self.metadata(max_age=METADATA_AGE)
        problem = read_http(operation, answer.status, code, metadata.version)
        return Problem.NO_STATE_STORE if problem is Problem.OTHER and metadata.actor_store is False else problem

    def _error(self, operation: Operation, answer: HttpResponse, instance_id: str | None) -> Exception:
        problem = self._reading(operation, answer)
        _, text = http_bodies.read_error(answer.body)
        if problem in (Problem.OTHER, Problem.UNAVAILABLE) and not text:
            text = f"HTTP status {answer.status}"
        return answer_error(problem, operation, where=self.where, text=text, instance_id=instance_id)

    def _send(self, method: str, path: str, query: dict[str, str] | None = None, body: bytes = b"") -> HttpResponse:
        answer = self._transport.send(method, path, query or {}, body)
        if 300 <= answer.status < 400:
            raise redirected(self.where, answer.status, answer.location or "")
        return answer
