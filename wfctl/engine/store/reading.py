"""Opening the store for reading, without write access where there is none, and without ever migrating it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from wfctl.engine.store import causes, database, instances
from wfctl.engine.store.database import Connection
from wfctl.engine.store.place import refuse_links
from wfctl.errors import StoreError

T = TypeVar("T")

_WRITABLE = "mode=rw"
_READABLE = "mode=ro"
_STILL = "mode=ro&immutable=1"

_Stamp = tuple[tuple[int, int, int] | None, ...]


class NoStore(StoreError):
    """There is no store yet: no file, or one that nothing was written to."""


def writable(path: Path) -> bool:
    """True where this process may write to the store, or where there is none yet."""
    real = os.path.realpath(path)
    return not os.path.exists(real) or (os.access(real, os.W_OK) and os.access(os.path.dirname(real), os.W_OK))


def open_reader(path: Path, *, one_name: bool = True) -> Connection:
    """Open the store at `path` for reading; nothing can be written through the connection.

    With `one_name`, a file with several names (hard links) is refused.
    Raises NoStore, and StoreError: not a store, from a newer or a much older wfctl, not readable, damaged.
    """
    return _open(path, one_name=one_name)[0]


class Reader:
    """A store that is read for some time.

    A file that this process may not write, and that nobody has open, is read without SQLite's locks, which would have
    to write. Its writer may come at any time: then it is opened again, and what was read meanwhile is read once more.
    """

    def __init__(self, path: Path) -> None:
        """Raises what `open_reader` raises."""
        self._path = path
        self._open()

    def _open(self) -> None:
        self._connection, self._stamp = _open(self._path)

    @property
    def still(self) -> bool:
        """True where the file is read without locks: read what belongs together within one `ask`."""
        return self._stamp is not None

    @property
    def connection(self) -> Connection:
        if self._stamp is not None and _stamp(self._path) != self._stamp:
            self._connection.close()
            self._open()
        return self._connection

    def ask(self, call: Callable[[Connection], T]) -> T:
        """Returns what `call` reads; where a writer came in between, it is called again."""
        while True:
            connection = self.connection
            try:
                value = call(connection)
            except Exception:
                if self.connection is connection:
                    raise
            else:
                if self.connection is connection:
                    return value

    def close(self) -> None:
        self._connection.close()


def _open(path: Path, *, one_name: bool = True) -> tuple[Connection, _Stamp | None]:
    """Return the connection, and, if it heeds no locks, the stamp that the files had before it was opened."""
    with database.in_words(path):
        database.check_machine(path)
        if not os.path.lexists(path) or not os.stat(path).st_size:
            raise _missing(path)
        if one_name:
            refuse_links(path)
        stamp = _stamp(path)
        mode = _mode(path, stamp)
        connection = database.connect(path, mode)
        try:
            version = database.patiently(connection, lambda: database.schema_version(connection, path))
            if not version:
                raise _missing(path)
            if version < database.READABLE_SINCE:
                raise StoreError(
                    f"the store {path} was written by an older wfctl (schema {version}; this one reads "
                    f"{database.READABLE_SINCE} and later)",
                    hint="wfctl run, or any other command that writes, migrates it and keeps a copy",
                )
            if version < causes.SINCE:
                from wfctl.engine.store import clocks, event_waits, logs, reruns

                instances.stand_in(connection)
                causes.stand_in(connection)
                logs.stand_in(connection)
                reruns.stand_in(connection)
                clocks.stand_in(connection)
                event_waits.stand_in(connection)
            connection.execute("PRAGMA query_only=ON")
        except BaseException:
            connection.close()
            raise
    return connection, stamp if mode == _STILL else None


def _missing(path: Path) -> NoStore:
    error = database.no_store(path)
    return NoStore(error.message, hint=error.hint)


def _mode(path: Path, stamp: _Stamp) -> str:
    """Return the mode in which SQLite is to open the file.

    With write access, as a writer does: only then its side files are made and cleared away rightly. Without, what is in
    the log must be read and writers' locks be heeded where there are any. Where there is neither a log nor a writer,
    SQLite would have to make the side files, which it cannot, or which would be in the writers' way.
    """
    if writable(path):
        return _WRITABLE
    return _STILL if stamp[1:] == (None, None, None) else _READABLE


def _stamp(path: Path) -> _Stamp:
    """Return what changes when somebody writes: inode, size and time of the file and of its side files."""
    real = os.path.realpath(path)
    return _file_stamp(real), *(_file_stamp(real + suffix, kept=kept) for suffix, kept in _SIDE_FILES)


# A log without content says nothing; SQLite's map of the log is there as long as somebody has the store open.
_SIDE_FILES = (("-wal", False), ("-journal", False), ("-shm", True))


def _file_stamp(path: str, *, kept: bool = True) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns) if found.st_size or kept else None
