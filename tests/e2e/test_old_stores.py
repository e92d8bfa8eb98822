"""Stores that an older wfctl wrote: read as they are, completed, and migrated by writers alone.

The stores are in tests/golden/stores, with the program that wrote them. A next migration, which does not exist yet, is
put in through the real mechanism: a package with a folder of migrations, one more than there are.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kills import killed_everywhere
from shell import Shell

from wfctl.engine.owner_lock import OwnerLock
from wfctl.engine.store import database
from wfctl.errors import StoreError

STORES = Path(__file__).parents[1] / "golden" / "stores"
OLD = sorted((STORES / "v0.1").glob("*.db"))
NEXT = database.SCHEMA_VERSION + 1
OLD_SCHEMA = 2  # of these stores

# What a later version may do: another column, another index, and a value in every row, so that all is read and written.
MIGRATION = """
ALTER TABLE instances ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
CREATE TABLE tags (key INTEGER NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (key, tag)) WITHOUT ROWID;
INSERT INTO tags (key, tag) SELECT key, name FROM instances;
UPDATE instances SET tags = json_array(name);
"""

# `wfctl` as a later version: PACKAGE has the migrations, SCHEMA is the version, SINCE what it can still read.
LATER = """
import os, sys
from wfctl.engine.store import database
database.MIGRATIONS_PACKAGE = "later_wfctl"
database.SCHEMA_VERSION = int(os.environ["LATER_SCHEMA"])
database.READABLE_SINCE = int(os.environ.get("LATER_SINCE", database.READABLE_SINCE))
from wfctl.__main__ import run
run()
"""

ENDS: dict[str, dict[str, Any]] = {
    "waiting": {
        "completed": ("COMPLETED", {"fäß": 0}),
        "terminated": ("TERMINATED", 0),
        "event": ("COMPLETED", ["an order", "yes"]),
        "timer": ("COMPLETED", 0),
        "either": ("COMPLETED", "rang"),
        "retry": ("COMPLETED", False),
        "parent": ("COMPLETED", ["from the parent", {"by": "me"}]),
        "child": ("COMPLETED", ["from the parent", {"by": "me"}]),
        "suspended": ("COMPLETED", [None, "while suspended"]),
        "delayed": ("COMPLETED", "later"),
        "generations": ("COMPLETED", "for the last"),
        "stalled": ("COMPLETED", 1),
    },
    "killed": {
        "unread": ("COMPLETED", ["an order", "yes"]),
        "source": ("COMPLETED", "once"),
        "unborn": ("COMPLETED", "never driven"),
        "doomed": ("TERMINATED", "told to"),
        "busy": ("COMPLETED", [0, 1, 2]),
        "wanted": ("COMPLETED", "left to the owner"),
        "again": ("COMPLETED", "once"),
    },
}
SORTS = ("created", "due", "finished", "name")


@pytest.fixture
def later(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make the shell's wfctl one with a next migration."""

    def make(since: int | None = None) -> None:
        package = make_package(shell.folder)
        shell.environ |= {"PYTHONPATH": str(package.parent), "LATER_SCHEMA": str(NEXT)}
        if since is not None:
            shell.environ["LATER_SINCE"] = str(since)
        monkeypatch.setattr(shell, "command", lambda *words: [sys.executable, "-c", LATER, *words])

    return make


def make_package(folder: Path) -> Path:
    package = folder / "lib" / "later_wfctl"
    shutil.copytree(Path(database.__file__).parent / "migrations", package / "migrations")
    (package / "__init__.py").write_text("")
    (package / "migrations" / f"{NEXT:04}_tags.sql").write_text(MIGRATION)
    return package


def put(shell: Shell, store: Path) -> Path:
    shell.app((STORES / "app.py").read_text())
    path = shell.folder / "store.db"
    shutil.copy(store, path)
    return path


def schema(path: Path) -> int:
    db = sqlite3.connect(path)
    try:
        return int(db.execute("PRAGMA user_version").fetchone()[0])
    finally:
        db.close()


