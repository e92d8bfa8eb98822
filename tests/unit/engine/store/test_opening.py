"""How a store is opened, whoever does it; and the errors of SQLite, each with what to try."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from limits import LIMIT_SECONDS

from wfctl.engine.store import backup, database
from wfctl.engine.store.reading import open_reader
from wfctl.errors import StoreError


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "store.db"
    database.open_store(path).close()
    return path


@pytest.mark.parametrize("opener", [database.open_store, open_reader])
def test_a_schema_is_not_trusted(store: Path, opener: Callable[[Path], sqlite3.Connection]) -> None:
    planted = sqlite3.connect(store)
    planted.execute("CREATE VIEW planted AS SELECT reach_out() AS x")
    planted.commit()
    planted.close()
    db = opener(store)
    called: list[int] = []
    db.create_function("reach_out", 0, lambda: called.append(1))
    with pytest.raises(sqlite3.OperationalError, match="unsafe use of reach_out"):
        db.execute("SELECT x FROM planted").fetchall()
    assert called == []
    assert db.execute("PRAGMA cell_size_check").fetchone() == (1,)
    db.close()


def test_a_copy_being_made_and_one_being_restored_are_not_trusted_either(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All connections to a file are made in one place."""
    made: list[sqlite3.Connection] = []
    connect = database.connect

    def watched(path: Path, mode: str) -> sqlite3.Connection:
        db = connect(path, mode)
        assert (db.execute("PRAGMA trusted_schema").fetchone(), db.execute("PRAGMA cell_size_check").fetchone()) == (
            (0,),
            (1,),
        )
        made.append(db)
        return db

    monkeypatch.setattr(database, "connect", watched)
    file = store.with_name("copy.db")
    backup.backup(store, file)
    with backup.opened(file) as found:
        assert found.put(store) is not None
    assert len(made) >= 6


def test_a_locked_store(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    holder = sqlite3.connect(store, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    db = database.open_store(store)
    with pytest.raises(StoreError, match="was locked by another process") as caught, database.in_words(store):
        database.begin(db)
    assert "end what holds it" in (caught.value.hint or "")
    db.close()
    holder.close()


def test_a_damaged_store(store: Path) -> None:
    data = bytearray(store.read_bytes())
    data[100:4096] = b"\xff" * 3996
    store.write_bytes(data)
    for opener in (database.open_store, open_reader):
        with pytest.raises(StoreError, match="is damaged: database disk image is malformed") as caught:
            opener(store)
        assert "wfctl restore" in (caught.value.hint or "")


@pytest.mark.skipif(sys.platform == "win32", reason="a limit on file sizes needs POSIX")
def test_a_disk_that_fails(store: Path) -> None:
    """A write that the system refuses for a reason that SQLite has no word for."""
    program = f"""
import resource, sys
from pathlib import Path
from wfctl.engine.store import database
from wfctl.errors import StoreError
path = Path({str(store)!r})
db = database.open_store(path)
resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))
try:
    with database.in_words(path):
        db.execute("INSERT INTO early_events (key, event, at) VALUES (1, zeroblob(100000), 1)")
except StoreError as error:
    print(error.message, "|", error.hint)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=LIMIT_SECONDS)
    message, _, hint = done.stdout.partition(" | ")
    assert message == f"the disk of the store {store} failed: disk I/O error", done
    assert "wfctl doctor" in hint


@pytest.mark.parametrize(
    "text",
    [
        "disk I/O error",
        "database is locked",
        "database disk image is malformed",
        "attempt to write a readonly database",
        "unable to open database file",
        "database or disk is full",
        "locking protocol",
        "something that nobody has foreseen",
    ],
)
def test_there_is_always_something_to_try(text: str) -> None:
    found = database.explain(sqlite3.OperationalError(text), Path("store.db"))
    assert found.hint
    assert "store.db" in found.message


# --- what a stranger may have laid beside a store --------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal", ".lock"])
@pytest.mark.parametrize("there", [True, False], ids=["a store", "no store yet"])
@pytest.mark.parametrize("opener", [database.open_store, open_reader])
def test_nothing_is_written_through_a_link_beside_the_store(
    store: Path, suffix: str, there: bool, opener: Callable[[Path], sqlite3.Connection]
) -> None:
    victim = store.parent / "victim"
    victim.write_text("mine")
    beside = store.with_name(store.name + suffix)
    beside.unlink(missing_ok=True)
    beside.symlink_to(victim)
    if not there:
        store.unlink()
    with pytest.raises(StoreError, match="would be written beside the store, is a link"):
        opener(store)
    assert victim.read_text() == "mine"


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_store_that_is_a_link_itself_is_its_target(store: Path) -> None:
    link = store.with_name("link.db")
    link.symlink_to(store)
    database.open_store(link).close()
    open_reader(link).close()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes")
@pytest.mark.parametrize("suffix", ["", "-wal", ".lock"])
def test_no_pipe_is_waited_for(store: Path, suffix: str) -> None:
    beside = store.with_name(store.name + suffix)
    beside.unlink(missing_ok=True)
    os.mkfifo(beside)
    with pytest.raises(StoreError, match="is no file"):
        database.open_store(store)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_the_look_for_room_writes_through_no_link(store: Path) -> None:
    victim = store.parent / "victim"
    victim.write_text("mine")
    store.with_name(f"{store.name}.room").symlink_to(victim)
    assert database.has_room(store)
    assert victim.read_text() == "mine"


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_the_note_of_a_backup_goes_through_no_link(store: Path) -> None:
    victim = store.parent / "victim"
    victim.write_text("mine")
    store.with_name(f"{store.name}.last-backup.json.{os.getpid()}.part").symlink_to(victim)
    store.with_name(f"{store.name}.last-backup.json").symlink_to(victim)
    backup.backup(store, store.with_name("copy.db"))
    assert victim.read_text() == "mine"
    last = backup.last_backup(store)
    assert last is not None
    assert last.file == store.with_name("copy.db")


@pytest.mark.parametrize(
    "note",
    [
        "",
        "[" * 100_000,
        "7",
        '{"file": "/x", "at": 1e300}',
        '{"file": "/x", "at": Infinity}',
        '{"file": "/x", "at": NaN}',
        '{"file": 5, "at": 1}',
        '{"file": "/x", "at": "now"}',
        '{"file": "%s", "at": 1}' % ("x" * 5000),
    ],
)
def test_a_note_that_says_nothing_of_a_backup(store: Path, note: str) -> None:
    store.with_name(f"{store.name}.last-backup.json").write_text(note)
    assert backup.last_backup(store) is None


@pytest.mark.parametrize("opener", [database.open_store, open_reader])
def test_a_schema_that_is_no_utf8_is_damage(store: Path, opener: Callable[[Path], sqlite3.Connection]) -> None:
    """SQLite quotes it in its error, which Python then cannot read."""
    damaged = store.read_bytes().replace(b"CREATE INDEX", b"CREATE INDEY")
    store.write_bytes(damaged.replace(b"indexinstances_status", b"indexinstances_st\xe9tus"))
    with pytest.raises(StoreError, match="is damaged"):
        opener(store)
