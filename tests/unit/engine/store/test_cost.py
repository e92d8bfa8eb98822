"""What an instance costs in the store: pages and statements of each commit, commits of a chain, bytes of the file.

None of it depends on the machine. A figure that gets better is written here; one that gets worse is to be mended.
"""

from __future__ import annotations

import statistics
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from engine_rig import Rig
from limits import LIMIT_SECONDS

from wfctl.engine import operations
from wfctl.engine.store import database, instances, reads
from wfctl.engine.store.reading import open_reader
from wfctl.model.instance import StartRequest
from wfctl.model.status import Status

# So many that the indexes have several levels, and neighbours are seldom on one page.
BEFORE = 3000
MEASURED = 60
# A frame of the log: a page and its header (https://www.sqlite.org/walformat.html).
FRAME = 4096 + 24
FIRST_FRAME = 32

PAGES = {"start": 6, "step": 2, "end": 5}
STATEMENTS = {"start": 5, "step": 4, "end": 5}
BYTES = {1: 800, 5: 2000}


def frames(log: Path) -> int:
    """Return the number of frames in the log, behind which the owner keeps room: those with the salts of its header."""
    content = log.read_bytes()
    salts = content[16:24]
    count = 0
    while content[(at := FIRST_FRAME + count * FRAME + 8) : at + 8] == salts:
        count += 1
    return count


class Chains:
    """A store with chains of activities, each of which runs when it is let."""

    def __init__(self, folder: Path) -> None:
        self.rig = Rig(folder)
        self.let = threading.Semaphore(0)
        self.runs = threading.Semaphore(0)
        self.statements: list[str] = []
        self._ended = 0

        @self.rig.workflow
        def Chain(ctx, steps):
            result = 0
            for _ in range(steps):
                result = yield ctx.call_activity("step", input=result)
            return result

        @self.rig.activity
        def step(ctx, value):
            self.runs.release()
            assert self.let.acquire(timeout=LIMIT_SECONDS)
            return value + 1

        self.engine = self.rig.own()

    def own_again(self) -> None:
        """Leave the store, and own it again: with an empty log, which grows for a long time."""
        self.rig.leave()
        self.engine = self.rig.own()
        self._ended = 0

    def fill(self, count: int, steps: int) -> None:
        """Have so many chains run to their end."""
        self.let.release(count * steps)
        request = StartRequest("Chain", None, str(steps))
        futures = [self.engine.submit(lambda unit: operations.start(unit, request)) for _ in range(count)]
        for future in futures:
            future.result(LIMIT_SECONDS)
        self.wait(count)
        for _ in range(count * steps):
            self.runs.acquire()

    def wait(self, count: int) -> None:
        self._ended += count
        self.rig.until(lambda: self.engine.completions().get(Status.COMPLETED, 0) == self._ended)

    def trace(self, called: Callable[[str], None] | None) -> None:
        self.rig.do(lambda unit: unit.store.set_trace_callback(called))

    def start(self) -> None:
        self.rig.do(lambda unit: operations.start(unit, StartRequest("Chain", None, "2")))
        assert self.runs.acquire(timeout=LIMIT_SECONDS)

    def step(self) -> None:
        self.let.release()
        assert self.runs.acquire(timeout=LIMIT_SECONDS)

    def end(self) -> None:
        self.let.release()
        self.wait(1)


@pytest.fixture
def chains(tmp_path: Path) -> Iterator[Chains]:
    chains = Chains(tmp_path)
    yield chains
    chains.let.release(10)
    chains.rig.close()


def test_pages_and_statements_of_a_start_a_step_and_an_end(chains: Chains) -> None:
    chains.fill(BEFORE, 1)
    chains.own_again()
    log = Path(f"{chains.rig.store}-wal")
    pages: dict[str, list[int]] = {kind: [] for kind in PAGES}
    statements: dict[str, list[int]] = {kind: [] for kind in STATEMENTS}
    seen: list[str] = []
    chains.trace(seen.append)
    for _ in range(MEASURED):
        for kind, run in (("start", chains.start), ("step", chains.step), ("end", chains.end)):
            before, first = frames(log), len(seen)
            run()
            pages[kind].append(frames(log) - before)
            done = seen[first:]
            assert done.count("COMMIT") == 1, (kind, done)
            # Between two transactions the engine looks whether others have written, as often as it has time to.
            statements[kind].append(done.index("COMMIT") - done.index("BEGIN IMMEDIATE") + 1)
    assert {kind: statistics.median(each) for kind, each in pages.items()} == PAGES
    assert {kind: statistics.median(each) for kind, each in statements.items()} == STATEMENTS
    means = {kind: statistics.mean(each) - PAGES[kind] for kind, each in pages.items()}
    assert max(means.values()) < 2, f"splits of pages, which are due now and then: {means}"


@pytest.mark.parametrize("steps", sorted(BYTES))
def test_bytes_of_a_finished_instance(chains: Chains, steps: int) -> None:
    chains.fill(2000, steps)
    chains.rig.leave()
    db = database.open_store(chains.rig.store)
    (kept,) = db.execute("SELECT count(*) FROM instances WHERE completed_at IS NOT NULL").fetchone()
    database.checkpoint(db)
    db.close()
    assert kept == 2000
    assert chains.rig.store.stat().st_size / kept < BYTES[steps]


@pytest.mark.parametrize("apps", [None, ("",)])
@pytest.mark.parametrize("payloads", [False, True])
def test_one_statement_reads_an_instance_that_has_ended(
    chains: Chains, apps: tuple[str, ...] | None, payloads: bool
) -> None:
    chains.fill(1, 2)
    db = open_reader(chains.rig.store)
    (instance_id,) = db.execute("SELECT id FROM instances").fetchone()
    seen: list[str] = []
    db.set_trace_callback(seen.append)
    found = reads.get(db, instance_id, payloads=payloads, driven=True, apps=apps)
    assert len(seen) == 1, seen
    assert (
        found
        == reads.of_rows(
            db,
            {instance_id: instances.find_all(db, [instance_id])[instance_id]},
            payloads=payloads,
            driven=True,
            waiting=True,
        )[instance_id]
    ), "as where it is one of many"
    db.close()
