"""The server's regular deletions: finished instances by the rules of `--retain`, expired state."""

from __future__ import annotations

import time
from concurrent.futures import Future

from wfctl.engine.engine_thread import Engine
from wfctl.engine.retention import MOST, Retention, sweep
from wfctl.engine.store import app_state
from wfctl.engine.store.database import Connection
from wfctl.engine.store.values import to_micros
from wfctl.engine.transaction import Unit
from wfctl.gateway.log import Log

# Seconds between two looks: a tenth of the shortest time to keep, within these.
LEAST_SECONDS, MOST_SECONDS = 1.0, 60.0


class Cleaning:
    def __init__(self, retention: Retention, log: Log) -> None:
        self._retention = retention
        self._log = log
        shortest = retention.shortest
        wanted = MOST_SECONDS if shortest is None else shortest.total_seconds() / 10
        self._pause = min(max(wanted, LEAST_SECONDS), MOST_SECONDS)
        self._next = 0.0
        self._running: Future[tuple[int, int]] | None = None

    def tick(self, engine: Engine) -> None:
        """Do what is due; to be called every second or so."""
        if self._running is not None:
            if not self._running.done():
                return
            done, self._running = self._running, None
            if done.exception() is None:
                gone, expired = done.result()
                if gone or expired:
                    self._log.info("deleted by age", instances=gone, state=expired)
                if max(gone, expired) >= MOST:
                    self._next = 0.0  # there is more
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self._pause
            self._running = engine.write(self._clean)

    def _clean(self, unit: Unit, db: Connection) -> tuple[int, int]:
        gone = 0 if self._retention.shortest is None else sweep(unit, db, self._retention)
        return gone, app_state.delete_expired(db, to_micros(unit.now))
