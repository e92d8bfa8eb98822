"""Opening the SQLite file for writing: checks, pragmas, the schema, and SQLite's errors in words."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from wfctl.engine.store.place import refuse_links, refuse_odd_files
from wfctl.engine.store.values import Unreadable
from wfctl.errors import DiskFull, StoreError, WfctlError

T = TypeVar("T")

# In the file's header, so that a store is told from any other SQLite file ("wfct").
APPLICATION_ID = 0x77666374
SCHEMA_VERSION = 3
# The oldest schema that the statements which only read still fit. A migration that changes what they read raises it.
READABLE_SINCE = 1
MIGRATIONS_PACKAGE = "wfctl.engine.store"
BUSY_SECONDS = 10.0
RETRY_SECONDS = 0.001
# How long a process that leaves waits for those who read, before it leaves the log to the next one.
CHECKPOINT_SECONDS = 1.0
# IDs are random, so inserts touch pages all over their index, more than SQLite's 2 MB hold. With a million instances, a
# cache of twice this size made no start cheaper: what it lacks is in the system's own.
CACHE_KIB = 32768
# A page that is written many times is copied into the file once a checkpoint (SQLite's default is 1000 pages).
CHECKPOINT_PAGES = 8000
# So much must be free on a disk that was full before the next attempt; a transaction is seldom larger.
ROOM_BYTES = 1024 * 1024
DAMAGED_HINT = "wfctl doctor says what is damaged; wfctl restore puts a backup in its place"
# 64-bit integers and `RETURNING` need SQLite 3.35; Python 3.10's oldest builds may be below.
MIN_SQLITE = (3, 35, 0)
# The disk has no room, or its user may have no more of it.
NO_ROOM = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))

Connection = sqlite3.Connection


def open_store(path: Path, *, tell: Callable[[str], None] | None = None) -> Connection:
    """Open the store at `path` for writing; make it, or migrate an older one, if need be.

    Before a migration the store is copied; `tell` is told where to. The connection commits only when told to, may be
    used from any thread (by one at a time), and waits up to BUSY_SECONDS for another process's write. Commits are
    durable when they return (WAL, synchronous=FULL).
    Raises StoreError: not a store, from a newer wfctl, not readable or writable, damaged.
    """
    with in_words(path):
        check_machine(path)
        make_file(path)
        refuse_links(path)
        connection = connect(path, "mode=rw")
        try:
            version = patiently(connection, lambda: _prepare(connection, path))
            if version < SCHEMA_VERSION:
                from wfctl.engine.store.migrating import bring_up

                bring_up(connection, path, tell or (lambda text: None))
        except BaseException:
            connection.close()
            raise
    return connection


def check_machine(path: Path) -> None:
    """Check the machine and the path.

    Raises StoreError where no store can be opened at all: this SQLite is too old, or `path` is no file.
    """
    if sqlite3.sqlite_version_info < MIN_SQLITE:
        raise StoreError(f"this Python's SQLite is {sqlite3.sqlite_version}; wfctl needs 3.35 or later")
    refuse_odd_files(path)


def no_store(path: Path) -> StoreError:
    """Return the error that says that there is none at `path`."""
    return StoreError(f"there is no store at {path}", hint="wfctl start makes it; or name another file with --store")


def connect(path: Path, mode: str) -> Connection:
    """Return a connection to an existing SQLite file; `mode` is the query of SQLite's URI, as mode=rw."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    # The file may come from anywhere. What its schema calls must not reach beyond SQLite's harmless functions, and a
    # page that lies about its cells is damage, not something to read on from.
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA cell_size_check=ON")
    return connection


def make_file(path: Path) -> None:
    """Make an empty file for a store, unless there is one."""
    if path.exists():
        return
    from wfctl.files import open_new

    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):  # another process was quicker: its file is as good
        open_new(path, "wb").close()


