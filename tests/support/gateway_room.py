"""The gateway without its sockets: a real engine on a real store, a worker made of a function, HTTP in memory."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
from limits import LIMIT_SECONDS

from wfctl.engine.execute.worker import PendingTurn, Worker
from wfctl.gateway.assembly import Gateway
from wfctl.gateway.listening.listeners import http_app
from wfctl.gateway.listening.security import HostCheck, TokenCheck
from wfctl.gateway.log import Log
from wfctl.model import events as ev
from wfctl.model.status import Status
from wfctl.model.turn import Stall, TurnResult
from wfctl.workflow.loading.app import App


def quick(turn: PendingTurn) -> TurnResult:
    """A workflow named Wait ends at the event `go`, Stall stalls, others end at once; a request to end is obeyed."""
    now = turn.new[0].timestamp
    if any(isinstance(event, ev.ExecutionTerminated) for event in turn.new):
        return TurnResult()
    if turn.name == "Stall":
        return TurnResult(stall=Stall(ev.StallReason.VERSION_NOT_AVAILABLE, "Version not available: v1"))
    raised = next((e for e in turn.new if isinstance(e, ev.EventRaised) and e.name.casefold() == "go"), None)
    if turn.name == "Wait" and raised is None:
        return TurnResult(custom_status="waiting")
    if turn.name == "Fail":
        failure = ev.Failure("ValueError", "kaboom", "line 1")
        return TurnResult([ev.ExecutionCompleted(1, now, Status.FAILED, None, failure)])
    output = '"done"' if raised is None else raised.input
    return TurnResult([ev.ExecutionCompleted(1, now, Status.COMPLETED, output)])


class Room:
    def __init__(self, gateway: Gateway, http: httpx.AsyncClient) -> None:
        self.gateway = gateway
        self.http = http
        self.shut_down = False

    def worker(self, run: Callable[[PendingTurn], TurnResult] = quick) -> Worker:
        """Attach a worker that answers every turn by `run`."""
        loop = asyncio.get_running_loop()

        def work() -> None:
            while worker.outbox:
                turn = worker.outbox.popleft()
                if isinstance(turn, PendingTurn) and not turn.done:
                    self.gateway.remote.complete_turn(turn.instance_id, turn.token, lambda turn=turn: run(turn))  # type: ignore[misc]

        worker = Worker(lambda: loop.call_soon_threadsafe(work) and None, most_turns=100, most_activities=100)  # type: ignore[arg-type]
        self.gateway.remote.attach(worker)
        self.gateway.engine.try_all_again()
        return worker

    async def status(self, instance_id: str, *wanted: str) -> dict[str, Any]:
        """The instance once it has one of these statuses."""
        deadline = asyncio.get_running_loop().time() + LIMIT_SECONDS
        while True:
            body: dict[str, Any] = (await self.http.get(f"/v1.0/workflows/dapr/{instance_id}")).json()
            if body.get("runtimeStatus") in wanted:
                return body
            assert asyncio.get_running_loop().time() < deadline, body
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def room(
    store: Path, *, token: str | None = None, max_body: int = 1000, app: App | None = None
) -> AsyncIterator[Room]:
    log = Log(io.StringIO())
    async with contextlib.AsyncExitStack() as stack:
        gateway = Gateway(stack, store, log, app=app, most_turns=100, most_activities=100)
        stack.callback(gateway.waiters.close)

        def stop() -> None:
            made.shut_down = True

        routes = http_app(
            gateway,
            log,
            token=TokenCheck(token),
            hosts=HostCheck("127.0.0.1", any_host=token is not None),
            max_body=max_body,
            shutdown=stop,
            stopping=lambda: False,
        )
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app=routes), base_url="http://127.0.0.1:3500")
        await stack.enter_async_context(http)
        made = Room(gateway, http)
        yield made


Scenario = Callable[[Room], Awaitable[None]]


def play(tmp_path: Path, scenario: Scenario, **options: Any) -> None:
    async def main() -> None:
        async with room(tmp_path / "store.db", **options) as made:
            await asyncio.wait_for(scenario(made), LIMIT_SECONDS)

    asyncio.run(main())
