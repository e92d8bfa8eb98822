"""Execute what was set in motion on an embedded store, as the commands do that change instances.

It is a process of its own: an app may print, take long or fall, and the screen is not to suffer from it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from threading import Thread

from wfctl.cli.session import Session
from wfctl.cli.ui.target import command_flags


class Runner:
    """Processes of wfctl that drive instances; none on a target where somebody else does."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._running: list[subprocess.Popen[bytes]] = []

    def carry_on(self, ids: Sequence[str]) -> bool:
        """Have these instances executed until they end, or this is closed. Returns False where it is not for us."""
        return self._start(["wait", "-", "--for", "terminal", "--quiet"], "\n".join(ids))

    def run(self) -> bool:
        """Have all executed that is due in the store. Returns False where another process does it."""
        return self._start(["run", "--quiet"], "")

    def _start(self, words: Sequence[str], stdin: str) -> bool:
        target = self._session.target
        if target.embedded is None or target.embedded.app is None or target.executed():
            return False
        command = [sys.executable, "-m", "wfctl", *words, *command_flags(self._session.flags)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        self._running = [one for one in self._running if one.poll() is None] + [process]
        Thread(target=_feed, args=(process, stdin.encode()), daemon=True).start()
        return True

    def close(self) -> None:
        """End them in order: what was acknowledged is committed, and the next command goes on with it."""
        for process in self._running:
            process.terminate()
        for process in self._running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)


def _feed(process: subprocess.Popen[bytes], text: bytes) -> None:
    with suppress(OSError):
        process.communicate(text)
