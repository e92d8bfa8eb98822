"""What `list` remembers of finished instances between two runs, so that the second list asks for the live ones only.

One SQLite file in the user's cache folder, without payloads. Whatever is wrong with it, `list` goes on without it.

A finished instance stays as it is until it is purged (then its ID is not listed any more), rerun or started again
under its ID. wfctl forgets what it purges and starts itself; what others start again may be seen as it was for
`MAX_AGE` seconds. A failed child is not remembered: its parent may be about to try it again under the same ID.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from wfctl.config.files import user_cache_dir
from wfctl.model.instance import Instance
from wfctl.model.status import Status
from wfctl.wire import times

MAX_AGE = 900.0
_LAYOUT = 1
_BATCH = 500


def cache_file(environ: Mapping[str, str] = os.environ) -> Path:
    return user_cache_dir(environ) / "instances.db"


def clear(file: Path | None = None) -> int:
    """Forget everything; returns how many instances were known."""
    cache = Cache(file or cache_file())
    count = cache.count()
    cache.close()
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(OSError):
            cache.file.with_name(cache.file.name + suffix).unlink()
    return count


class Cache:
    """`target` in every method says whose instances are meant: the endpoint and the app. Any thread may use it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._db: sqlite3.Connection | None = None
        self._broken = False
        self._turn = threading.RLock()

    def known(self, target: str, ids: Sequence[str]) -> dict[str, Instance]:
        found: dict[str, Instance] = {}
        for start in range(0, len(ids), _BATCH):
            part = ids[start : start + _BATCH]
            marks = ", ".join("?" * len(part))
            rows = self._run(
                f"SELECT id, data FROM instances WHERE target = ? AND seen > ? AND id IN ({marks})",
                (target, time.time() - MAX_AGE, *part),
            )
            for instance_id, data in rows:
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    found[instance_id] = _decode(instance_id, data)
        return found

    def remember(self, target: str, instances: Iterable[Instance]) -> None:
        seen = time.time()
        rows = [(target, row.id, _encode(row), seen) for row in instances if lasting(row)]
        if rows:
            self._run_many("INSERT OR REPLACE INTO instances (target, id, data, seen) VALUES (?, ?, ?, ?)", rows)
            self._run("DELETE FROM instances WHERE seen <= ?", (seen - MAX_AGE,))

    def forget(self, target: str, instance_id: str) -> None:
        """The instance and its descendants, as far as their IDs tell."""
        if self._db is None and not self.file.exists():
            return
        self._run(
            "DELETE FROM instances WHERE target = ? AND (id = ? OR substr(id, 1, ?) = ?)",
            (target, instance_id, len(instance_id) + 1, instance_id + ":"),
        )

    def count(self) -> int:
        rows = self._run("SELECT count(*) FROM instances") if self.file.exists() else []
        return int(rows[0][0]) if rows else 0

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _run(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._turn:
            try:
                db = self._open()
                if db is None:
                    return []
                with db:
                    return db.execute(sql, values).fetchall()
            except sqlite3.Error:
                self._give_up()
                return []

    def _run_many(self, sql: str, rows: list[tuple[Any, ...]]) -> None:
        with self._turn:
            try:
                db = self._open()
                if db is not None:
                    with db:
                        db.executemany(sql, rows)
            except sqlite3.Error:
                self._give_up()

    def _open(self) -> sqlite3.Connection | None:
        if self._db is not None or self._broken:
            return self._db
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            self._broken = True
            return None
        db = sqlite3.connect(self.file, timeout=1.0, check_same_thread=False)
        self._db = db
        with contextlib.suppress(OSError):
            self.file.chmod(0o600)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = OFF")
        if db.execute("PRAGMA user_version").fetchone()[0] != _LAYOUT:
            with db:
                db.execute("DROP TABLE IF EXISTS instances")
                db.execute(
                    "CREATE TABLE instances (target TEXT, id TEXT, data TEXT NOT NULL, seen REAL NOT NULL,"
                    " PRIMARY KEY (target, id)) WITHOUT ROWID"
                )
                db.execute(f"PRAGMA user_version = {_LAYOUT}")
        return db

    def _give_up(self) -> None:
        """A file that is no cache of ours is not worth an error; nor is one that somebody has locked."""
        self.close()
        self._broken = True


def lasting(instance: Instance) -> bool:
    """Whether an instance can be relied upon to stay as it is."""
    is_child = instance.parent_id is not None or ":" in instance.id
    return instance.status.terminal and not (is_child and instance.status is not Status.COMPLETED)


def _encode(row: Instance) -> str:
    moments = (row.created_at, row.updated_at, row.started_at, row.completed_at)
    texts = [None if moment is None else times.to_text(moment) for moment in moments]
    return json.dumps([row.name, int(row.status), row.parent_id, row.version, *texts])


def _decode(instance_id: str, data: str) -> Instance:
    name, status, parent_id, version, *texts = json.loads(data)
    created, updated, started, completed = (_time(text) for text in texts)
    return Instance(
        instance_id,
        name,
        Status(status),
        created_at=created,
        updated_at=updated,
        started_at=started,
        completed_at=completed,
        parent_id=parent_id,
        version=version,
    )


def _time(text: str | None) -> datetime | None:
    return None if text is None else times.from_text(text)
