"""A store that no wfctl wrote so, and what a stranger laid into the folder: one clear line, nothing else touched."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from harness import Cli

ODD = [None, -1, 99, 2**62, 1e300, float("inf"), "", "x", b"\xff", "[", "[{}]", "null", "[" * 5000, '{"inner": 5}']
ODD += [
    '[{"type": "Nope", "at": 1}]',
    '[{"type": "TaskCompleted", "at": 1e40}]',
    '[{"type": "EventRaised", "at": "x"}]',
]
PLACES = [("history", "events"), ("history", "at"), ("owner", "since"), ("owner", "workflows")]
PLACES += [("inbox", "event"), ("event_waits", "name"), ("event_waits", "since"), ("early_events", "event")]
PLACES += [("instances", name) for name in ("id", "name", "status", "created_at", "completed_at", "failure", "output")]


COMMANDS = [["list"], ["count"], ["waiting"], ["waiting", "--by", "event"], ["doctor"], ["get", "e2"]]
COMMANDS += [["get", "e1", "-o", "json"], ["history", "e1"], ["steps", "e1"]]


@pytest.mark.parametrize(("table", "column"), PLACES, ids=[".".join(place) for place in PLACES])
def test_what_no_wfctl_writes_is_damage(cli: Cli, app: Path, table: str, column: str) -> None:
    """Whatever stands in the file: an answer, or one line that says that it is damaged."""
    assert cli("start", "Echo", "--id", "e1", "--wait").status == 0
    assert cli("start", "Echo", "--id", "e2", "--no-drive").status == 0
    path = app / "store.db"
    whole = path.read_bytes()
    for value in ODD:
        path.write_bytes(whole)
        db = sqlite3.connect(path)
        db.execute("PRAGMA writable_schema=1")
        db.execute("UPDATE sqlite_master SET sql = replace(sql, ' NOT NULL', '') WHERE type = 'table'")
        db.commit()
        db.close()
        db = sqlite3.connect(path)
        db.execute("INSERT INTO owner (pid, since, app, workflows) VALUES (1, 2, 'app.py', '[]')")
        db.execute("INSERT INTO event_waits SELECT key, 1, 'go', 'go', 2, 3 FROM instances WHERE id = 'e2'")
        db.execute("INSERT INTO early_events SELECT key, 'early', 2 FROM instances WHERE id = 'e2'")
        one = " WHERE key = 1" if column == "id" else ""
        db.execute(f"UPDATE {table} SET {column} = ?{one}", (value,))
        db.commit()
        db.close()
        for argv in COMMANDS:
            said = cli(*argv)
            text = said.out + said.err
            assert "unexpected" not in text, (value, argv, text)
            assert "engine failed" not in text, (value, argv, text)
            assert said.status in (0, 3) or "is damaged: " in text, (value, argv, text)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("there", [True, False], ids=["a file", "nothing"])
def test_init_writes_through_no_link(cli: Cli, project: Path, there: bool) -> None:
    victim = project.parent / "victim"
    if there:
        victim.write_text("mine")
    (project / "orders.py").symlink_to(victim)
    refused = cli("init")
    assert refused.status == 4
    assert "orders.py would be replaced" in refused.err
    assert cli("init", "--force").status == 0
    assert not (project / "orders.py").is_symlink()
    assert victim.exists() == there
    assert not there or victim.read_text() == "mine"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_init_that_finds_no_room_leaves_what_there_was(
    cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "orders.py").write_text("mine")
    opened = Path.open

    def full(self: Path, mode: str = "r", **options: Any) -> Any:
        return opened(Path("/dev/full"), "w", **options) if mode == "x" else opened(self, mode, **options)

    monkeypatch.setattr(Path, "open", full)
    refused = cli("init", "--force")
    assert refused.status == 2
    assert "No space left" in refused.err
    assert (project / "orders.py").read_text() == "mine"
    assert [file.name for file in project.iterdir()] == ["orders.py"]
