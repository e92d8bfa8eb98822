"""Room ahead in the write-ahead log, so that commits overwrite what is there instead of making the file longer.

A commit that makes a file longer has to wait for the file system's journal beside its own data: on ext4 it takes twice
as long as one that overwrites. SQLite's log is empty when a process becomes the owner, and grows with every commit
until the first checkpoint. So the owner keeps it longer than it is, with zeros.

SQLite takes no notice of what lies behind the last frame: a frame counts only if it has the salts of the log's header
and the right checksum (https://www.sqlite.org/walformat.html). The zeros are appended in one write with O_APPEND,
which cannot touch what another process has just written.
"""

from __future__ import annotations

import os
from pathlib import Path

from wfctl.engine.store.database import CHECKPOINT_PAGES, Connection

# Bytes by which it is made longer at a time. The next commit writes them to the disk too, which costs as much as two
# or three commits; twice as much at a time was no cheaper for a commit.
STEP = 256 * 1024
# The room is looked at before every so many transactions, which costs as much as a small statement.
LOOK_EVERY = 4
# It is made longer when so many frames are left: a commit that starts an instance writes six.
LOW = 8 * LOOK_EVERY
_HEADER = 32
_FRAME_HEADER = 24
_SALTS = 8


class LogRoom:
    """For one thread. Never raises: without room, commits take longer, and that is all."""

    def __init__(self, store: Path, db: Connection) -> None:
        """SQLite must have made the log, as it does with the first transaction of a connection."""
        self._frame = _FRAME_HEADER + int(db.execute("PRAGMA page_size").fetchone()[0])
        self._most = _HEADER + self._frame * CHECKPOINT_PAGES  # here SQLite begins again at the front
        self._end = 0  # of the file, as far as is known
        self._mark = 0  # where the first of the last few frames is: once it is used, there is little room left
        self._transactions = 0
        self._file = _open(f"{os.path.realpath(store)}-wal")
        if self._file is not None:
            self._note_end(os.fstat(self._file).st_size)

    def keep(self) -> None:
        """Make room, if there is little left. To be called between two transactions."""
        number, self._transactions = self._transactions, self._transactions + 1
        if number % LOOK_EVERY or self._file is None:
            return
        try:
            if os.pread(self._file, _SALTS, self._mark + 8) == os.pread(self._file, _SALTS, 16):
                self._extend(self._file)
        except OSError:  # no room on the disk: a commit will meet it too, if it needs any
            self.close()

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _extend(self, file: int) -> None:
        size = os.fstat(file).st_size
        if size >= self._most:
            self.close()
            return
        # Where commits are larger than a step, as with many instances at once, room would cost more than it saves.
        if size - self._end < STEP:
            size += os.write(file, bytes(STEP))
        self._note_end(size)

    def _note_end(self, size: int) -> None:
        self._end = size
        self._mark = _HEADER + self._frame * max(0, (size - _HEADER) // self._frame - LOW)


def _open(log: str) -> int | None:
    if not hasattr(os, "pread"):  # Windows
        return None
    try:
        return os.open(log, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
