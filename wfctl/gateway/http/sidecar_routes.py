"""The routes of a sidecar besides workflows: health, metadata, shutdown, metrics, and the OpenAPI file."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources

from wfctl.errors import WfctlError
from wfctl.gateway.http.app import Answer, Request, Routes, error_answer, json_answer, text_of
from wfctl.gateway.metadata import About
from wfctl.gateway.metrics import CONTENT_TYPE, Metrics
from wfctl.gateway.workers.report import WorkersReport
from wfctl.wire import worker_bodies
from wfctl.wire.http_routes import HEALTH, METADATA, OUTBOUND_HEALTH, SHUTDOWN, WORKERS


class SidecarRoutes:
    def __init__(
        self,
        about: About,
        metrics: Metrics,
        shutdown: Callable[[], None],
        stopping: Callable[[], bool],
        full: Callable[[], WfctlError | None],
        workers: WorkersReport | None,
    ) -> None:
        """`full` returns the error that requests get while the disk is full. `workers`: None where none can attach."""
        self._workers = workers
        self._about = about
        self._metrics = metrics
        self._shutdown = shutdown
        self._stopping = stopping
        self._full = full

    def add_to(self, routes: Routes) -> None:
        routes.add("GET", HEALTH, self.health)
        routes.add("GET", OUTBOUND_HEALTH, self.outbound)
        routes.add("GET", METADATA, self.metadata)
        routes.add("PUT", METADATA + "/{key}", self.set_metadata)
        routes.add("POST", SHUTDOWN, self.shut_down)
        if self._workers is not None:
            routes.add("GET", WORKERS, self.workers)
        routes.add("GET", "/metrics", self.metrics)
        routes.add("GET", "/openapi.yaml", self.openapi)

    async def health(self, request: Request) -> Answer:
        app_id = request.query.get("appid")
        if app_id and app_id != self._about.app_id:
            return error_answer(500, "ERR_HEALTH_APPID_NOT_MATCH", "dapr app-id does not match")
        if self._stopping():
            return error_answer(500, "ERR_HEALTH_NOT_READY", "dapr is not ready: [shutting down]")
        full = self._full()
        if full is not None:
            return error_answer(500, "ERR_HEALTH_NOT_READY", f"dapr is not ready: [{full.message}]")
        return Answer(204)

    async def outbound(self, request: Request) -> Answer:
        full = self._full()
        if self._stopping() or full is not None:
            why = "" if full is None else f": {full.message}"
            return error_answer(500, "ERR_OUTBOUND_HEALTH_NOT_READY", f"dapr outbound is not ready{why}")
        return Answer(204)

    async def metadata(self, request: Request) -> Answer:
        return json_answer(200, self._about.as_json())

    async def workers(self, request: Request) -> Answer:
        """Answer who is attached and what they hold, for `wfctl workers`; not Dapr's."""
        assert self._workers is not None
        return json_answer(200, worker_bodies.write_workers(await self._workers.all()))

    async def set_metadata(self, request: Request) -> Answer:
        self._about.extended[request.names["key"]] = text_of(request.body)
        return Answer(204)

    async def shut_down(self, request: Request) -> Answer:
        self._shutdown()
        return Answer(204)

    async def metrics(self, request: Request) -> Answer:
        return Answer(200, self._metrics.text().encode(), CONTENT_TYPE)

    async def openapi(self, request: Request) -> Answer:
        return Answer(200, (resources.files("wfctl.gateway") / "openapi.yaml").read_bytes(), "application/yaml")
