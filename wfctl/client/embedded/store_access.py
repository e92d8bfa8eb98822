"""The store as a process uses it that does not go through its own engine: a reading and a writing connection."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from wfctl.engine.store import database
from wfctl.engine.store.place import Place
from wfctl.engine.store.reading import NoStore, Reader
from wfctl.errors import WfctlError

if TYPE_CHECKING:
    from wfctl.engine.undriven import UndrivenTransaction

T = TypeVar("T")


class StoreAccess:
    """Each connection is opened when it is first needed."""

    def __init__(self, path: Path, *, named: bool, note: Callable[[str], None]) -> None:
        """`named`: it is an error to read the store while it does not exist. `note` is told of a migration."""
        self.path = path
        self._named = named
        self._note = note
        self._reader: Reader | None = None
        self._place: Place | None = None  # of what the reader has open
        self._writer: tuple[database.Connection, Place] | None = None

    @property
    def has_written(self) -> bool:
        return self._writer is not None

    def reader(self) -> Reader | None:
        """Open the store for reading. Returns None as long as there is none. Raises StoreError and StoreGone."""
        if self._place is not None:
            self._place.check()
        elif self._reader is None:
            try:
                self._reader = Reader(self.path)
            except NoStore:
                if self._named:
                    raise
            else:
                self._place = Place(self.path)
        return self._reader

    def query(self, call: Callable[[database.Connection], T]) -> T | None:
        """Return what `call` reads, and None as long as there is no store."""
        reader = self.reader()
        return None if reader is None else self.guard(lambda: reader.ask(call))

    def transact(self, work: Callable[[UndrivenTransaction], T]) -> T:
        """Do `work` in one write transaction, and commit it."""
        from wfctl.engine.undriven import UndrivenTransaction

        def transact() -> T:
            if self._writer is None:
                self._writer = database.open_store(self.path, tell=self._note), Place(self.path)
            db, place = self._writer
            place.check()
            database.begin(db)
            try:
                with UndrivenTransaction(self.path, db, datetime.now(timezone.utc)) as transaction:
                    value = work(transaction)
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            place.check()
            return value

        return self.guard(transact)

    def check(self) -> None:
        """Check the store. Raises StoreGone if it is not the file any more that was read."""
        if self._place is not None:
            self._place.check()

    def guard(self, call: Callable[[], T]) -> T:
        """Run `call`. Raises StoreError and its kin in place of SQLite's errors."""
        try:
            return call()
        except WfctlError:
            raise
        except Exception as error:
            raise database.explain_any(error, self.path) from error

    def close(self, *, checkpoint: bool) -> None:
        """Close the connections. `checkpoint`: write the log into the file, as nobody else does it."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer[0].close()
            if checkpoint:
                with contextlib.suppress(WfctlError):
                    self.query(database.checkpoint)
        if self._reader is not None:
            self._reader.close()
            self._reader = self._place = None
