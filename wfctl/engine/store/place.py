"""The files of a store, watched while it is in use: SQLite and the owner's lock go on with files that are deleted or
replaced under their names, and what is written to those is lost."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Sequence
from pathlib import Path

from wfctl.errors import StoreError, StoreGone

# How often `look` looks; the look costs some microseconds.
LOOK_SECONDS = 0.25
# What SQLite keeps beside the file. It stays the same as long as a connection is open.
BESIDE = ("-wal", "-shm")
# What is written beside the file, by SQLite and for the owner's lock.
WRITTEN_BESIDE = (*BESIDE, "-journal", ".lock")

Identity = tuple[int, int]  # device and inode


def refuse_links(path: Path) -> None:
    """Raise StoreError where the file has several names: under each, a lock and a log of its own would lie beside it.

    Raises OSError where there is no file.
    """
    links = os.stat(path).st_nlink
    if links > 1:
        raise StoreError(_several_names(path, links), hint=_one_name(path))


def refuse_odd_files(path: Path) -> None:
    """Raise StoreError where the store, or what is written beside it, is not a file but a link, a pipe or a device.

    The store itself may be reached by a link; a link beside it would have another file overwritten. Such names come
    with a folder that somebody else made.
    """
    real = os.path.realpath(path)
    for name in (real, *(real + suffix for suffix in WRITTEN_BESIDE)):
        try:
            mode = os.lstat(name).st_mode
        except OSError:  # there is none, or what opens it tells what is wrong
            continue
        if name == real and stat.S_ISDIR(mode):
            raise StoreError(f"the store {path} is a folder", hint="--store takes a file")
        if not stat.S_ISREG(mode):
            kind = "a link" if stat.S_ISLNK(mode) else "no file"
            what = f"the store {path}" if name == real else f"{name}, which would be written beside the store,"
            raise StoreError(f"{what} is {kind}", hint="see who put it there, and remove it; or use another --store")


class Place:
    """The files of an open store, as they were when this was made. For one thread."""

    def __init__(self, path: Path, others: Sequence[Path] = ()) -> None:
        """`others` are files that must stay as they are too: the owner's, not those of a mere reader."""
        self._path = path
        self._store = _identity(path)
        self._name = str(path)  # a Path takes as long to say its name as the system to look at the file
        self._others = {str(other): found for other in others if (found := _identity(other)) is not None}
        self._looked = time.monotonic()

    def check(self) -> None:
        """Check the files. Raises StoreGone where one is not the one it was."""
        path = self._path
        try:
            found = os.stat(self._name)
        except OSError as error:
            raise StoreGone(
                f"the store {path} was deleted or moved while it was in use ({error.strerror})",
                hint="bring it back under this name, from where it is or from a backup, then run the command again",
            ) from error
        if (found.st_dev, found.st_ino) != self._store:
            raise StoreGone(
                f"the store {path} was replaced by another file while it was in use",
                hint="run the command again to use the new file; end what uses a store before you replace it",
            )
        if found.st_nlink > 1:
            raise StoreGone(_several_names(path, found.st_nlink), hint=_one_name(path))
        for other, was in self._others.items():
            if _identity(other) != was:
                raise StoreGone(
                    f"{other}, which belongs to the store, was deleted or replaced while it was in use",
                    hint="run the command again; never touch what lies beside a store",
                )

    def look(self) -> None:
        """Check as `check` does, every LOOK_SECONDS, however often this is called."""
        now = time.monotonic()
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            self.check()


def _identity(path: Path | str) -> Identity | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _several_names(path: Path, links: int) -> str:
    return f"the store {path} has {links} names (hard links); two processes could drive it, and lose each other's work"


def _one_name(path: Path) -> str:
    folder = os.path.dirname(os.path.realpath(path))
    return f"remove all names but one (find {folder} -samefile {path} lists them), or make a real copy"