def ends(shell: Shell) -> dict[str, tuple[str, object]]:
    found = (json.loads(line) for line in shell.ok("list", "-o", "jsonl").splitlines())
    return {one["instanceID"]: (one["runtimeStatus"], one["output"]) for one in found}


def complete(shell: Shell, name: str) -> None:
    if name == "waiting":
        shell.ok("raise-event", "event", "approval", "--data", '"yes"', "--no-drive")
        shell.ok("raise-event", "child", "approval", "--data", '{"by": "me"}', "--no-drive")
        shell.ok("resume", "suspended", "--no-drive")
    shell.ok("run", "--timeout", "120s")
    assert ends(shell) == ENDS[name]


def copies(shell: Shell) -> list[Path]:
    return sorted(shell.folder.glob("store.db.*.before-migration.bak"))


def test_there_are_stores_to_try() -> None:
    assert {store.stem for store in OLD} == set(ENDS)


@pytest.mark.parametrize("store", OLD, ids=lambda store: store.stem)
def test_what_an_older_wfctl_left_unfinished_completes(shell: Shell, store: Path) -> None:
    path = put(shell, store)
    complete(shell, store.stem)
    assert schema(path) == database.SCHEMA_VERSION
    for name in ENDS[store.stem]:
        shell.ok("history", name, "-o", "json")
    if store.stem == "waiting":
        db = sqlite3.connect(path)
        assert db.execute("SELECT key, value FROM state").fetchall() == [("stock", b'{"Paperclips":990}')]
        db.close()


@pytest.mark.parametrize("store", OLD, ids=lambda store: store.stem)
def test_reading_changes_nothing(shell: Shell, store: Path, later: Callable[..., None]) -> None:
    path = put(shell, store)
    later()
    before = path.read_bytes()
    shell.ok("list")
    shell.ok("count")
    shell.ok("doctor")
    for command in ("get", "steps", "history", "tree"):
        for name in list(ENDS[store.stem])[:2]:
            shell.ok(command, name)
    shell.environ |= {"_WFCTL_COMPLETE": "fish", "WFCTL_COMPLETE_TIMEOUT": "6h"}
    answered = shell.run("get", "")
    assert next(iter(ENDS[store.stem])) in answered.out, answered
    assert path.read_bytes() == before
    assert copies(shell) == []
    assert not list(shell.folder.glob("store.db-*"))


@pytest.mark.parametrize("store", OLD, ids=lambda store: store.stem)
def test_it_is_listed_as_it_is_once_migrated(shell: Shell, store: Path) -> None:
    """In every order, in pages too: also where the schema lacks what a later one has an index for."""
    path = put(shell, store)
    orders = [["--sort", sort, *more] for sort in SORTS for more in ([], ["--reverse"], ["--limit", "3"])]
    asked = [["list", *order, "-o", "jsonl"] for order in orders] + [["count", "-o", "json"]]
    before = [shell.ok(*words) for words in asked]
    database.open_store(path).close()
    assert [shell.ok(*words) for words in asked] == before


@pytest.mark.parametrize("store", OLD, ids=lambda store: store.stem)
def test_what_is_unfinished_completes_after_the_next_migration(
    shell: Shell, store: Path, later: Callable[..., None]
) -> None:
    path = put(shell, store)
    later()
    complete(shell, store.stem)
    assert schema(path) == NEXT
    db = sqlite3.connect(path)
    assert db.execute("SELECT count(*) FROM instances WHERE tags = json_array(name)").fetchone() == (len(ends(shell)),)
    db.close()


def test_the_writer_says_what_it_migrates_and_keeps_a_copy(shell: Shell, later: Callable[..., None]) -> None:
    path = put(shell, STORES / "v0.1" / "waiting.db")
    later()
    done = shell.run("terminate", "event")
    assert done.status == 0
    (copy,) = copies(shell)
    assert f"migrated {path} from schema {OLD_SCHEMA} to {NEXT}; as it was: {copy}" in done.err
    assert schema(copy) == OLD_SCHEMA
    assert os.name != "posix" or copy.stat().st_mode & 0o777 == 0o600
    assert "migrated" not in shell.run("terminate", "timer").err
    assert len(copies(shell)) == 1


