"""Dapr's state API over the store file, as daprd 1.18.3 answers with its SQLite component.

Any store name is served, each with its own keys: there are no component files here that could name one. Writes go to
the engine's thread and its transactions, and are durable when a method returns.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

from wfctl.engine.core.decide import encodable
from wfctl.engine.engine_thread import Engine
from wfctl.engine.store import app_state
from wfctl.engine.store.app_state import Entry, EtagMismatch, Write
from wfctl.engine.store.database import Connection
from wfctl.engine.store.reading import open_reader
from wfctl.engine.store.values import to_micros
from wfctl.engine.transaction import Unit
from wfctl.gateway.api_error import Trouble
from wfctl.wire import error_mapping
from wfctl.wire.error_codes import Problem
from wfctl.wire.http_routes import Operation

TTL = "ttlInSeconds"
EXPIRES = "ttlExpireTime"
_MISMATCH = "possible etag mismatch. error from state store"


class StateTrouble(Trouble):
    """`grpc` is the name of the status code."""

    def __init__(self, status: int, code: str, grpc: str, message: str) -> None:
        super().__init__(Problem.OTHER, Operation.GET)
        self._answer = error_mapping.HttpAnswer(status, code, message)
        self._grpc = grpc

    def http(self) -> error_mapping.HttpAnswer:
        return self._answer

    def runtime(self) -> tuple[str, str]:
        return self._grpc, self._answer.message


def malformed(message: str) -> StateTrouble:
    return StateTrouble(400, "ERR_MALFORMED_REQUEST", "INVALID_ARGUMENT", message)


def not_supported(operation: str) -> StateTrouble:
    message = f"operation type {operation} not supported"
    return StateTrouble(400, "ERR_NOT_SUPPORTED_STATE_OPERATION", "UNIMPLEMENTED", message)


def no_query() -> StateTrouble:
    return StateTrouble(500, "ERR_STATE_STORE_NOT_SUPPORTED", "INTERNAL", "state store does not support querying")


@dataclass(frozen=True, slots=True)
class Item:
    """One entry to write (`value` None: to delete), as a request tells it."""

    key: str
    value: bytes | None
    etag: str | None = None
    concurrency: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


class StateService:
    """All methods belong on the server's loop, and raise StateTrouble. `app_id`: the app whose keys these are, where
    several share the file; as in Dapr, each has its own."""

    def __init__(self, engine: Engine, store: Path, app_id: str | None = None) -> None:
        self._prefix = "" if app_id is None else f"{app_id}||"
        self._engine = engine
        self._db = open_reader(store)

    def close(self) -> None:
        self._db.close()

    def get(self, store: str, key: str) -> Entry | None:
        _check(key)
        return app_state.get(self._db, self._prefix + store, key, _now())

    def get_all(self, store: str, keys: Sequence[str]) -> list[Entry | None]:
        return [self.get(store, key) for key in keys]

    async def save(self, store: str, items: Sequence[Item]) -> None:
        """Each by itself: those that can be saved are, even if another cannot."""
        failed = await self._each(store, items, f"failed saving state in state store {store}", "ERR_STATE_SAVE")
        if failed:
            again = f": {_MISMATCH}" if len(items) > 1 else ""
            raise _mismatch(f"failed saving state in state store {store}{again}", "ERR_STATE_SAVE")

    async def delete(self, store: str, items: Sequence[Item]) -> None:
        failed = await self._each(store, items, f"failed deleting state with key {items[0].key}", "ERR_STATE_DELETE")
        if failed:
            raise _mismatch(f"failed deleting state with key {failed[0]}", "ERR_STATE_DELETE")

    async def _each(self, store: str, items: Sequence[Item], what: str, code: str) -> list[str]:
        """Write each by itself. Returns the keys whose ETags did not match."""
        for item in items:
            _check_item(item)
        now = datetime.now(timezone.utc)
        writes = [_write(item, now, what, code) for item in items]

        def call(unit: Unit, db: Connection) -> list[str]:
            failed: list[str] = []
            for write in writes:
                try:
                    app_state.apply(db, self._prefix + store, [write], to_micros(now))
                except EtagMismatch as error:
                    failed.append(error.key)
            return failed

        return await asyncio.wrap_future(self._engine.write(call))

    async def transact(self, store: str, items: Sequence[Item]) -> None:
        """Write all of these, or none."""
        what = "error while executing state transaction"
        now = datetime.now(timezone.utc)
        for item in items:
            _check_item(item)
        writes = [_write(item, now, what, "ERR_STATE_TRANSACTION") for item in items]
        try:
            await asyncio.wrap_future(
                self._engine.write(lambda unit, db: app_state.apply(db, self._prefix + store, writes, to_micros(now)))
            )
        except EtagMismatch as error:
            raise StateTrouble(500, "ERR_STATE_TRANSACTION", "INTERNAL", f"{what}: {_MISMATCH}") from error


def _mismatch(what: str, code: str) -> StateTrouble:
    return StateTrouble(409, code, "ABORTED", f"{what}: {_MISMATCH}")


def _now() -> int:
    return to_micros(datetime.now(timezone.utc))


def _check(key: str) -> None:
    if not key:
        raise malformed("state key cannot be empty")
    if "||" in key:
        raise malformed(f"input key/keyPrefix '{key}' can't contain '||'")
    _check_text(key, "the state key")


def _check_item(item: Item) -> None:
    _check(item.key)
    _check_text(item.etag, "the ETag")


def _check_text(text: str | None, what: str) -> None:
    if not encodable(text):
        raise malformed(f"{what} {text!a} is not valid Unicode: it has lone surrogates")


def _write(item: Item, now: datetime, what: str, code: str) -> Write:
    """Return what to write.

    An ETag counts whatever the concurrency, as in Dapr's SQLite component; `first-write` counts without one.
    """
    if item.concurrency not in ("", "first-write", "last-write"):
        raise StateTrouble(500, code, "INTERNAL", f"{what}: unrecognized concurrency model '{item.concurrency}'")
    return Write(
        item.key,
        item.value,
        item.etag or None,
        first=item.concurrency == "first-write" and item.value is not None,
        expires_at=_expiry(item.metadata.get(TTL), now, what, code),
    )


def _expiry(ttl: str | None, now: datetime, what: str, code: str) -> int | None:
    """-1 is for ever, and so is nothing."""
    if not ttl:
        return None
    try:
        seconds = int(ttl)
        return None if seconds <= 0 else to_micros(now + timedelta(seconds=seconds))
    except (ValueError, OverflowError) as error:
        text = f"{what}: error parsing TTL: incorrect value for metadata '{TTL}': {ttl!r}"
        raise StateTrouble(500, code, "INTERNAL", text) from error
