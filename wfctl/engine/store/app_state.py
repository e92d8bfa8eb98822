"""Application state under keys: what Dapr's state API saves, in the same file and the same transactions as the
workflows that use it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wfctl.engine.store.database import Connection
from wfctl.errors import Conflict

# Expired entries deleted in one transaction.
MOST_EXPIRED = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    value: bytes
    etag: str
    expires_at: int | None = None  # microseconds since 1970 UTC


@dataclass(frozen=True, slots=True)
class Write:
    """Save `value` under `key`, or (None) delete the key.

    `etag`: only if the entry still has it. `first`: without an etag, only if there is no entry yet.
    """

    key: str
    value: bytes | None
    etag: str | None = None
    first: bool = False
    expires_at: int | None = None


class EtagMismatch(Conflict):
    """The entry is another one by now; `key` tells which."""

    code = "etag_mismatch"

    def __init__(self, key: str) -> None:
        super().__init__(f"the entry of key '{key}' has another ETag")
        self.key = key


def get(db: Connection, store: str, key: str, now: int) -> Entry | None:
    found = db.execute(
        "SELECT value, etag, expires_at FROM state WHERE store = ? AND key = ? AND coalesce(expires_at, ?) > ?",
        (store, key, now + 1, now),
    ).fetchone()
    return None if found is None else Entry(bytes(found[0]), found[1], found[2])


def apply(db: Connection, store: str, writes: Iterable[Write], now: int) -> None:
    """Write all of these, in order, or none. To be called within a transaction. Raises EtagMismatch."""
    db.execute("SAVEPOINT state")
    try:
        for write in writes:
            _apply(db, store, write, now)
    except BaseException:
        db.execute("ROLLBACK TO state")
        raise
    finally:
        db.execute("RELEASE state")


def _apply(db: Connection, store: str, write: Write, now: int) -> None:
    if write.etag is not None or write.first:
        found = get(db, store, write.key, now)
        if (None if found is None else found.etag) != write.etag:
            raise EtagMismatch(write.key)
    if write.value is None:
        db.execute("DELETE FROM state WHERE store = ? AND key = ?", (store, write.key))
        return
    db.execute(
        "INSERT OR REPLACE INTO state (store, key, value, etag, expires_at) VALUES (?, ?, ?, ?, ?)",
        (store, write.key, write.value, secrets.token_hex(8), write.expires_at),
    )


def delete_expired(db: Connection, now: int) -> int:
    """Delete what has expired, MOST_EXPIRED entries at the most; how many went."""
    sql = "DELETE FROM state WHERE rowid IN (SELECT rowid FROM state WHERE expires_at <= ? LIMIT ?)"
    return db.execute(sql, (now, MOST_EXPIRED)).rowcount


def get_all(db: Connection, store: str, keys: Sequence[str], now: int) -> list[Entry | None]:
    return [get(db, store, key, now) for key in keys]