def test_so_many_copies_are_kept_and_no_more(shell: Shell, later: Callable[..., None]) -> None:
    path = put(shell, STORES / "v0.1" / "waiting.db")
    later()
    made: list[Path] = []
    for _ in range(5):
        path.unlink()
        put(shell, STORES / "v0.1" / "waiting.db")
        shell.ok("terminate", "event")
        made += [copy for copy in copies(shell) if copy not in made]
    assert len(made) == 5
    assert copies(shell) == made[-3:]


def test_the_copy_goes_back_with_restore(shell: Shell, later, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever wants the older version again has the store that it can read."""
    put(shell, STORES / "v0.1" / "waiting.db")
    with monkeypatch.context() as patch:
        patch.setattr(shell, "command", shell.command)
        later()
        shell.ok("terminate", "event")
        (copy,) = copies(shell)
        assert schema(shell.folder / "store.db") == NEXT
    monkeypatch.setattr(shell, "command", lambda *words: [sys.executable, "-m", "wfctl", *words])
    assert f"newer wfctl (schema {NEXT}, this one knows {database.SCHEMA_VERSION})" in shell.run("list").err
    shell.ok("restore", str(copy), "--yes")
    complete(shell, "waiting")


def test_a_reader_that_cannot_read_so_old_a_store_says_what_to_do(shell: Shell, later: Callable[..., None]) -> None:
    path = put(shell, STORES / "v0.1" / "waiting.db")
    later(since=NEXT)
    before = path.read_bytes()
    done = shell.run("list")
    assert done.status == 5
    assert f"an older wfctl (schema {OLD_SCHEMA}; this one reads {NEXT} and later)" in done.err
    assert "wfctl run" in done.err
    assert path.read_bytes() == before
    shell.ok("run")
    assert ends(shell)["timer"] == ("COMPLETED", 0)


def test_nobody_migrates_under_an_older_owner(
    shell, tmp_path: Path, next_schema: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(shell, STORES / "v0.1" / "waiting.db")
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)
    lock = OwnerLock(path)
    assert lock.take()
    try:
        with pytest.raises(StoreError, match="an older wfctl is executing the store") as caught:
            database.open_store(path)
        assert "stop it" in (caught.value.hint or "")
        assert schema(path) == OLD_SCHEMA
        assert copies(shell) == []
    finally:
        lock.release()
    database.open_store(path).close()
    assert schema(path) == database.SCHEMA_VERSION


@pytest.fixture
def next_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same next migration in this process."""
    monkeypatch.syspath_prepend(str(make_package(tmp_path).parent))
    monkeypatch.setattr(database, "MIGRATIONS_PACKAGE", "later_wfctl")
    monkeypatch.setattr(database, "SCHEMA_VERSION", NEXT)
    yield
    sys.modules.pop("later_wfctl", None)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks to kill")
def test_killed_at_any_moment_it_is_the_old_store_or_the_new_one(tmp_path: Path, next_schema: None) -> None:
    path = tmp_path / "store.db"

    def begin() -> None:
        for file in tmp_path.glob("store.db*"):
            file.unlink()
        shutil.copy(STORES / "v0.1" / "killed.db", path)

    seen: set[int] = set()

    def look() -> None:
        db = sqlite3.connect(path)
        version = db.execute("PRAGMA user_version").fetchone()[0]
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("SELECT count(*) FROM instances").fetchone() == (len(ENDS["killed"]),)
        assert ("tags" in tables) == (version == NEXT)
        if version == NEXT:
            assert db.execute("SELECT count(*) FROM tags").fetchone() == (len(ENDS["killed"]),)
        db.close()
        kept = list(tmp_path.glob("store.db.*.before-migration.bak"))
        for copy in kept:  # a copy that has its name is whole
            assert schema(copy) == OLD_SCHEMA
        assert kept or version < NEXT, "there is a copy before anything is changed"
        seen.add(version)
        database.open_store(path).close()
        assert schema(path) == NEXT, "the next one migrates what was not"

    kills = killed_everywhere(begin, lambda: database.open_store(path).close(), look)
    assert kills > 20
    assert seen == {OLD_SCHEMA, NEXT}
