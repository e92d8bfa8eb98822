"""What the app's code logs by Python's logging, told with the instance and the step that logged it.

A handler on the root logger takes the records, and a context variable says which step runs: it holds in the thread of
an activity, in its asyncio task, and, by `follow_threads`, in the threads that it starts. A replay logs nothing again.
What is logged outside of steps is left to Python, as without wfctl.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from datetime import datetime, timezone
from functools import partial
from typing import Any

from wfctl.engine.execute.port import Logged
from wfctl.model.apps import OWN
from wfctl.model.logs import LogLine

MOST_IN_A_LINE = 8 * 1024  # characters; a longer message is cut


class Step:
    """A step while it runs: an activity, or a turn of workflow code if it has no name."""

    __slots__ = ("app", "event_id", "instance_id", "key", "name", "over", "replaying")

    def __init__(
        self,
        key: int,
        instance_id: str,
        name: str | None = None,
        event_id: int | None = None,
        replaying: Callable[[], bool] = lambda: False,
        app: str = OWN,
    ) -> None:
        self.key = key
        self.app = app  # whose code it is, as stored
        self.instance_id = instance_id
        self.name = name
        self.event_id = event_id
        self.replaying = replaying
        self.over = False


CURRENT: ContextVar[Step | None] = ContextVar("wfctl_step", default=None)


class LogCapture(logging.Handler):
    """`deliver` is called on the thread that logs. It must not log."""

    def __init__(self, deliver: Callable[[Logged], None], level: int = logging.INFO) -> None:
        """Take the records of the whole process from now on, until `remove`.

        An app that configures logging itself keeps its levels and its output; else records of `level` and above are
        taken.
        """
        super().__init__()
        self._deliver = deliver
        root = logging.getLogger()
        self._configured = bool(root.handlers)
        self._level_before = root.level
        if not self._configured and root.level == logging.WARNING:
            root.setLevel(min(level, logging.INFO))
        root.addHandler(self)
        follow_threads()

    def remove(self) -> None:
        root = logging.getLogger()
        root.removeHandler(self)
        if not self._configured:
            root.setLevel(self._level_before)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            step = CURRENT.get() or getattr(threading.current_thread(), _STEP, None)
            if step is None or step.over:
                self._as_without_us(record)
            elif not step.replaying():
                line = LogLine(
                    datetime.fromtimestamp(record.created, timezone.utc),
                    record.levelno,
                    step.name,
                    step.event_id,
                    record.name,
                    _text(record),
                )
                self._deliver(Logged(step.key, step.instance_id, line, shown=self._shown_by_the_app(record)))
        except Exception:
            self.handleError(record)

    def _as_without_us(self, record: logging.LogRecord) -> None:
        """Python writes warnings that nobody handles to stderr."""
        last = logging.lastResort
        if last is not None and record.levelno >= last.level and not self._others(record):
            last.handle(record)

    def _shown_by_the_app(self, record: logging.LogRecord) -> bool:
        """Return True if a handler of the app's own writes the record to a terminal or another stream."""
        return any(
            isinstance(handler, logging.StreamHandler)
            and not isinstance(handler, logging.FileHandler)
            and record.levelno >= handler.level
            for handler in self._others(record)
        )

    def _others(self, record: logging.LogRecord) -> list[logging.Handler]:
        found: list[logging.Handler] = []
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger is not None:
            found += (handler for handler in logger.handlers if handler is not self)
            logger = logger.parent if logger.propagate else None
        return found


def _text(record: logging.LogRecord) -> str:
    """Return the message, and the traceback of `logger.exception`."""
    try:
        text = record.getMessage()
    except Exception:  # arguments that do not fit the message: Python's own handlers complain, and lose it
        text = f"{record.msg} {record.args!r}"
    if record.exc_info and record.exc_info[0] is not None:
        text += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
    text = text.encode(errors="backslashreplace").decode()
    return text if len(text) <= MOST_IN_A_LINE else text[: MOST_IN_A_LINE - 3] + "..."


# --- threads that a step starts --------------------------------------------------------------------------------------

_STEP = "_wfctl_step"
_following = False


def follow_threads() -> None:
    """Let threads, and the jobs of thread pools, belong to the step that starts them, for as long as it runs."""
    global _following
    if _following:
        return
    _following = True
    start, submit = threading.Thread.start, ThreadPoolExecutor.submit

    def start_of_step(self: threading.Thread) -> None:
        step = CURRENT.get()
        if step is not None:
            setattr(self, _STEP, step)
        start(self)

    def submit_of_step(self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        if CURRENT.get() is not None:
            fn = partial(copy_context().run, fn)
        return submit(self, fn, *args, **kwargs)

    threading.Thread.start = start_of_step  # type: ignore[method-assign]
    ThreadPoolExecutor.submit = submit_of_step  # type: ignore[method-assign,assignment]
