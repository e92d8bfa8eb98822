"""The executor of this process: the app is imported here, workflow code stays alive between turns."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone

from wfctl.engine.execute.activity_pool import Loop, Threads, not_registered
from wfctl.engine.execute.log_capture import CURRENT, LogCapture, Step
from wfctl.engine.execute.port import ActivityResult, ActivityTask, Delivery, Logged, Turn
from wfctl.model.apps import OWN, stored
from wfctl.model.events import Event
from wfctl.model.logs import OWN_LOGGER, LogLine
from wfctl.model.turn import TurnResult
from wfctl.workflow.registry import Registry
from wfctl.workflow.replay.live_workflow import LiveWorkflow
from wfctl.workflow.sdk.unyielded import Unyielded

# How many sync activities run at a time, unless the app says otherwise. They mostly wait for something.
MAX_WORKERS = 32
MAX_ASYNC = 1000


class LocalExecutor:
    """See the port. `deliver` is called from the threads of activities."""

    def __init__(
        self,
        registry: Registry,
        deliver: Callable[[Delivery], None],
        max_workers: int | None = None,
        log_level: int = logging.INFO,
        others: Mapping[str, Registry] | None = None,
    ) -> None:
        """`log_level`: what the app logs at this level and above is delivered, and from INFO on in any case.

        `registry` is that of the store's own app, `others` are those of further apps in this process, by their IDs.
        """
        self._registries = {OWN: registry, **(others or {})}
        self._deliver = deliver
        self._runs: dict[int, tuple[LiveWorkflow, Step]] = {}
        limits = [one.threads for one in self._registries.values() if one.threads]
        self._threads = Threads(max_workers or min(limits, default=MAX_WORKERS), self._answer)
        self._loop = Loop(MAX_ASYNC, self._answer)
        self._closed = False
        self._log_level = log_level
        self._capture: LogCapture | None = None

    def has_app(self, app: str) -> bool:
        return app in self._registries

    def knows(self, name: str, app: str) -> bool:
        registry = self._registries.get(app)
        return registry is not None and registry.has_workflow(name)

    def run_turn(self, turn: Turn) -> TurnResult:
        """Run a turn here. A run that has come to an end, or is of no more use, is dropped."""
        if self._capture is None:
            self._capture_logs()
        past: Sequence[Event] = ()
        alive = self._runs.get(turn.key)
        if alive is None:
            run = LiveWorkflow(self._registries[stored(turn.app_id)], turn.instance_id, turn.received)
            step = Step(turn.key, turn.instance_id, replaying=run.is_replaying, app=stored(turn.app_id))
            past = turn.past()
        else:
            run, step = alive
        token = CURRENT.set(step)
        try:
            result = run.turn(past, turn.new)
        finally:
            CURRENT.reset(token)
        for warning in run.take_warnings():
            self._warn(turn, warning)
        if run.ended or result.stall is not None:
            self._runs.pop(turn.key, None)
        elif alive is None:
            self._runs[turn.key] = run, step
        return result

    def _capture_logs(self) -> None:
        """Take what the app logs from the first step on: an engine that does not get the store leaves logging alone."""
        self._capture = LogCapture(self._deliver, self._log_level)

    def _warn(self, turn: Turn, warning: Unyielded) -> None:
        """Put a warning about workflow code into the instance's log."""
        now = datetime.now(timezone.utc)
        line = LogLine(now, logging.WARNING, None, warning.number, OWN_LOGGER, warning.text)
        self._deliver(Logged(turn.key, turn.instance_id, line))

    def keeps(self, key: int) -> bool:
        """Return True if the code of this instance is alive here, so that its next turn needs no history."""
        return key in self._runs

    def run_activities(self, tasks: Sequence[ActivityTask]) -> None:
        if self._capture is None:
            self._capture_logs()
        sync, waiting = [], []
        for task in tasks:
            registry = self._registries[stored(task.app_id)]
            function = registry.activity(task.name)
            if function is None:
                self._answer(not_registered(task, registry))
            elif function.is_async:
                waiting.append((task, function))
            else:
                sync.append((task, function))
        if sync:
            self._threads.add(sync)
        if waiting:
            self._loop.add(waiting)

    def forget(self, key: int) -> None:
        alive = self._runs.pop(key, None)
        if alive is not None:
            alive[0].close()

    def close(self) -> None:
        self._closed = True
        if self._capture is not None:
            self._capture.remove()
        self._threads.close()
        self._loop.close()
        for run, _ in self._runs.values():
            run.close()
        self._runs.clear()

    def _answer(self, result: ActivityResult) -> None:
        if not self._closed:
            self._deliver(result)
