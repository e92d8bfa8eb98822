"""A watch that is piped: one JSON line for each change."""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from queue import Queue
from typing import IO, Any

import pytest
from harness import RECORD_KEYS, Cli
from limits import LIMIT_SECONDS, until

from wfctl.cli.watching.change_feed import Change, IDChanges, Kind, ListChanges
from wfctl.cli.watching.interval import Pace
from wfctl.client.embedded.workflows import EmbeddedWorkflows, open_embedded
from wfctl.errors import NotFound
from wfctl.model.instance import Filter
from wfctl.model.status import Status


@pytest.fixture(autouse=True)
def instances(cli: Cli, app: Path) -> None:
    cli("start", "Echo", "--id", "done")
    cli("start", "Approval", "--id", "open")


class Piped:
    """wfctl with its output in pipes. Both streams are read as they are written, each line within a limit."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "wfctl", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._lines: Queue[str] = Queue()
        self._notes: Queue[str] = Queue()
        self._readers = [
            threading.Thread(target=_read, args=(self.process.stdout, self._lines), daemon=True),
            threading.Thread(target=_read, args=(self.process.stderr, self._notes), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def line(self) -> str:
        return self._lines.get(timeout=LIMIT_SECONDS)

    def until_notes(self, text: str) -> None:
        """Read stderr up to the line that contains TEXT."""
        while text not in self._notes.get(timeout=LIMIT_SECONDS):
            pass

    def until(self, **wanted: object) -> dict[str, Any]:
        while True:
            record: dict[str, Any] = json.loads(self.line())
            if all(record[name] == value for name, value in wanted.items()):
                return record

    def end(self) -> int:
        return self.process.wait(LIMIT_SECONDS)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


def _read(stream: IO[str], lines: Queue[str]) -> None:
    for line in stream:
        lines.put(line.rstrip("\n"))


@pytest.fixture
def piped() -> Iterator[Any]:
    started: list[Piped] = []

    def start(*words: str) -> Piped:
        started.append(Piped(*words))
        return started[-1]

    yield start
    for one in started:
        one.close()


def test_list_as_lines(cli: Cli, piped: Any) -> None:
    watch = piped("list", "--watch")
    first = [json.loads(watch.line()) for _ in range(2)]
    assert [(one["change"], one["instanceID"]) for one in first] == [("listed", "open"), ("listed", "done")]
    assert all(list(one) == ["change", *RECORD_KEYS] for one in first)
    cli("start", "Echo", "--id", "third", "--input", '{"n": [1, 2]}')
    third = watch.until(instanceID="third", runtimeStatus="COMPLETED")
    assert third["change"] in ("appeared", "changed")
    assert third["output"] == {"n": [1, 2]}, "payloads are whole"
    cli("raise-event", "open", "approval", "--data", "true")
    assert watch.until(instanceID="open", runtimeStatus="COMPLETED")["change"] == "changed"
    cli("purge", "done", "--yes")
    assert watch.until(change="purged")["instanceID"] == "done"
    if sys.platform != "win32":
        watch.process.send_signal(signal.SIGINT)
        assert watch.end() == 130


def test_ids_as_they_appear(cli: Cli, piped: Any) -> None:
    watch = piped("list", "--watch", "--name", "Echo", "-o", "id")
    assert watch.line() == "done"
    cli("start", "Approval", "--id", "other")
    cli("start", "Echo", "--id", "next")
    assert watch.line() == "next"


def test_ids_as_they_appear_are_whole_lines(cli: Cli, app: Path, piped: Any) -> None:
    with contextlib.closing(sqlite3.connect(app / "store.db")) as db, db:
        db.execute("UPDATE instances SET id = 'a' || char(10) || 'open' WHERE id = 'done'")
    watch = piped("list", "--watch", "--name", "Echo", "-o", "id")
    cli("start", "Echo", "--id", "next")
    assert watch.line() == "next"
    watch.until_notes("left out 'a\\nopen'")


def test_watch_ends_with_its_instances(cli: Cli, piped: Any) -> None:
    watch = piped("watch", "open", "done")
    assert [json.loads(watch.line())["instanceID"] for _ in range(2)] == ["open", "done"]
    cli("terminate", "open")
    assert watch.until(instanceID="open", runtimeStatus="TERMINATED")["change"] == "changed"
    assert watch.end() == 0


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["watch", "done"], 0),
        (["watch", "done", "--exit-status"], 0),
        (["watch", "broken", "--exit-status"], 10),
        (["watch", "broken"], 0),
        (["watch", "broken", "done", "--exit-status"], 7),
        (["watch", "done", "-o", "table"], 0),
        (["watch", "open", "--timeout", "50ms"], 124),
        (["watch", "nosuch"], 3),
        (["watch"], 2),
        (["watch", "open", "-o", "yaml"], 2),
        (["watch", "open", "--timeout", "soon"], 2),
        (["list", "--watch", "-o", "yaml"], 2),
        (["list", "--watch", "--limit", "3"], 2),
    ],
)
def test_exit_status(cli: Cli, words: list[str], status: int) -> None:
    cli("start", "Broken", "--id", "broken")
    found = cli(*words)
    assert found.status == status, found.err


def test_text_lines_where_a_table_is_asked_for(cli: Cli) -> None:
    (line,) = cli("watch", "done", "-o", "table").out.splitlines()
    assert line.split("  ")[1:4] == ["done", "Echo", "COMPLETED"]
    assert json.loads(cli("watch", "done").out)["change"] == "listed"


# --- what changes are found, and how -------------------------------------------------------------------------------


@pytest.fixture
def store(app: Path) -> Iterator[EmbeddedWorkflows]:
    workflows = open_embedded(app / "store.db", None, None, False, note=lambda line: None)
    yield workflows
    workflows.close()


def kinds(changes: Iterator[Change]) -> list[tuple[str, str, Status]]:
    return [(change.kind.value, change.instance.id, change.instance.status) for change in changes]


def test_what_leaves_a_filter(cli: Cli, store: EmbeddedWorkflows) -> None:
    changes = ListChanges(store, Filter(statuses=frozenset({Status.RUNNING})))
    assert kinds(changes.begin()) == [("listed", "open", Status.RUNNING)]
    assert kinds(changes.look()) == []
    cli("start", "Echo", "--id", "quick")
    cli("raise-event", "open", "approval", "--data", "true")
    assert kinds(changes.look()) == [("left", "open", Status.COMPLETED)]
    assert kinds(changes.look()) == []


def test_only_what_is_new_is_read(cli: Cli, store: EmbeddedWorkflows, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        cli("start", "Echo", "--id", f"echo-{number}")
    changes = ListChanges(store, Filter())
    assert len(kinds(changes.begin())) == 7
    monkeypatch.setattr("wfctl.cli.watching.change_feed.OVERLAP", timedelta(0))
    read: list[str] = []
    real = store.list

    def counting(filter: Filter) -> Iterator[Any]:
        for one in real(filter):
            read.append(one.id)
            yield one

    monkeypatch.setattr(store, "list", counting)
    assert kinds(changes.look()) == []
    assert len(read) <= 2
    cli("pause", "open")
    read.clear()
    assert kinds(changes.look()) == [("changed", "open", Status.SUSPENDED)]
    assert len(read) <= 3


def test_purged_ones_are_missed(cli: Cli, store: EmbeddedWorkflows) -> None:
    changes = ListChanges(store, Filter())
    assert len(kinds(changes.begin())) == 2
    cli("purge", "done", "--yes")
    assert until(lambda: kinds(changes.look())) == [("purged", "done", Status.COMPLETED)]
    assert kinds(changes.look()) == []


def test_ids(cli: Cli, store: EmbeddedWorkflows) -> None:
    with pytest.raises(NotFound):
        kinds(IDChanges(store, ["nosuch"]).begin())
    changes = IDChanges(store, ["open", "done"])
    assert len(kinds(changes.begin())) == 2
    assert not changes.over
    cli("terminate", "open")
    assert kinds(changes.look()) == [("changed", "open", Status.TERMINATED)]
    assert changes.over
    gone = IDChanges(store, ["open"])
    assert kinds(gone.begin())
    assert gone.over


def test_an_id_that_is_purged_meanwhile(cli: Cli, store: EmbeddedWorkflows) -> None:
    changes = IDChanges(store, ["open"])
    assert kinds(changes.begin())
    cli("purge", "open", "--force", "--yes")
    assert [change.kind for change in changes.look()] == [Kind.PURGED]
    assert changes.over


def test_pace() -> None:
    pace = Pace(0.2, 0.1)
    assert pace.interval(took=0.001, busy=0.001) == 0.2
    assert pace.interval(took=0.1, busy=0.1) == pytest.approx(1.0)
    assert pace.interval(took=0.1, busy=0.0) == pytest.approx(0.2)
    assert pace.interval(took=2.0, busy=0.0) == pytest.approx(4.0)
    assert pace.due()
    with pace.look():
        pass
    assert not pace.due()


def test_known_ones_cost_little() -> None:
    """What is kept of each instance has no payload in it."""
    from wfctl.cli.watching.change_feed import _known
    from wfctl.model.instance import Instance

    one = Instance("a", "W", Status.RUNNING, input="x" * 10_000)
    known = _known(one)
    assert known == _known(replace(one, input="y"))
    assert known != _known(replace(one, status=Status.COMPLETED))
    assert set(type(known).__slots__) == {"mark", "name", "status"}


# --- a target that goes away -----------------------------------------------------------------------------------------


def sidecar(port: int) -> subprocess.Popen[bytes]:
    """`wfctl serve` on this store, answering."""
    import urllib.request

    command = [sys.executable, "-m", "wfctl", "serve", "--http-port", str(port), "--grpc-port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def answers() -> bool:
        assert process.poll() is None
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v1.0/healthz", timeout=LIMIT_SECONDS).close()
            return True
        return False

    until(answers, "the server answers")
    return process


def test_a_sidecar_that_restarts(cli: Cli, piped: Any) -> None:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = sidecar(port)
    try:
        watch = piped("watch", "open", "--target", f"http://127.0.0.1:{port}")
        assert json.loads(watch.line())["instanceID"] == "open"
        server.kill()
        server.wait()
        watch.until_notes("trying again")
        server = sidecar(port)
        cli("terminate", "open")
        assert watch.until(runtimeStatus="TERMINATED")["instanceID"] == "open"
        assert watch.end() == 0
    finally:
        server.kill()
        server.wait()
