"""Lines that the app's code has logged, on their way into the store.

They are written with the transactions that there are anyway, or, where there is none for a moment, with one of their
own. Nobody waits for them: a crash loses at most those of the last moment, and they never fail a run.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable

from wfctl.engine.store import database, logs
from wfctl.engine.store.database import Connection
from wfctl.model.logs import LogLine

Line = tuple[int, LogLine]  # by the key of the instance

# Seconds until a line gets a transaction of its own.
DELAY = 0.2
# Lines that wait at the most; of more, the oldest are lost.
MOST_WAITING = 10_000
# Lines, and characters, of one instance between two looks at its bounds.
TRIM_LINES, TRIM_CHARACTERS = 100, 64 * 1024
# Instances whose lines are counted.
MOST_COUNTED = 10_000


class LogBuffer:
    """`add` may be called from any thread, everything else on the engine's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Line] = deque(maxlen=MOST_WAITING)
        self._since = 0.0
        self._writing: list[Line] = []
        self._counts: dict[int, tuple[int, int]] = {}  # lines and characters since the last trim, by instance

    def add(self, lines: Iterable[Line]) -> None:
        with self._lock:
            if not self._waiting:
                self._since = time.monotonic()
            self._waiting.extend(lines)

    def due(self) -> bool:
        """Return True if lines have waited for long enough."""
        return bool(self._waiting) and time.monotonic() - self._since >= DELAY

    def write(self, db: Connection) -> None:
        """Write what waits into the open transaction. Raises only trouble with the store."""
        if not self._waiting:
            return
        with self._lock:
            self._writing += self._waiting
            self._waiting.clear()
        try:
            logs.put(db, self._writing)
            self._trim(db)
        except Exception as error:
            if database.is_trouble(error):
                raise
            self._writing.clear()  # a line that cannot be written must not fail what it tells of

    def committed(self) -> None:
        self._writing.clear()

    def rolled_back(self) -> None:
        """Keep the lines for the next transaction."""
        with self._lock:
            self._waiting.extendleft(reversed(self._writing[: MOST_WAITING - len(self._waiting)]))
            self._writing.clear()

    def _trim(self, db: Connection) -> None:
        if len(self._counts) > MOST_COUNTED:
            self._counts.clear()
        for key, line in self._writing:
            # Of an instance that is met for the first time, nobody has counted what an earlier process wrote.
            lines, characters = self._counts.get(key, (TRIM_LINES, 0))
            self._counts[key] = lines + 1, characters + len(line.message)
        for key in {key for key, _ in self._writing}:
            lines, characters = self._counts[key]
            if lines > TRIM_LINES or characters > TRIM_CHARACTERS:
                logs.trim(db, key)
                self._counts[key] = 0, 0
