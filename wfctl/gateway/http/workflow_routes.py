"""The seven workflow routes, under three API versions that share their handlers."""

from __future__ import annotations

import asyncio
import json

from wfctl.engine.random_id import new_id
from wfctl.gateway.api_error import Trouble
from wfctl.gateway.http.app import Answer, Handler, Request, Routes, json_answer, malformed, text_of
from wfctl.gateway.metrics import Metrics
from wfctl.gateway.service import Service
from wfctl.model.instance import Filter
from wfctl.wire import event_bodies, filters, http_bodies, http_routes
from wfctl.wire.error_codes import Problem
from wfctl.wire.http_routes import ApiVersion, Operation

# Dapr's names of the operations in its metrics.
_METRIC = {
    Operation.START: "create_workflow",
    Operation.GET: "get_workflow",
    Operation.PURGE: "purge_workflow",
}


class WorkflowRoutes:
    def __init__(self, service: Service, metrics: Metrics) -> None:
        self._service = service
        self._metrics = metrics

    def add_to(self, routes: Routes) -> None:
        handlers = {
            Operation.START: self.start,
            Operation.GET: self.get,
            Operation.RAISE: self.raise_event,
            Operation.PAUSE: self.pause,
            Operation.RESUME: self.resume,
            Operation.TERMINATE: self.terminate,
            Operation.PURGE: self.purge,
        }
        for version in ApiVersion:
            for operation, handler in handlers.items():
                routes.add(*http_routes.route(version, operation), self._counted(operation, handler))
        routes.add("GET", http_routes.LOGS, self.logs)
        routes.add("GET", http_routes.EVENTS, self.events)
        routes.add("GET", http_routes.EVENT_GROUPS, self.event_groups)

    def _counted(self, operation: Operation, handler: Handler) -> Handler:
        async def call(request: Request) -> Answer:
            try:
                answer = await handler(request)
            except Trouble as error:
                self._metrics.operation(_METRIC.get(operation, "add_event"), False)
                self._metrics.failed(error)
                raise
            self._metrics.operation(_METRIC.get(operation, "add_event"), True)
            return answer

        return call

    async def start(self, request: Request) -> Answer:
        """Start an instance.

        The body is the input, byte for byte; without one the input is an empty text, as in Dapr.
        """
        instance_id = request.query.get(http_routes.INSTANCE_ID) or new_id()
        payload = text_of(request.body)
        made = await asyncio.wrap_future(self._service.start(request.names["workflow"], instance_id, payload))
        return json_answer(202, http_bodies.write_started(made))

    async def get(self, request: Request) -> Answer:
        instance_id = self._checked(request)
        found = self._service.get(instance_id)
        if found is None:
            raise Trouble(Problem.NOT_FOUND, Operation.GET, id=instance_id)
        return json_answer(200, http_bodies.write_instance(found))

    async def logs(self, request: Request) -> Answer:
        """Answer what the instance's code logged, for `wfctl logs`; not Dapr's."""
        query = request.query
        try:
            after, level = int(query.get("after") or 0), int(query.get("level") or 0)
            limit = None if query.get("limit") is None else int(query["limit"])
            if not all(0 <= number < 2**63 for number in (after, level, limit or 0)):
                raise ValueError("a number is out of range")
        except ValueError as error:
            raise malformed(str(error)) from error
        lines = self._service.logs(request.names["instance"], after, query.get("step"), level, limit)
        return json_answer(200, http_bodies.write_logs(lines))

    async def events(self, request: Request) -> Answer:
        """Answer who waits for which event, for `wfctl waiting`; not Dapr's."""
        return Answer(200, await self._service.events(_filter(request), event_bodies.write_events))

    async def event_groups(self, request: Request) -> Answer:
        """Answer how many wait for which event, for `wfctl waiting --by`; not Dapr's."""
        return Answer(200, await self._service.event_groups(_filter(request), event_bodies.write_groups))

    async def raise_event(self, request: Request) -> Answer:
        data = text_of(request.body) if request.body else None
        await self._service.raise_event(request.names["instance"], request.names["event"], data)
        return _accepted()

    async def pause(self, request: Request) -> Answer:
        await self._service.pause(self._checked(request))
        return _accepted()

    async def resume(self, request: Request) -> Answer:
        await self._service.resume(self._checked(request))
        return _accepted()

    async def terminate(self, request: Request) -> Answer:
        await self._service.terminate(self._checked(request))
        return _accepted()

    async def purge(self, request: Request) -> Answer:
        await self._service.purge(self._checked(request))
        return _accepted()

    def _checked(self, request: Request) -> str:
        """Return the instance ID. A body is not needed, but one that is no JSON object is refused, as in Dapr."""
        if request.body.strip():
            try:
                value = json.loads(request.body)
            except RecursionError as error:
                raise _no_message("the body is nested too deeply") from error
            except ValueError as error:
                word = request.body.split(None, 1)[0][:40].decode("utf-8", "replace")
                raise _no_message(f"invalid value {word}") from error
            if not isinstance(value, dict):
                raise _no_message(f"unexpected token {request.body.lstrip()[:1].decode('latin-1')}")
        return request.names["instance"]


def _filter(request: Request) -> Filter:
    try:
        return filters.read(request.query)
    except ValueError as error:
        raise malformed(str(error)) from error


def _no_message(reason: str) -> Trouble:
    return malformed(f"failed deserializing HTTP body: proto: syntax error (line 1:1): {reason}")


def _accepted() -> Answer:
    return Answer(202, b"{}")
