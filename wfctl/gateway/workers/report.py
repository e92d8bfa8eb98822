"""What `wfctl workers` is told: who is attached, what they hold, and what waits for one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone

from wfctl.engine.execute.hands import told_backlog, told_workers
from wfctl.engine.execute.remote import RemoteExecutor
from wfctl.model.workers import WORKFLOW, AppWorkers, Queued, Worker, in_order


class WorkersReport:
    """`own` is the app in this process, as a worker. `left_alone` blocks, and returns the workflow of each instance
    that was tried while nobody could run it. `apps` are those that share the engine, `app_id` the only one."""

    def __init__(
        self,
        remote: RemoteExecutor,
        own: Callable[[], Worker | None],
        left_alone: Callable[[], Mapping[int, str]],
        app_id: str,
        apps: Sequence[str],
    ) -> None:
        self._remote = remote
        self._own = own
        self._left_alone = left_alone
        self._app_id = app_id
        self._apps = apps

    async def all(self) -> list[AppWorkers]:
        """Return the workers, app by app."""
        left = await asyncio.to_thread(self._left_alone)
        alone = [Queued(WORKFLOW, name, count) for name, count in Counter(left.values()).items()]
        if not self._apps:
            return [self._of(self._app_id, None, alone)]
        found = [self._of(app, app, []) for app in self._apps]
        # Whose it is stands in its history, which nobody has read for this.
        return found if not alone else [*found, AppWorkers(None, None, None, in_order(alone))]

    def _of(self, app_id: str, whose: str | None, alone: Sequence[Queued]) -> AppWorkers:
        now, hands = datetime.now(timezone.utc), self._remote.hands(whose)
        own = self._own()
        workers = (*([] if own is None else [own]), *told_workers(hands, now))
        return AppWorkers(app_id, len(workers), workers, in_order([*told_backlog(hands, now), *alone]))
