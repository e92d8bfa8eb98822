"""One statement for many keys, IDs or rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from wfctl.engine.store.database import Connection

# SQLite takes 999 values in a statement, or more; one more or less of the same length makes no other statement.
PAGE = 500


def rows(
    db: Connection,
    sql: str,
    values: Sequence[object],
    rest: str = "",
    more: Sequence[object] = (),
    before: Sequence[object] = (),
) -> Iterator[Any]:
    """Yield the rows of `sql`, which ends in IN, for the values, part by part; `rest`, with its values `more`, comes
    behind them. `before`: the values of `sql` itself."""
    for statement, part in _parts(sql, values):
        yield from db.execute(statement + rest, (*before, *part, *more))


def run(db: Connection, sql: str, values: Sequence[object]) -> None:
    """Run `sql`, which ends in IN and returns nothing, for the values, part by part."""
    for statement, part in _parts(sql, values):
        db.execute(statement, part)


def insert(db: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Insert rows with these columns, of which each has NULL as its default where a row has None."""
    for nulls, part in _by_nulls(rows):
        names = [name for name, null in zip(columns, nulls, strict=True) if not null]
        sql = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        db.executemany(sql, part)


def update(db: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Set these columns of rows; the last value of each is its key."""
    for nulls, part in _by_nulls(rows):
        sets = [f"{name} = {'NULL' if null else '?'}" for name, null in zip(columns, nulls[:-1], strict=True)]
        db.executemany(f"UPDATE {table} SET {', '.join(sets)} WHERE key = ?", part)


def _by_nulls(rows: Iterable[Sequence[object]]) -> Iterator[tuple[Sequence[bool], Iterable[Sequence[object]]]]:
    """Yield the rows, of two values that are not None at least, in groups with None in the same places: these, and the
    other values of each row.

    To hand a None over to SQLite takes Python four times as long as a number: of a new instance, they were half.
    """
    groups: dict[tuple[bool, ...], list[Sequence[object]]] = {}
    for row in rows:
        groups.setdefault(tuple([value is None for value in row]), []).append(row)
    for nulls, part in groups.items():
        others = itemgetter(*(place for place, null in enumerate(nulls) if not null))
        yield nulls, map(others, part)


def _parts(sql: str, values: Sequence[object]) -> Iterator[tuple[str, Sequence[object]]]:
    for start in range(0, len(values), PAGE):
        part = values[start : start + PAGE]
        yield f"{sql} ({', '.join('?' * len(part))})", part
