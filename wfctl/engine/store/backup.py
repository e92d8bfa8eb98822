"""Copies of a store: a backup while others write, a former store kept aside, and a backup put back in place.

A copy is made by SQLite's backup API within one read transaction, beside its place, and renamed into it when it lies
on the disk. A restore is one transaction of the store itself: a kill leaves either all of it or nothing, what lies in
the old write-ahead log cannot get into the new store, and other processes need not open the file again.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TypeVar

from wfctl.engine.owner_lock import OwnerLock
from wfctl.engine.store import database, reads
from wfctl.engine.store.database import Connection
from wfctl.engine.store.place import refuse_links
from wfctl.engine.store.reading import Reader, open_reader
from wfctl.errors import Conflict, InvalidInput, StoreError
from wfctl.files import open_new, sync, sync_folder
from wfctl.model.instance import Filter

# Of the copies made before a migration, and of those before a restore, so many are kept.
MOST_KEPT = 3
# Pages copied between two looks at Ctrl-C.
STEP_PAGES = 2000
_RETRY_SECONDS = 0.05
_BUSY = (5, 6)  # SQLITE_BUSY, SQLITE_LOCKED
_SIDE_FILES = ("-wal", "-shm", "-journal")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Contents:
    """The contents of a store in numbers: its schema's version, its instances, and how many of them have not ended."""

    schema: int
    instances: int
    live: int


@dataclass(frozen=True, slots=True)
class LastBackup:
    """The newest backup that was made of a store; `there`: the file still is."""

    file: Path
    at: datetime
    there: bool


def contents(db: Connection, path: Path) -> Contents:
    counts = reads.count(db, Filter())
    live = sum(one.count for one in counts if not one.status.terminal)
    return Contents(database.schema_version(db, path), sum(one.count for one in counts), live)


# --- making a backup -------------------------------------------------------------------------------------------------


def backup(store: Path, file: Path, *, replace: bool = False) -> Contents:
    """Copy the store as it is at this moment to `file`, verified, while others go on writing.

    Raises Conflict (`file` exists), InvalidInput (it is the store itself, or cannot be a file) and StoreError.
    """
    reader = Reader(store)
    try:
        _check_place(store, file, replace)
        copied = reader.ask(lambda db: _copy(db, file, lambda copy: _finish(copy, store)))
    finally:
        reader.close()
    _note(store, file)
    return copied


def _check_place(store: Path, file: Path, replace: bool) -> None:
    with _copying(file):
        if file.is_dir():
            raise InvalidInput(f"{file} is a folder", hint="name the file that the backup is to be")
        if not file.absolute().parent.is_dir():
            raise InvalidInput(f"there is no folder {file.absolute().parent} for the backup", hint="make it first")
        if os.path.realpath(file) == os.path.realpath(store):
            raise InvalidInput(f"{file} is the store itself", hint="name another file")
        if not os.path.lexists(file):
            return
        if file.exists() and not file.is_file():  # /dev/null would be replaced by the backup
            raise InvalidInput(f"{file} is no ordinary file", hint="name the file that the backup is to be")
        if not replace:
            raise Conflict(f"{file} exists", hint="--force replaces it; or name another file")
        for suffix in _SIDE_FILES:
            if os.path.lexists(f"{file}{suffix}"):
                raise Conflict(f"{file} is in use as a store: there is {file}{suffix}", hint="name another file")


def _finish(copy: Connection, store: Path) -> Contents:
    # One plain file, which can be read where nothing can be written.
    copy.execute("PRAGMA journal_mode=DELETE").fetchall()
    found = _verified(copy, store)
    copy.execute("DELETE FROM owner")  # no process is executing the copy
    return found


