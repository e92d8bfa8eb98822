"""Room ahead in the log: commits overwrite it, SQLite takes no notice of it, and a kill loses nothing for it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from engine_rig import Rig
from limits import LIMIT_SECONDS

from wfctl.engine.store import database, log_room
from wfctl.engine.store.log_room import STEP, LogRoom
from wfctl.model.status import Status

pytestmark = pytest.mark.skipif(not hasattr(os, "pread"), reason="no room is made here")

COMMITS = 100
# It makes its own commits, one after the other, tells of each, and is killed.
WRITER = """
import sys
from pathlib import Path
from wfctl.engine.store import database
from wfctl.engine.store.log_room import LogRoom
path = Path(sys.argv[1])
db = database.open_store(path)
db.execute("CREATE TABLE IF NOT EXISTS numbers (number)")
room = LogRoom(path, db)
for number in range(int(sys.argv[2]), 10 ** 9):
    room.keep()
    db.execute("BEGIN IMMEDIATE")
    db.execute("INSERT INTO numbers VALUES (?)", (number,))
    db.execute("COMMIT")
    print(number, flush=True)
"""


@pytest.fixture
def db(tmp_path: Path) -> Iterator[database.Connection]:
    db = database.open_store(tmp_path / "store.db")
    db.execute("CREATE TABLE texts (text)")
    yield db
    db.close()


def log_of(folder: Path) -> Path:
    return folder / "store.db-wal"


def commit(db: database.Connection, text: str = "x") -> None:
    db.execute("INSERT INTO texts VALUES (?)", (text,))


def test_commits_do_not_make_the_log_longer_but_for_a_step_now_and_then(tmp_path: Path, db: sqlite3.Connection) -> None:
    room = LogRoom(tmp_path / "store.db", db)
    sizes = []
    for _ in range(COMMITS):
        room.keep()
        commit(db)
        sizes.append(log_of(tmp_path).stat().st_size)
    assert len(set(sizes)) <= 1 + sizes[-1] // STEP
    assert {later - size for size, later in pairwise(sizes)} <= {0, STEP}
    room.close()


def test_an_owner_makes_room_until_it_leaves(tmp_path: Path) -> None:
    rig = Rig(tmp_path)

    @rig.workflow
    def Short(ctx, _):
        return 1

    engine = rig.own()
    for number in range(10):
        rig.start("Short", f"s{number}")
    rig.until(lambda: engine.completions().get(Status.COMPLETED, 0) == 10)
    assert log_of(tmp_path).stat().st_size > STEP
    rig.close()
    assert not log_of(tmp_path).exists()


def test_none_is_made_for_commits_that_are_larger(
    tmp_path: Path, db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_room, "LOOK_EVERY", 1)
    room = LogRoom(tmp_path / "store.db", db)
    commit(db, "x" * 3 * STEP)
    before = log_of(tmp_path).stat().st_size
    room.keep()
    assert log_of(tmp_path).stat().st_size == before
    commit(db)  # a small one again
    room.keep()
    assert log_of(tmp_path).stat().st_size > before + STEP
    room.close()


def test_none_is_made_beyond_what_sqlite_fills_before_it_begins_again(
    tmp_path: Path, db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_room, "CHECKPOINT_PAGES", 100)
    db.execute("PRAGMA wal_autocheckpoint=100")
    room = LogRoom(tmp_path / "store.db", db)
    for _ in range(5 * COMMITS):
        room.keep()
        commit(db, "x" * 4000)
    assert log_of(tmp_path).stat().st_size < 100 * 4200 + STEP
    room.close()


def test_there_is_room_after_the_log_has_begun_again(tmp_path: Path, db: sqlite3.Connection) -> None:
    room = LogRoom(tmp_path / "store.db", db)
    for _ in range(COMMITS):
        room.keep()
        commit(db)
    size = log_of(tmp_path).stat().st_size
    db.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
    for _ in range(COMMITS // 2):
        room.keep()
        commit(db)
    assert log_of(tmp_path).stat().st_size == size  # the frames of before are room, too
    room.close()


def test_kills_lose_nothing_and_leave_room_that_is_used(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    acknowledged: list[int] = []
    for _ in range(4):
        first = acknowledged[-1] + 2 if acknowledged else 0  # the one that was killed may be there, untold
        command = [sys.executable, "-c", WRITER, str(path), str(first)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for line in writer.stdout:
                acknowledged.append(int(line))
                if len(acknowledged) % COMMITS == 0:
                    writer.send_signal(signal.SIGKILL)
            writer.wait(LIMIT_SECONDS)
    assert log_of(tmp_path).stat().st_size < len(acknowledged) * 2 * 4200 + 2 * STEP
    db = sqlite3.connect(path)
    kept = {number for (number,) in db.execute("SELECT number FROM numbers")}
    assert set(acknowledged) <= kept
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux stands for the full disk")
def test_a_full_disk_is_no_matter(tmp_path: Path, db: sqlite3.Connection) -> None:
    room = LogRoom(tmp_path / "store.db", db)
    room.close()
    room._file = os.open("/dev/full", os.O_RDWR)
    room.keep()
    assert room._file is None
    room.keep()


def test_nothing_is_written_through_a_link(tmp_path: Path, db: sqlite3.Connection) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"mine")
    (tmp_path / "linked.db-wal").symlink_to(other)
    room = LogRoom(tmp_path / "linked.db", db)
    room.keep()
    assert other.read_bytes() == b"mine"
    room.close()
