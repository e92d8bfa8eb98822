"""Write the stores of an older wfctl, with instances in every unfinished state: v0.1/*.db are of commit 81b7294.

    git archive 81b7294 wfctl | tar x -C OLD
    python tests/golden/stores/make.py OLD tests/golden/stores/v0.1

Needs what that version needs to serve. Never make the stores of a released version again: what they are for is to have
been written by it. The clock of the old version is set to 2025, so that all that waits for a time is due today.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

APP = Path(__file__).with_name("app.py")
NOW = datetime(2025, 6, 1, tzinfo=timezone.utc)
OFFSET = NOW.timestamp() - time.time()

# Runs wfctl by a clock that is OFFSET seconds ahead.
RUNNER = """
import datetime as module, os, sys
real = module.datetime
shift = module.timedelta(seconds=float(os.environ["GOLDEN_OFFSET"]))
class Shifted(real):
    @classmethod
    def now(cls, tz=None):
        return real.now(tz) + shift
import wfctl.engine.clock, wfctl.client.embedded
for name in ("wfctl.engine.clock", "wfctl.client.embedded"):
    sys.modules[name].datetime = Shifted
from wfctl.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


class Old:
    """The older wfctl, on one store in a folder of its own."""

    def __init__(self, source: Path, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store.db"
        (folder / "app.py").write_bytes(APP.read_bytes())  # so that no path of this machine gets into the store
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("WFCTL_", "DAPR_"))}
        self.environ = {
            **kept,
            "PYTHONPATH": str(source),
            "WFCTL_TARGET": "embedded",
            "WFCTL_STORE": str(self.store),
            "WFCTL_APP": "app.py",
            "XDG_CONFIG_HOME": str(folder / "config"),
            "GOLDEN_MAKING": "1",
            "GOLDEN_OFFSET": str(OFFSET),
        }

    def begin(self, *words: str, making: str = "1") -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", RUNNER, *words]
        return subprocess.Popen(command, cwd=self.folder, env={**self.environ, "GOLDEN_MAKING": making})

    def run(self, *words: str, making: str = "1") -> None:
        status = self.begin(*words, making=making).wait(60)
        assert status == 0, (words, status)

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        db = sqlite3.connect(self.store)
        try:
            return db.execute(sql).fetchall()
        finally:
            db.close()

    def until(self, holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def fold(self) -> None:
        db = sqlite3.connect(self.store)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()


def waiting(old: Old) -> None:
    """What waits, in a store that its last owner left in order."""
    old.run("start", "Echo", "--id", "completed", "--input", '{"fäß": 0}')
    old.run("start", "Approval", "--id", "terminated")
    old.run("terminate", "terminated", "--output", "0")
    old.run("start", "Approval", "--id", "event", "--input", '"an order"')
    old.run("start", "Timer", "--id", "timer", "--input", "0")
    old.run("start", "Either", "--id", "either")
    old.run("start", "Retry", "--id", "retry", "--input", "false")
    old.run("start", "Parent", "--id", "parent", "--input", '"child"')
    old.run("start", "Approval", "--id", "suspended", "--input", "null")
    old.run("pause", "suspended", "--reason", "lunch")
    old.run("raise-event", "suspended", "approval", "--data", '"while suspended"')
    old.run("start", "Echo", "--id", "delayed", "--start-at", "2025-06-01T02:00:00Z", "--input", '"later"')
    old.run("start", "Generations", "--id", "generations", "--input", "3")
    old.run("raise-event", "generations", "kept", "--data", '"for the last"')
    old.until(lambda: old.ask("SELECT wake_at - created_at > 3e9 FROM instances WHERE id = 'generations'") == [(1,)])
    serve = old.begin("serve", "--http-port", "0", "--grpc-port", "0", "--ready-file", "ready.json", "-q")
    old.until((old.folder / "ready.json").exists)
    port = json.loads((old.folder / "ready.json").read_text())["httpPort"]
    body = json.dumps([{"key": "stock", "value": {"Paperclips": 990}}]).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1.0/state/statestore", body, {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request).close()
    serve.terminate()
    assert serve.wait(60) == 0
    old.run("start", "Changed", "--id", "stalled", "--input", "1")
    old.run("raise-event", "stalled", "approval", making="changed")
    assert old.ask("SELECT count(*) FROM instances WHERE stall IS NOT NULL") == [(1,)]


def killed(old: Old) -> None:
    """What a killed owner has left: activities under way, events that nobody has read, trees left to it."""
    old.run("start", "Approval", "--id", "unread", "--input", '"an order"')
    old.run("start", "Echo", "--id", "source", "--input", '"once"')
    old.run("start", "Echo", "--id", "unborn", "--input", '"never driven"', "--no-drive")
    old.run("start", "Approval", "--id", "doomed")
    owner = old.begin("start", "FanOut", "--id", "busy", "--input", "3", "--wait")
    old.until(lambda: old.ask("SELECT busy FROM instances WHERE id = 'busy'") == [(1,)])
    old.until((old.folder / "busy").exists)
    owner.send_signal(signal.SIGSTOP)
    old.run("raise-event", "unread", "approval", "--data", '"yes"')
    old.run("terminate", "doomed", "--output", '"told to"')
    old.run("start", "Echo", "--id", "wanted", "--input", '"left to the owner"')
    old.run("rerun", "source", "--new-id", "again")
    owner.kill()
    owner.wait()
    assert len(old.ask("SELECT root FROM wanted")) >= 2
    assert len(old.ask("SELECT seq FROM inbox")) >= 4
    assert old.ask("SELECT count(*) FROM owner") == [(1,)]


def main(source: Path, target: Path) -> None:
    import tempfile

    for make in (waiting, killed):
        with tempfile.TemporaryDirectory() as folder:
            old = Old(source, Path(folder))
            make(old)
            old.fold()
            (target / f"{make.__name__}.db").write_bytes(old.store.read_bytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
