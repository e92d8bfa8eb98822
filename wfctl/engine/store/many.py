"""One statement for many keys or IDs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from wfctl.engine.store.database import Connection

# SQLite takes 999 values in a statement, or more; one more or less of the same length makes no other statement.
PAGE = 500


def rows(db: Connection, sql: str, values: Sequence[object], rest: str = "") -> Iterator[Any]:
    """Yield the rows of `sql`, which ends in IN, for the values, part by part; `rest` comes behind them."""
    for start in range(0, len(values), PAGE):
        part = values[start : start + PAGE]
        yield from db.execute(f"{sql} ({', '.join('?' * len(part))}){rest}", part)
