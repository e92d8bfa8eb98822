"""DBOS as a peer: its Python library, on SQLite as it comes, on SQLite tuned, and on PostgreSQL."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from bench.engine import scratch
from bench.peers import environments, frame, postgres
from bench.peers.programs.measuring import STUCK

LIBRARY = ("dbos==3.4.0",)
WORKLOADS = ("chains", "steps_1000", "steps_5000", "latency", "activities", "children")
Database = Callable[[Path], AbstractContextManager[str]]


class Dbos:
    def __init__(
        self,
        name: str,
        title: str,
        durability: str,
        database: Database,
        threads: int | None = None,
        server: bool = False,
    ) -> None:
        """`database` yields the URL of an empty database for as long as its block lasts. `threads`: at most so many
        workflows at a time; None is DBOS's default, which is no limit. `server`: the database is PostgreSQL."""
        self.name = name
        self.title = title
        self.durability = durability
        self._database = database
        self._threads = () if threads is None else (str(threads),)
        self._server = server

    @property
    def workloads(self) -> Mapping[str, frame.Measure]:
        return {**{name: partial(self._run, name) for name in WORKLOADS}, "recovery": self._recovery}

    def prepare(self) -> str | None:
        try:
            environments.python("dbos", LIBRARY)
        except RuntimeError as error:
            return str(error)
        if self._server:
            with scratch() as folder:
                return postgres.missing(folder)
        return None

    def version(self) -> str:
        library = f"DBOS {LIBRARY[0].rpartition('=')[2]}"
        return f"{library}, {postgres.version()}" if self._server else library

    def _run(self, workload: str, folder: Path) -> Mapping[str, float]:
        with self._database(folder) as url:
            return dict(frame.run(environments.python("dbos", LIBRARY), "dbos_program", workload, url, *self._threads))

    def _recovery(self, folder: Path) -> Mapping[str, float]:
        python = environments.python("dbos", LIBRARY)
        with self._database(folder) as url:
            command = [str(python), "-m", "bench.peers.programs.dbos_program", "recovery", url, *self._threads]
            killed = subprocess.run(command, cwd=frame.ROOT, env=frame.environ(**{STUCK: "1"}), capture_output=True)
            assert killed.returncode == -9, killed.stderr
            with (folder / "log.txt").open("ab") as log:
                began = time.perf_counter()
                process = subprocess.Popen(
                    command, cwd=frame.ROOT, env=frame.environ(), stdout=subprocess.PIPE, stderr=log, text=True
                )
                assert process.stdout is not None
                with process.stdout:
                    assert "ended" in process.stdout.readline()
                    seconds = time.perf_counter() - began
                    assert "checked" in process.stdout.read()
                assert process.wait() == 0
        return {"recovery": seconds}


@contextlib.contextmanager
def as_it_comes(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder / 'dbos.sqlite'}"


@contextlib.contextmanager
def with_a_log(folder: Path) -> Iterator[str]:
    """A file that is in WAL mode, which it stays."""
    with contextlib.closing(sqlite3.connect(folder / "dbos.sqlite")) as made:
        made.execute("PRAGMA journal_mode=WAL")
    with as_it_comes(folder) as url:
        yield url


@contextlib.contextmanager
def on_postgres(folder: Path) -> Iterator[str]:
    """A database of its own, which DBOS makes. It is dropped, for the server may be somebody's."""
    name = f"wfctl_bench_{time.time_ns()}"
    with postgres.server(folder) as url:
        try:
            yield f"{url}/{name}"
        finally:
            frame.run(environments.python("dbos", LIBRARY), "drop_database", f"{url}/postgres", name)


PEERS = (
    Dbos(
        "dbos-sqlite",
        "DBOS, SQLite",
        "A start and a step are acknowledged after a commit of their own is on the disk (SQLite's rollback journal, "
        "`synchronous=FULL`).",
        as_it_comes,
    ),
    Dbos(
        "dbos-sqlite-tuned",
        "DBOS, SQLite tuned",
        "The same with the file in WAL mode (`synchronous=FULL` still) and 4 threads for workflows.",
        with_a_log,
        threads=4,
    ),
    Dbos(
        "dbos-postgres",
        "DBOS, PostgreSQL",
        "A start and a step are acknowledged after a commit of their own is on the disk (as shipped: `fsync=on`, "
        "`synchronous_commit=on`).",
        on_postgres,
        server=True,
    ),
)
