"""One statement for many keys or IDs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from wfctl.engine.store.database import Connection

# SQLite takes 999 values in a statement, or more; one more or less of the same length makes no other statement.
PAGE = 500


def rows(
    db: Connection, sql: str, values: Sequence[object], rest: str = "", more: Sequence[object] = ()
) -> Iterator[Any]:
    """Yield the rows of `sql`, which ends in IN, for the values, part by part; `rest`, with its values `more`, comes
    behind them."""
    for statement, part in _parts(sql, values):
        yield from db.execute(statement + rest, (*part, *more))


def run(db: Connection, sql: str, values: Sequence[object]) -> None:
    """Run `sql`, which ends in IN and returns nothing, for the values, part by part."""
    for statement, part in _parts(sql, values):
        db.execute(statement, part)


def _parts(sql: str, values: Sequence[object]) -> Iterator[tuple[str, Sequence[object]]]:
    for start in range(0, len(values), PAGE):
        part = values[start : start + PAGE]
        yield f"{sql} ({', '.join('?' * len(part))})", part
