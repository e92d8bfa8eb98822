"""kill -9 before every call of the store's code into SQLite and the system, one after the other."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import wfctl.engine

CODE = str(Path(wfctl.engine.__file__).parent)


def killed_everywhere(begin: Callable[[], None], work: Callable[[], object], look: Callable[[], None]) -> int:
    """Run `work` in a process that is killed at its first call, its second, ... until it gets to its end.

    `begin` makes what it works on anew, `look` tells what a kill has left. Returns the number of kills.
    """
    moment = 0
    while True:
        begin()
        child = os.fork()
        if child == 0:
            _work(work, moment)
        _, status = os.waitpid(child, 0)
        look()
        if not os.WIFSIGNALED(status):
            assert os.WEXITSTATUS(status) == 0, "it failed by itself"
            return moment
        assert os.WTERMSIG(status) == signal.SIGKILL
        moment += 1


def _work(work: Callable[[], object], moment: int) -> None:
    """In the child: never returns."""
    left = moment

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal left
        if not frame.f_code.co_filename.startswith(CODE):
            return
        if (event == "call" and frame.f_code.co_name == "step") or (event == "c_call" and _changes(argument)):
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

    try:
        sys.setprofile(count)
        work()
        sys.setprofile(None)
        os._exit(0)
    except BaseException:
        sys.setprofile(None)
        traceback.print_exc()
    finally:
        os._exit(1)


def _changes(function: Any) -> bool:
    """True for what may change a file."""
    return isinstance(getattr(function, "__self__", None), sqlite3.Connection) or function.__module__ == os.name
