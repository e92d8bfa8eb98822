"""Run the code of users for a check: it prints, logs and reads nothing, and has to come back."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, TypeVar

import wfctl
from wfctl.model.events import PropagatedEvents
from wfctl.model.fit import Difference, Misfit, Place, Recorded
from wfctl.workflow.registry import Registry
from wfctl.workflow.replay.check import difference

T = TypeVar("T")

SECONDS = 10.0  # a history of thousands of steps takes less than one
AGAIN_SECONDS = 0.2  # code that catches everything is interrupted again
_OURS = os.path.dirname(os.path.abspath(wfctl.__file__)) + os.sep
_PYTHONS = os.path.dirname(os.path.abspath(os.__file__)) + os.sep


class TookTooLong(BaseException):
    """Raised in the user's code, wherever it is. No `except Exception` catches it."""


class Guard:
    """Checks histories one after the other, while `with` holds it."""

    def __init__(
        self, registry: Registry, *, seconds: float | None = SECONDS, results: bool = False, quiet: bool = True
    ) -> None:
        """`seconds` is the time that one history may take, None for no limit; `results` is that of `difference`.

        With `quiet`, nothing that this process prints or logs meanwhile is seen: for one in which nothing else runs.
        """
        self._quiet = quiet
        self._registry = registry
        self._seconds = seconds
        self._results = results
        self._alarm: _Signal | _Thread | None = None
        self._null: Any = None
        self._level_before = 0

    def __enter__(self) -> Guard:
        if self._quiet:
            import logging

            self._level_before = logging.root.manager.disable
            logging.disable(logging.CRITICAL)
            self._null = _Nowhere()
        if self._seconds is not None:
            self._alarm = _Signal(self._seconds) if _Signal.usable() else _Thread(self._seconds)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        if self._quiet:
            import logging

            logging.disable(self._level_before)
        if self._alarm is not None:
            self._alarm.close()

    def difference(
        self, recorded: Recorded, read_propagated: Callable[[], PropagatedEvents | None] = lambda: None
    ) -> Difference | None:
        """Check one history. Returns as `difference`; and HANGS, with the line, for code that does not come back."""
        return self._within(
            lambda: difference(self._registry, recorded, results=self._results, read_propagated=read_propagated)
        )

    def _within(self, call: Callable[[], Difference | None]) -> Difference | None:
        before = sys.stdin, sys.stdout, sys.stderr
        if self._quiet:
            sys.stdin = sys.stdout = sys.stderr = self._null
        alarm = self._alarm
        try:
            if alarm is None:
                return call()
            alarm.start()
            try:
                found = call()
            finally:
                alarm.stop()
        except TookTooLong:
            found = None
        finally:
            sys.stdin, sys.stdout, sys.stderr = before
        if alarm is None or not alarm.fired:
            return found
        text = f"the code did not come back within {self._seconds:g} seconds"
        return Difference(Misfit.HANGS, text, place=alarm.place)


class _Nowhere(io.TextIOBase):
    """What is written goes nowhere, and there is nothing to read."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        return len(text)

    def writable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> str:
        return ""

    def readline(self, size: int = -1) -> str:  # type: ignore[override]
        return ""


class _Signal:
    """An alarm by the system, which interrupts `time.sleep` and the like too."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.fired = False
        self.place: Place | None = None
        self._tracing, self._trace_before = False, sys.gettrace()
        self._before = signal.signal(signal.SIGALRM, self._ring)

    @staticmethod
    def usable() -> bool:
        """Return True on the main thread of a system that has alarms, if nobody else uses them."""
        return (
            hasattr(signal, "setitimer")
            and threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
        )

    def start(self) -> None:
        self.fired, self.place = False, None
        signal.setitimer(signal.ITIMER_REAL, self._seconds, AGAIN_SECONDS)

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        if self._tracing:
            self._tracing = False
            sys.settrace(self._trace_before)

    def close(self) -> None:
        signal.signal(signal.SIGALRM, self._before)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        if not self.fired:
            self.fired, self.place = True, _users_line(frame)
        elif frame is not None:
            # It was caught by an `except BaseException`. Raised again in there, that does not catch it.
            self._tracing = True
            frame.f_trace = _raise
            sys.settrace(_raise)
        raise TookTooLong


def _raise(frame: FrameType, event: str, argument: object) -> Any:
    if event == "line":
        raise TookTooLong
    return _raise


class _Thread:
    """An alarm by another thread. It ends code that computes; what waits in the system goes on waiting."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._watched = threading.get_ident()
        self._changed = threading.Condition()
        self._round = 0  # odd while code runs
        self._closed = False
        self.fired = False
        self.place: Place | None = None
        threading.Thread(target=self._watch, name="wfctl-check", daemon=True).start()

    def start(self) -> None:
        with self._changed:
            self.fired, self.place = False, None
            self._round += 1

    def stop(self) -> None:
        with self._changed:
            self._round += 1

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _watch(self) -> None:
        import ctypes

        seen = -1
        with self._changed:
            while not self._closed:
                self._changed.wait(AGAIN_SECONDS if self.fired else self._seconds)
                if not self._round % 2:
                    continue
                if self._round == seen or self.fired:
                    if not self.fired:
                        self.fired, self.place = True, _users_line(sys._current_frames().get(self._watched))
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(
                        ctypes.c_ulong(self._watched), ctypes.py_object(TookTooLong)
                    )
                seen = self._round


def _users_line(frame: FrameType | None) -> Place | None:
    """Return the innermost line that is neither wfctl's nor Python's own."""
    innermost = frame
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith((_OURS, "<")) and (not file.startswith(_PYTHONS) or "site-packages" in file):
            return Place(file, frame.f_lineno)
        frame = frame.f_back
    return None if innermost is None else Place(innermost.f_code.co_filename, innermost.f_lineno)
