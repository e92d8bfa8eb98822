"""Files that are made safely: nobody else's is touched, and they lie on the disk before they get their names."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import IO, Any, BinaryIO


def open_new(path: Path, mode: str) -> IO[Any]:
    """Open a file that is made by this. Raises FileExistsError: what has this name already, a link too, is not touched.

    For files with names that can be foreseen, in folders where others may write.
    """
    return open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0), 0o600), mode)


def open_own(path: Path) -> BinaryIO | None:
    """Open a file to read and to write. None where it is a link, no plain file, somebody else's, or has a second name.

    Raises OSError.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        if path.is_symlink():
            return None
        raise
    found = os.fstat(descriptor)
    mine = not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
    if not (mine and stat.S_ISREG(found.st_mode) and found.st_nlink == 1):
        os.close(descriptor)
        return None
    return open(descriptor, "r+b")


def lock_alone(file: IO[Any]) -> bool:
    """Lock an open file until it is closed. Returns False where another process has it locked.

    True too where the system has no such locks.
    """
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(file: Path) -> None:
    """Make sure that the folder has the file under its name."""
    if os.name == "posix":  # elsewhere a folder cannot be opened
        with contextlib.suppress(OSError):  # nor on some network shares; the name is there, if not for certain
            sync(file.absolute().parent, os.O_RDONLY)
