"""`wfctl doctor` on the embedded target, and its exit statuses."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from harness import Cli, Outcome

from wfctl.client.doctor import embedded
from wfctl.engine.owner_lock import OwnerLock


def by_name(outcome: Outcome) -> dict[str, dict[str, Any]]:
    return {check["check"]: check for check in outcome.json}


def levels(outcome: Outcome) -> dict[str, str]:
    return {name: check["level"] for name, check in by_name(outcome).items()}


def test_before_the_first_start(cli: Cli, app: Path) -> None:
    outcome = cli("doctor", "-o", "json")
    assert outcome.status == 0
    assert levels(outcome) == {"python": "ok", "disk": "ok", "store": "ok", "app": "ok"}
    checks = by_name(outcome)
    assert "does not exist yet" in checks["store"]["detail"]
    assert "5 workflows, 2 activities" in checks["app"]["detail"]
    assert not (app / "store.db").exists(), "looking makes nothing"


def test_a_store_in_use(cli: Cli, app: Path) -> None:
    cli("start", "Approval", "--id", "one")
    outcome = cli("doctor", "-o", "json")
    assert outcome.status == 0
    assert set(levels(outcome).values()) == {"ok"}
    checks = by_name(outcome)
    assert "1 instance, 1 live" in checks["store"]["detail"]
    assert "no process is executing" in checks["owner"]["detail"]
    table = cli("doctor")
    assert table.out.startswith("CHECK")
    assert "target: embedded" in table.err
    assert table.err.endswith(f"{len(checks)} checks: {len(checks)} ok; exit status 0\n")


def test_without_an_app(cli: Cli, project: Path) -> None:
    outcome = cli("doctor", "-o", "json", "--store", "none.db")
    assert outcome.status == 0
    assert levels(outcome)["app"] == "warning"
    assert "--app" in by_name(outcome)["app"]["fix"]


def test_an_app_that_does_not_import(cli: Cli, app: Path) -> None:
    (app / "app.py").write_text("import nowhere_to_be_found\n")
    outcome = cli("doctor", "-o", "json")
    assert outcome.status == 5
    assert levels(outcome)["app"] == "failure"
    assert "nowhere_to_be_found" in json.dumps(by_name(outcome)["app"])


def test_a_file_that_is_no_store(cli: Cli, app: Path) -> None:
    (app / "store.db").write_text("this is no SQLite file, is it? " * 100)
    outcome = cli("doctor", "-o", "json")
    assert outcome.status == 5
    assert levels(outcome)["store"] == "failure"
    late = cli("doctor", "--wait-ready", "0.3s")
    assert late.status == 124
    assert "failure" in late.out
    assert "not ready after 0.3 s: store" in late.err


def test_damage(cli: Cli, app: Path) -> None:
    for number in range(40):
        cli("start", "Echo", "--id", f"i{number}", "--input", json.dumps("x" * 2000), "--no-drive")
    file = app / "store.db"
    db = sqlite3.connect(file)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pages = [row[0] for row in db.execute("SELECT rootpage FROM sqlite_master WHERE rootpage > 0 AND type = 'index'")]
    size = db.execute("PRAGMA page_size").fetchone()[0]
    db.close()
    data = bytearray(file.read_bytes())
    for page in pages:
        data[(page - 1) * size + 8 : page * size] = b"\xff" * (size - 8)
    file.write_bytes(data)
    outcome = cli("doctor", "-o", "json")
    assert outcome.status == 5
    assert "failure" in (levels(outcome).get("integrity"), levels(outcome)["store"])


def test_who_drives(cli: Cli, app: Path) -> None:
    cli("start", "Approval", "--id", "one")
    db = sqlite3.connect(app / "store.db")
    row = (4711, 1_700_000_000_000_000, "other.py", json.dumps(["Other"]))
    db.execute("INSERT INTO owner (pid, since, app, workflows) VALUES (?, ?, ?, ?)", row)
    db.commit()
    db.close()
    stale = by_name(cli("doctor", "-o", "json"))["owner"]
    assert "process 4711 since 2023-11-14 22:13:20Z with other.py) was killed" in stale["detail"]
    lock = OwnerLock(app / "store.db")
    assert lock.take()
    try:
        owned = by_name(cli("doctor", "-o", "json"))
    finally:
        lock.release()
    assert owned["owner"]["detail"] == "process 4711 since 2023-11-14 22:13:20Z with other.py: 1 workflow registered"
    assert owned["lock"]["detail"].endswith("is held")


def test_a_disk_that_is_full(cli: Cli, app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "LOW", 1 << 80)
    assert levels(cli("doctor", "-o", "json"))["disk"] == "warning"
    monkeypatch.setattr(embedded, "TOO_LOW", 1 << 80)
    outcome = cli("doctor", "-o", "json")
    assert outcome.status == 5
    assert levels(outcome)["disk"] == "failure"


def test_integrity_gives_up_in_time(cli: Cli, app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("start", "Approval", "--id", "one")
    monkeypatch.setattr(embedded, "INTEGRITY_SECONDS", -1.0)
    monkeypatch.setattr(embedded, "_STEPS", 1)
    assert "the check stopped there" in by_name(cli("doctor", "-o", "json"))["integrity"]["detail"]


def test_usage(cli: Cli, app: Path) -> None:
    assert cli("doctor", "--wait-ready", "soon").status == 2
