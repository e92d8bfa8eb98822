"""Bringing an older store up to this version's schema: by a writer alone, with a copy kept, all or nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from wfctl.engine.owner_lock import OwnerLock
from wfctl.engine.store import backup, database
from wfctl.engine.store.database import Connection
from wfctl.errors import StoreError


def bring_up(connection: Connection, path: Path, tell: Callable[[str], None]) -> None:
    """Migrate the store; `tell` is told what was done and where the copy of the former store is.

    The owner's lock is held for it: an owner of the older version must not meet a schema that it does not know.
    Raises StoreError: another process owns the store, there is no room for the copy, a migration fails.
    """
    lock = OwnerLock(path)
    until = time.monotonic() + database.BUSY_SECONDS
    while not lock.take():
        if database.schema_version(connection, path) >= database.SCHEMA_VERSION:
            return  # whoever held the lock has done it
        if time.monotonic() > until:
            raise StoreError(
                f"a process of an older wfctl is executing the store {path}, which has to be migrated before this "
                "one can write to it",
                hint="wfctl doctor says which process; stop it, and run the command again",
            )
    try:
        database.begin(connection)
        version = database.schema_version(connection, path)
        if version < database.SCHEMA_VERSION:
            copy = backup.keep(path, "migration")
            database.apply_migrations(connection, database.SCHEMA_VERSION)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    finally:
        lock.release()
    if version < database.SCHEMA_VERSION:
        tell(f"migrated {path} from schema {version} to {database.SCHEMA_VERSION}; as it was: {copy}")
