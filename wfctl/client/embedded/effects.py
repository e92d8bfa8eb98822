"""Find out whether committed requests have taken effect: to pause, to resume, to terminate."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wfctl.client.embedded.driving import LOOK_SECONDS, Driving
from wfctl.client.embedded.store_access import StoreAccess
from wfctl.client.port import Requested
from wfctl.engine.owner_lock import is_owned
from wfctl.engine.store import instances
from wfctl.engine.store.instances import Row
from wfctl.model.apps import Apps
from wfctl.model.status import Status

if TYPE_CHECKING:
    from wfctl.engine.undriven import UndrivenTransaction

# Seconds that a command waits in total for another process to carry out its requests.
EFFECT_SECONDS = 5.0


@dataclass(frozen=True)
class Asked(Requested):
    """Hold a committed request. It has taken effect once `done` is true of the status of the instance."""

    instance_id: str
    done: Callable[[Status], bool]


class Effects:
    def __init__(self, store: StoreAccess, driving: Driving, apps: Apps) -> None:
        self._store = store
        self._apps = apps
        self._driving = driving
        self._patience = EFFECT_SECONDS

    def of(self, asked: Sequence[Asked]) -> Sequence[Requested | None]:
        """Wait until these requests have taken effect, `EFFECT_SECONDS` at most in the life of this object.

        Returns None for each that has, or whose instance has ended; else who must act.
        """
        until = time.monotonic() + self._patience
        effects: dict[int, Requested | None] = dict.fromkeys(range(len(asked)))
        waiting: Sequence[int] = range(len(asked))
        while waiting:
            rows: dict[int, Row] = {}
            found = self._find([asked[index].instance_id for index in waiting], self._apps)
            for index in waiting:
                row = found.get(asked[index].instance_id)
                done = asked[index].done
                if row is None or row.status.terminal or done(row.status):
                    continue
                if done(Status.SUSPENDED) and row.status is Status.PENDING and row.wake_at is not None:
                    effects[index] = Requested("it has not started: it is paused when it does")
                else:
                    rows[index] = row
            waiting = [*rows]
            late = time.monotonic() >= until
            if rows and (waits_for := self._who_acts([*rows.values()], late)) is not None:
                self._patience = max(0.0, until - time.monotonic())
                for index, row in rows.items():
                    effects[index] = Requested(waits_for.format(name=row.name))
                break
        return [*effects.values()]

    def _who_acts(self, rows: Sequence[Row], late: bool) -> str | None:
        """Return who must act for requests to these to take effect, in words.

        None: wait a moment first, as the owner may act. `late`: there is no time left to wait.
        """
        driving = self._driving
        if driving.engine is not None:
            if not driving.engine.settled([row.root for row in rows]):
                driving.changed(LOOK_SECONDS)
                return None
            if self._moved(rows):  # they were read before it had settled
                return None
            return "no workflow code here can do it: it takes an app that registers '{name}'"
        if not is_owned(self._store.path, 0):
            # The process that owned the store when the requests were committed has ended and not followed them.
            self._store.transact(lambda transaction: self._follow(transaction, rows))
            if self._moved(rows):
                return None
            return "no process is executing this store: wfctl run --app FILE, or wfctl serve, does it"
        if late:
            owner = driving.owner()
            which = "" if owner is None else f" (PID {owner.pid})"
            return f"the process that executes this store{which} has not done it yet"
        time.sleep(LOOK_SECONDS)
        return None

    @staticmethod
    def _follow(transaction: UndrivenTransaction, rows: Sequence[Row]) -> None:
        transaction.expect([row.id for row in rows])
        for row in rows:
            transaction.run(lambda unit: None, row.id, (row.app,))

    def _moved(self, rows: Sequence[Row]) -> bool:
        return self._store.query(lambda db: instances.by_keys(db, [row.key for row in rows])) != rows

    def _find(self, ids: Sequence[str], apps: Apps) -> Mapping[str, Row]:
        return self._store.query(lambda db: instances.find_all(db, ids, apps)) or {}
