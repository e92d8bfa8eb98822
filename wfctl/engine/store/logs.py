"""Statements on `logs`: what the app's code logged, by instance, within bounds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wfctl.engine.store.database import Connection
from wfctl.engine.store.values import from_micros, to_micros
from wfctl.model.logs import WORKFLOW, LogLine

# Of one instance, the latest lines are kept: so many, of so many characters in all.
MOST_LINES = 1000
MOST_CHARACTERS = 256 * 1024
# A longer line is cut.
MOST_IN_A_LINE = 8 * 1024


def put(db: Connection, lines: Iterable[tuple[int, LogLine]]) -> None:
    """Add lines by the keys of their instances. What is said of an instance that is gone is dropped."""
    db.executemany(
        "INSERT INTO logs (key, at, level, step, event_id, logger, message)"
        " SELECT ?, ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM instances WHERE key = ?)",
        [
            (key, to_micros(line.at), line.level, line.step, line.event_id, line.logger, line.message, key)
            for key, line in lines
        ],
    )


def trim(db: Connection, key: int) -> None:
    """Delete the oldest lines of an instance that are beyond its bounds."""
    size = 0
    rows = db.execute("SELECT row, length(message) FROM logs WHERE key = ? ORDER BY row DESC", (key,))
    for number, (row, length) in enumerate(rows):
        size += length
        if number >= MOST_LINES or size > MOST_CHARACTERS:
            db.execute("DELETE FROM logs WHERE key = ? AND row <= ?", (key, row))
            return


def read(
    db: Connection, key: int, *, after: int = 0, step: str | None = None, level: int = 0, limit: int | None = None
) -> list[LogLine]:
    """Return the lines behind the row `after`, oldest first; of more than `limit` the latest."""
    where, values = ["key = ?", "row > ?", "level >= ?"], [key, after, level]
    if step is not None:
        where.append("(step = ? OR (step IS NULL AND ? = ?))")
        values += [step, step, WORKFLOW]  # type: ignore[list-item]
    columns = "row, at, level, step, event_id, logger, message"
    sql = f"SELECT {columns} FROM logs WHERE {' AND '.join(where)} ORDER BY row DESC"
    if limit is not None:
        sql += " LIMIT ?"
        values.append(limit)
    return [_line(found) for found in reversed(db.execute(sql, values).fetchall())]


def _line(found: Sequence[object]) -> LogLine:
    row, at, level, step, event_id, logger, message = found
    return LogLine(from_micros(at), level, step, event_id, logger, message, row)  # type: ignore[arg-type]


def stand_in(db: Connection) -> None:
    """Let a reader of an older schema find an empty table."""
    db.execute(
        "CREATE TEMP TABLE logs (row INTEGER PRIMARY KEY, key INTEGER, at INTEGER, level INTEGER, step TEXT,"
        " event_id INTEGER, logger TEXT, message TEXT)"
    )
