"""Ask a target that may be slow, in another process that continues after the shell has stopped waiting.

What it learns then is the answer the next time, for a while: a second TAB knows what the first one could not.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

Pairs = list[tuple[str, str]]

GIVE_UP = 5  # seconds, for the process aside
KEPT = 120.0  # seconds for which an answer may be given again


def ask_aside(key: str, ask: Callable[[], None], found: Sequence[tuple[str, str]], seconds: float) -> Pairs:
    """`ask` puts its answers into `found`, in another process. What has not come in time was perhaps learnt before."""
    file = _folder() / f"complete-{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
    ours, theirs = os.pipe()
    if os.fork() == 0:
        os.close(ours)
        _aside(file, ask, found, theirs, max(GIVE_UP, int(seconds) + 1))
    os.close(theirs)
    answer = _read(ours, time.monotonic() + seconds)
    os.close(ours)
    return _decode(answer) if answer is not None else _remembered(file)


def _aside(file: Path, ask: Callable[[], None], found: Sequence[tuple[str, str]], pipe: int, seconds: int) -> None:
    """Ask in the other process. It keeps nothing open that the shell waits for, and it ends."""
    try:
        signal.alarm(seconds)
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nowhere, number)
        ask()
        text = json.dumps([list(pair) for pair in found]).encode()
        with contextlib.suppress(OSError):
            _remember(file, text)
        os.write(pipe, text + b"\n")
    except BaseException:
        os._exit(1)
    os._exit(0)


def _read(pipe: int, until: float) -> bytes | None:
    """A whole line, or None where it does not come in time."""
    parts = b""
    while not parts.endswith(b"\n"):
        left = until - time.monotonic()
        if left <= 0 or not select.select([pipe], [], [], left)[0]:
            return None
        part = os.read(pipe, 65536)
        if not part:
            return None
        parts += part
    return parts


def _remember(file: Path, text: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = file.with_suffix(f".{os.getpid()}")
    beside.write_bytes(text)
    os.replace(beside, file)
    for other in file.parent.glob("complete-*"):
        if time.time() - other.stat().st_mtime > KEPT:
            other.unlink()


def _remembered(file: Path) -> Pairs:
    try:
        if time.time() - file.stat().st_mtime > KEPT:
            return []
        return _decode(file.read_bytes())
    except OSError:
        return []


def _decode(text: bytes) -> Pairs:
    try:
        return [(str(value), str(help)) for value, help in json.loads(text)]
    except (ValueError, TypeError):
        return []


def _folder() -> Path:
    from wfctl.config.files import USER_DIRS

    return USER_DIRS.user_cache_path
