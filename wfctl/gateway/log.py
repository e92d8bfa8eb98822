"""The server's log on stderr: lines for people on a terminal, JSON lines otherwise.

Fields are names, numbers and IDs. Payloads and tokens never get here.
"""

from __future__ import annotations

import json
import threading
from datetime import datetime, timezone
from enum import IntEnum
from typing import Any, TextIO

from wfctl.render.text import clean, clean_block, safe_json

MOST = 500  # characters of a word: anybody chooses names and IDs, and may choose long ones


class Level(IntEnum):
    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40


class Log:
    """May be used from any thread."""

    def __init__(self, stream: TextIO, level: Level = Level.INFO, *, as_json: bool | None = None) -> None:
        self._stream = stream
        self._level = level
        self._json = not stream.isatty() if as_json is None else as_json
        self._lock = threading.Lock()

    @property
    def level(self) -> int:
        return self._level

    @property
    def for_people(self) -> bool:
        """Return True at a terminal, False where lines are JSON."""
        return not self._json

    def debug(self, message: str, **fields: object) -> None:
        self._write(Level.DEBUG, message, fields)

    def info(self, message: str, **fields: object) -> None:
        self._write(Level.INFO, message, fields)

    def warning(self, message: str, **fields: object) -> None:
        self._write(Level.WARNING, message, fields)

    def error(self, message: str, **fields: object) -> None:
        self._write(Level.ERROR, message, fields)

    def app_line(self, level: int, message: str, **fields: object) -> None:
        """Log what the app in this process has logged. `level` is one of Python's logging."""
        self._write(Level(min(max(level // 10 * 10, Level.DEBUG), Level.ERROR)), message, fields, whole=True)

    def _write(self, level: Level, message: str, fields: dict[str, object], *, whole: bool = False) -> None:
        """`whole`: the app's own words, of which nothing is cut."""
        if level < self._level:
            return
        if not whole:
            message, fields = _cut(message), {key: _cut(value) for key, value in fields.items()}
        now = datetime.now(timezone.utc)
        if self._json:
            record = {"time": now.isoformat(), "level": level.name.lower(), "msg": message, **fields}
            line = safe_json(json.dumps(record, default=str, ensure_ascii=False))
        else:
            tail = "".join(f"  {key}={clean(str(value))}" for key, value in fields.items())
            mark = "" if level == Level.INFO else f"{level.name.lower()}: "
            said = clean_block(message) if whole else clean(message)
            line = f"{now.astimezone():%H:%M:%S} {mark}{said}{tail}"
        with self._lock:
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except (OSError, ValueError):  # nobody reads it any more: the work goes on
                pass


def _cut(value: Any) -> Any:
    return value if not isinstance(value, str) or len(value) <= MOST else value[: MOST - 1] + "…"
