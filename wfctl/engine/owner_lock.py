"""The one owner of a store: an OS file lock beside it that dies with its process."""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path

from filelock import FileLock, Timeout

from wfctl.errors import StoreError

# A try meets, now and then, another process that only looks whether somebody owns the store.
TRY_SECONDS = 0.05

# An app that logs everything (`logging.basicConfig(level=logging.DEBUG)`) means its own lines, not the lock's.
if not (_log := logging.getLogger("filelock")).level:
    _log.setLevel(logging.INFO)


class OwnerLock:
    """`take` it to become the owner. Released by `release`, and by the end of the process however it ends."""

    def __init__(self, store: Path) -> None:
        # By whichever link the store is named, it is one store.
        self.path = Path(os.path.realpath(store) + ".lock")
        self._lock = FileLock(str(self.path), mode=0o600, thread_local=False)

    def take(self, seconds: float = TRY_SECONDS) -> bool:
        """Whether this process is the owner now. Raises StoreError where the lock file cannot be made."""
        try:
            self._lock.acquire(timeout=seconds, poll_interval=0.01)
        except Timeout:
            return False
        except OSError as error:
            raise StoreError(
                f"cannot lock the store: {self.path}: {error.strerror or error}",
                hint="check the permissions of the folder, or name another file with --store",
            ) from error
        return True

    def release(self) -> None:
        self._lock.release()


def is_owned(store: Path, seconds: float = TRY_SECONDS) -> bool:
    """Whether some process drives this store now, as far as can be told in `seconds`: one that merely looks, as this
    one does, holds the lock for a moment too."""
    lock = OwnerLock(store)
    if not lock.path.exists():
        return False
    if not os.access(lock.path, os.W_OK):
        return _is_held(lock.path)
    with contextlib.suppress(StoreError):
        if lock.take(seconds):
            lock.release()
            return False
    return True


def _is_held(path: Path) -> bool:
    """As far as somebody can tell who may not write to the lock file; True where that is not far enough."""
    try:
        import fcntl

        descriptor = os.open(path, os.O_RDONLY)
    except (ImportError, OSError):
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
