"""The one owner of a store: an OS file lock beside it that dies with its process."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from pathlib import Path

from wfctl.errors import StoreError

# A try meets, now and then, another process that only looks whether somebody owns the store.
TRY_SECONDS = 0.05


class OwnerLock:
    """`take` it to become the owner. Released by `release`, and by the end of the process however it ends."""

    def __init__(self, store: Path) -> None:
        import logging

        from filelock import FileLock  # which takes longer to import than all else that a look at the store needs

        # An app that logs everything (`logging.basicConfig(level=logging.DEBUG)`) means its own lines, not the lock's.
        if not (log := logging.getLogger("filelock")).level:
            log.setLevel(logging.INFO)
        self.path = lock_path(store)
        self._lock = FileLock(str(self.path), mode=0o600, thread_local=False)

    def take(self, seconds: float = TRY_SECONDS) -> bool:
        """Become the owner, if nobody is. Returns True on success. Raises StoreError: the lock file cannot be made."""
        from filelock import Timeout

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


def lock_path(store: Path) -> Path:
    """Resolve symlinks: one store has one lock file."""
    return Path(os.path.realpath(store) + ".lock")


def is_owned(store: Path, seconds: float = TRY_SECONDS) -> bool:
    """Return True if a process owns this store.

    A process that tries for the lock, or releases it, holds it for a moment too: look again for up to `seconds`.
    """
    path = lock_path(store)
    if not path.exists():
        return False
    until = time.monotonic() + seconds
    while (held := _is_held(path)) and time.monotonic() < until:
        time.sleep(min(0.005, seconds))
    if held is not None:
        return held
    lock = OwnerLock(store)
    with contextlib.suppress(StoreError):
        if lock.take(seconds):
            lock.release()
            return False
    return True


def _is_held(path: Path) -> bool | None:
    """Test the lock with a shared lock, which those who only look do not keep from one another.

    Returns None where that does not tell: on Windows, and on file systems without such locks.
    """
    try:
        import fcntl

        descriptor = os.open(path, os.O_RDONLY)
    except ImportError:
        return None
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return None if error.errno in (errno.ENOSYS, errno.ENOTSUP) else True
    finally:
        os.close(descriptor)
    return False