def _verified(db: Connection, path: Path) -> Contents:
    """Look at all of a store. Raises StoreError: it is damaged, or not as wfctl makes it."""
    with database.in_words(path):
        damage = [row[0] for row in db.execute("PRAGMA integrity_check(1)")]
        if damage != ["ok"]:
            raise StoreError(
                f"the store {path} is damaged: {' '.join(str(damage[0]).split())}", hint=database.DAMAGED_HINT
            )
        version = database.schema_version(db, path)
        expected, found = _expected_schema(version), _schema(db)
        lacking = [f"{kind} {name}" for (kind, name), columns in expected.items() if found.get((kind, name)) != columns]
        added = [f"{kind} {name}" for kind, name in found if kind in ("trigger", "view")]
        if not version or lacking or added:
            how = f"lacks the {lacking[0]}" if lacking else f"has a {added[0]}" if added else "is empty"
            raise StoreError(f"{path} is not a store as wfctl makes them: it {how}", hint="use another file")
        return contents(db, path)


def _expected_schema(version: int) -> dict[tuple[str, str], tuple[object, ...]]:
    db = sqlite3.connect(":memory:", isolation_level=None)
    try:
        database.apply_migrations(db, version)
        return _schema(db)
    finally:
        db.close()


def _schema(db: Connection) -> dict[tuple[str, str], tuple[object, ...]]:
    """Return the columns of tables and indexes, by kind and name. (How SQLite words them depends on its version.)"""
    found: dict[tuple[str, str], tuple[object, ...]] = {}
    for kind, name in db.execute("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall():
        pragma = {"table": "pragma_table_info", "index": "pragma_index_info"}.get(kind)
        # Of the file alone: a reader of an older schema has views that stand in for what it lacks.
        columns = () if pragma is None else db.execute(f"SELECT * FROM {pragma}(?, 'main')", (name,))
        found[kind, name] = tuple(columns)
    return found


def _copy(source: Connection, file: Path, finish: Callable[[Connection], T]) -> T:
    """Copy what `source` sees to `file`, whole or not at all.

    Returns what `finish` says of the copy, before that has its name; where it raises, there is no copy.
    """
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        with _copying(file), _snapshot(source):
            _remove_part(part)
            open_new(part, "wb").close()
            copy = database.connect(part, "mode=rw")
            try:
                copy.execute("PRAGMA synchronous=OFF")  # it is synced as a whole, before it gets its name
                source.backup(copy, pages=STEP_PAGES)
                found = finish(copy)
            finally:
                copy.close()
            sync(part, os.O_RDWR)
            os.replace(part, file)
            sync_folder(file)
    except BaseException:
        _remove_part(part)
        raise
    return found


@contextlib.contextmanager
def _copying(file: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise StoreError(
            f"cannot make the copy {file}: {reason}",
            hint="check the permissions and the free space of its folder; the store is as it was",
        ) from error


@contextlib.contextmanager
def _snapshot(db: Connection) -> Iterator[None]:
    """Read inside a transaction: what others write meanwhile is not seen, and does not make a copy begin anew."""
    db.execute("BEGIN")
    try:
        _number(db, "schema_version")  # it begins with the first look; this one needs no sound schema
        yield
    finally:
        db.execute("ROLLBACK")


def _remove_part(part: Path) -> None:
    for suffix in ("", *_SIDE_FILES):
        with contextlib.suppress(OSError):
            os.unlink(f"{part}{suffix}")


# --- which backup there is -------------------------------------------------------------------------------------------


def _note_file(store: Path) -> Path:
    return Path(os.path.realpath(store) + ".last-backup.json")


def _note(store: Path, file: Path) -> None:
    """Remember the backup beside the store, for `wfctl doctor`."""
    note = _note_file(store)
    part = note.with_name(f"{note.name}.{os.getpid()}.part")
    text = json.dumps({"file": os.path.realpath(file), "at": time.time()})
    try:
        _remove_part(part)
        with open_new(part, "wb") as new:
            new.write(text.encode())
        os.replace(part, note)
    except OSError:  # a store that can only be read: the backup is as good
        _remove_part(part)


def last_backup(store: Path) -> LastBackup | None:
    """Return the newest backup that `backup` made of this store."""
    try:
        note = json.loads(_note_file(store).read_text("utf-8"))
        file, at = Path(note["file"]), datetime.fromtimestamp(note["at"], timezone.utc)
        return LastBackup(file, at, file.exists())
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):  # anybody may have written it
        return None


# --- former stores ---------------------------------------------------------------------------------------------------


def keep(store: Path, reason: str) -> Path | None:
    """Copy the store as it is to a file beside it, before something is done to it. None: it is empty.

    Of the copies for one `reason` the newest MOST_KEPT stay. Raises StoreError.
    """
    real = Path(os.path.realpath(store))
    ending = f".before-{reason}.bak"
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
    file = real.with_name(f"{real.name}.{stamp}{ending}")
    with database.in_words(store):
        db = database.connect(store, "mode=rw")
        try:
            if _number(db, "application_id") != database.APPLICATION_ID:
                return None
            _copy(db, file, lambda copy: None)
        finally:
            db.close()
        others = [other for other in real.parent.iterdir() if _is_kept(other, real, ending) and other != file]
        for old in sorted(others, reverse=True)[MOST_KEPT - 1 :]:
            old.unlink(missing_ok=True)
    return file


def _is_kept(file: Path, store: Path, ending: str) -> bool:
    return file.name.startswith(store.name + ".") and file.name.endswith(ending)


# --- putting a backup back -------------------------------------------------------------------------------------------


class Backup:
    """A verified backup, open, to be put in the place of a store."""

    def __init__(self, db: Connection, file: Path) -> None:
        self._db = db
        self.file = file
        self.contents = _verified(db, file)

    def put(self, store: Path) -> Path | None:
        """Make `store` what the backup is, all or nothing. Returns the file that holds the store as it was before.

        Raises StoreError: a process is executing the store, it is not one, it cannot be written.
        """
        with database.in_words(store):
            database.make_file(store)
            refuse_links(store)
            lock = OwnerLock(store)
            if not lock.take():
                raise StoreError(
                    f"a process is executing the store {store}: it cannot be replaced now",
                    hint="wfctl doctor says which; stop it first",
                )
            try:
                return self._put(store)
            finally:
                lock.release()

    def _put(self, store: Path) -> Path | None:
        target = database.connect(store, "mode=rw")
        try:
            database.check_ours(target, store)
            self._fit(target, store)
            former: list[Path | None] = []
            until = time.monotonic() + database.BUSY_SECONDS

            def step(status: int, remaining: int, total: int) -> None:
                if status not in _BUSY:
                    if not former:  # nobody can write to the store from now on, so that the copy holds all of it
                        former.append(keep(store, "restore"))
                elif time.monotonic() > until:
                    raise sqlite3.OperationalError("database is locked")

            # At least two steps, so that the copy is made before the last one commits.
            pages = max(1, min(STEP_PAGES, _number(self._db, "page_count") // 2))
            self._db.backup(target, pages=pages, progress=step, sleep=_RETRY_SECONDS)
            database.checkpoint(target)
        finally:
            target.close()
        return former[0]

    def _fit(self, target: Connection, store: Path) -> None:
        size = _number(self._db, "page_size")
        if not os.stat(store).st_size:
            target.execute(f"PRAGMA page_size={size}")
        elif _number(target, "page_size") != size:
            raise StoreError(
                f"the pages of {self.file} have another size than those of {store}",
                hint=f"move {store}* away and restore again",
            )
        # With a damaged schema neither can be set; then they stay as they are in the file, and by default.
        with contextlib.suppress(sqlite3.DatabaseError):
            target.execute("PRAGMA synchronous=FULL")
            target.execute("PRAGMA journal_mode=WAL").fetchall()


@contextlib.contextmanager
def opened(file: Path) -> Iterator[Backup]:
    """Open a backup and verify it. Raises StoreError: there is none, it is damaged, it is no store."""
    db = open_reader(file, one_name=False)  # backup programs keep what has not changed as a link
    try:
        with database.in_words(file), _snapshot(db):
            yield Backup(db, file)
    finally:
        db.close()


def _number(db: Connection, pragma: str) -> int:
    return int(db.execute(f"PRAGMA {pragma}").fetchone()[0])