def patiently(connection: Connection, call: Callable[[], T]) -> T:
    """Try again where SQLite refuses at once instead of waiting, as when processes race for a new store."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return call()
        except sqlite3.OperationalError as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(RETRY_SECONDS)


def begin(connection: Connection) -> None:
    """Begin to write beside an owner, which may do so all the time.

    SQLite's own way of waiting looks ever more seldom, and then hardly ever meets the moment between two transactions
    of a busy owner: beside a full load its callers waited for seconds.
    """
    connection.execute("PRAGMA busy_timeout=0")
    try:
        patiently(connection, lambda: connection.execute("BEGIN IMMEDIATE"))
    finally:
        connection.execute(f"PRAGMA busy_timeout={round(BUSY_SECONDS * 1000)}")


def begin_at_once(connection: Connection) -> bool:
    """Begin to write, unless another process is about it. Returns False then."""
    connection.execute("PRAGMA busy_timeout=0")
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        return False
    finally:
        connection.execute(f"PRAGMA busy_timeout={round(BUSY_SECONDS * 1000)}")
    return True


def _prepare(connection: Connection, path: Path) -> int:
    """Set the connection up for writing, and make the schema of a new store. Returns the version of the schema."""
    version = schema_version(connection, path)
    # Set before the first table exists, it costs nothing; on an existing store it is a no-op.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    if not version:
        begin(connection)
        if not _pragma(connection, "user_version"):  # else another process was quicker
            apply_migrations(connection, SCHEMA_VERSION)
        connection.execute("COMMIT")
        version = schema_version(connection, path)
    return version


def schema_version(connection: Connection, path: Path) -> int:
    """Return the version of the store's schema; 0 where it is empty yet.

    Raises StoreError: another program's file, or a newer wfctl's.
    """
    # One look at all of it: another process may be making the schema just now.
    with snapshot(connection):
        ours = check_ours(connection, path)
        version = _pragma(connection, "user_version")
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()  # damage there is told here
    if not ours:
        return 0
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"the store {path} was written by a newer wfctl (schema {version}, this one knows {SCHEMA_VERSION})",
            hint="upgrade wfctl, or use another file with --store",
        )
    return version


@contextlib.contextmanager
def snapshot(db: Connection) -> Iterator[None]:
    """Let all reads in here see the store at one moment; and one look for the owner's writes serves them all."""
    if db.in_transaction:
        yield
        return
    db.execute("BEGIN")
    try:
        yield
    finally:
        if db.in_transaction:  # SQLite ends it itself where the disk fails
            db.execute("COMMIT")


def check_ours(connection: Connection, path: Path) -> bool:
    """False where the file is empty yet. Raises StoreError where it is another program's."""
    if _pragma(connection, "application_id") == APPLICATION_ID:
        return True
    if connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None:
        return False
    raise StoreError(
        f"{path} is an SQLite file, but not a wfctl store", hint="use another file with --store; nothing was changed"
    )


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def apply_migrations(connection: Connection, upto: int) -> None:
    """Bring the schema up to a version, inside the caller's transaction."""
    version = _pragma(connection, "user_version")
    for number, sql in _migrations():
        if version < number <= upto:
            for statement in _statements(sql):
                connection.execute(statement)
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={upto}")


def _migrations() -> Iterator[tuple[int, str]]:
    from importlib import resources

    folder = resources.files(MIGRATIONS_PACKAGE) / "migrations"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".sql"):
            yield int(file.name.split("_")[0]), file.read_text("utf-8")


def _statements(sql: str) -> Iterator[str]:
    """Yield the statements one by one: `executescript` would commit the transaction."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def checkpoint(connection: Connection) -> None:
    """Move the write-ahead log into the file, so that the file alone holds all; as far as no reader is in the way."""
    with contextlib.suppress(sqlite3.Error):  # the log is as good
        connection.execute(f"PRAGMA busy_timeout={round(CHECKPOINT_SECONDS * 1000)}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        connection.execute(f"PRAGMA busy_timeout={round(BUSY_SECONDS * 1000)}")


@contextlib.contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system raise into StoreErrors."""
    try:
        yield
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
        raise explain(error, path) from error


def explain(error: sqlite3.Error | OSError | UnicodeDecodeError, path: Path) -> StoreError:
    """Return the StoreError that says what happened to the file and what to try."""
    text = str(error)
    if isinstance(error, OSError):
        if error.errno in NO_ROOM:
            return _disk_full(path)
        reason = error.strerror or text
        return StoreError(f"cannot use the store {path}: {reason}", hint="name another file with --store")
    if isinstance(error, sqlite3.DatabaseError) and ("not a database" in text or "file is encrypted" in text):
        return StoreError(
            f"{path} is not a wfctl store (not an SQLite file)",
            hint="use another file with --store; nothing was changed",
        )
    if "readonly" in text or "read-only" in text:
        return StoreError(
            f"cannot write to the store {path}: {text}",
            hint="check the permissions of the file and of its folder, or name another file with --store",
        )
    if "unable to open" in text:
        return StoreError(
            f"cannot open the store {path}: {text}",
            hint="check the permissions of the file, of the files beside it (-wal, -shm) and of its folder",
        )
    if "full" in text:
        return _disk_full(path)
    if "locked" in text:
        return StoreError(
            f"the store {path} was locked by another process for more than {BUSY_SECONDS:.0f} s",
            hint="end what holds it (an sqlite3 shell, a backup or a sync program), and run the command again",
        )
    if "I/O error" in text:
        return StoreError(
            f"the disk of the store {path} failed: {text}",
            hint="check the disk, its free space and the mount or network share, then: wfctl doctor; what was "
            "acknowledged before is safe as far as the disk is",
        )
    if isinstance(error, UnicodeDecodeError) or "decode to UTF-8" in text:  # what SQLite says of it has it, too
        return StoreError(f"the store {path} is damaged: a text in it is no UTF-8", hint=DAMAGED_HINT)
    if "malformed" in text:
        return StoreError(f"the store {path} is damaged: {text}", hint=DAMAGED_HINT)
    return StoreError(f"the store {path} failed: {text}", hint="wfctl doctor checks the store")


def _disk_full(path: Path) -> DiskFull:
    return DiskFull(
        f"the disk of the store {path} is full",
        hint="free some space and run the command again; what was acknowledged is safe, what was not is not recorded",
    )


def is_full(error: BaseException, path: Path) -> bool:
    """Tell whether it failed for want of room on the disk of the store at `path`."""
    if isinstance(error, OSError):
        return error.errno in NO_ROOM
    if not isinstance(error, sqlite3.Error):
        return False
    # SQLite has no word of its own for an exhausted quota, nor for a disk that proves full at the fsync.
    return "full" in str(error) or ("disk I/O" in str(error) and not has_room(path))


def has_room(path: Path) -> bool:
    """Try to write ROOM_BYTES beside the store at `path`. Returns False if the disk, or the user's quota, is full."""
    from wfctl.files import open_new

    beside = path.with_name(f"{path.name}.room")
    try:
        beside.unlink(missing_ok=True)
        with open_new(beside, "wb") as file:
            file.write(os.urandom(ROOM_BYTES))  # some file systems store zeros in no room at all
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno not in NO_ROOM
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()
    return True


def is_trouble(error: BaseException) -> bool:
    """Return True if the file, the disk or the machine is at fault, not what was to be written."""
    # A damaged file is a plain DatabaseError; a violated constraint or a value of a wrong type is one of its children.
    return isinstance(error, (sqlite3.OperationalError, OSError, MemoryError)) or type(error) is sqlite3.DatabaseError


def explain_any(error: BaseException, path: Path) -> WfctlError:
    """Return the error itself if it is ours, else in words; the original stays its cause."""
    if isinstance(error, WfctlError):
        return error
    if isinstance(error, Unreadable):
        words: WfctlError = StoreError(f"the store {path} is damaged: {error}", hint=DAMAGED_HINT)
    elif isinstance(error, (sqlite3.Error, OSError, UnicodeDecodeError)):
        words = explain(error, path)
    else:
        words = WfctlError(f"the engine failed: {type(error).__name__}: {error}", hint="--debug shows where")
    words.__cause__ = error
    return words


def data_version(db: Connection) -> int:
    """Return a number that changes when another connection has committed."""
    return int(db.execute("PRAGMA data_version").fetchone()[0])
