"""What the app logs: with the instance and the step that logged it, once, within bounds, and never in the way."""

from __future__ import annotations

import asyncio
import io
import logging
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from engine_rig import Rig
from limits import LIMIT_SECONDS

from wfctl.engine import log_buffer
from wfctl.engine.engine_thread import Engine
from wfctl.engine.execute.local import LocalExecutor
from wfctl.engine.execute.port import Logged
from wfctl.engine.store import logs, reads
from wfctl.model.logs import LogLine

log = logging.getLogger("shop")


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    own = rig.own

    def unconfigured(*arguments: Any, **options: Any) -> Engine:
        """Own the store without pytest's handlers, which look like an app that configures logging."""
        if not rig.engines:
            monkeypatch.setattr(logging.getLogger(), "handlers", [])
        return own(*arguments, **options)

    monkeypatch.setattr(rig, "own", unconfigured)

    @rig.activity
    def charge(ctx, value):
        log.info("charging %s", value)
        return value

    @rig.workflow
    def checkout(ctx, value):
        log.info("begun")
        yield ctx.call_activity("charge", input=value)
        yield ctx.wait_for_external_event("paid")
        log.info("paid")

    yield rig
    rig.close()


def lines(rig: Rig, instance_id: str, **options: object) -> list[LogLine]:
    given: dict[str, Any] = {"after": 0, "step": None, "level": 0, "limit": None, **options}
    found: list[LogLine] | None = rig.look(lambda db: reads.log_lines(db, instance_id, **given))
    assert found is not None
    return found


def texts(rig: Rig, instance_id: str, **options: object) -> list[tuple[str | None, str]]:
    return [(line.step, line.message) for line in lines(rig, instance_id, **options)]


def test_each_line_is_kept_with_its_step_and_a_replay_says_nothing_again(rig: Rig) -> None:
    rig.own()
    rig.start("checkout", "o1", "7")
    rig.waits_for("o1", "paid")
    rig.leave()
    expected: list[tuple[str | None, str]] = [(None, "begun"), ("charge", "charging 7")]
    assert texts(rig, "o1") == expected
    rig.own()  # replays the workflow's code
    rig.raise_event("o1", "paid")
    rig.ended("o1")
    rig.leave()
    assert texts(rig, "o1") == [*expected, (None, "paid")]
    first, second, *_ = lines(rig, "o1")
    assert (first.event_id, second.event_id, first.logger, first.level) == (None, 1, "shop", logging.INFO)
    assert texts(rig, "o1", step="charge") == [("charge", "charging 7")]
    assert texts(rig, "o1", step="workflow") == [(None, "begun"), (None, "paid")]
    assert texts(rig, "o1", limit=1) == [(None, "paid")]
    assert texts(rig, "o1", after=first.row)[0] == ("charge", "charging 7")
    assert texts(rig, "o1", level=logging.WARNING) == []


def test_they_are_there_while_the_activity_still_runs(rig: Rig) -> None:
    gate = threading.Event()

    @rig.activity
    def slow(ctx, _):
        log.info("half")
        gate.wait(LIMIT_SECONDS)

    @rig.workflow
    def waits(ctx, _):
        yield ctx.call_activity("slow")

    rig.own()
    rig.start("waits", "w")
    rig.until(lambda: texts(rig, "w") == [("slow", "half")])
    gate.set()
    rig.ended("w")


def test_from_threads_and_async_activities(rig: Rig) -> None:
    @rig.activity
    def threads(ctx, _):
        thread = threading.Thread(target=lambda: log.info("thread"))
        thread.start()
        thread.join()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(log.info, "pool").result()

    @rig.activity
    async def awaits(ctx, name):
        await asyncio.sleep(0)
        log.info(name)
        await asyncio.to_thread(log.info, f"{name} in a thread")

    @rig.workflow
    def both(ctx, _):
        yield ctx.call_activity("threads")
        yield ctx.call_activity("awaits", input=ctx.instance_id)

    rig.own()
    for one in ("a", "b"):
        rig.start("both", one)
    for one in ("a", "b"):
        rig.ended(one)
    rig.leave()
    for one in ("a", "b"):
        assert texts(rig, one) == [
            ("threads", "thread"),
            ("threads", "pool"),
            ("awaits", one),
            ("awaits", f"{one} in a thread"),
        ]


def test_a_thread_that_outlives_its_step_is_none_of_it(rig: Rig) -> None:
    over, said = threading.Event(), threading.Event()

    def later() -> None:
        over.wait(LIMIT_SECONDS)
        log.info("late")
        said.set()

    @rig.activity
    def starts(ctx, _):
        threading.Thread(target=later, daemon=True).start()

    @rig.workflow
    def one(ctx, _):
        yield ctx.call_activity("starts")

    rig.own()
    rig.start("one", "o")
    rig.ended("o")
    over.set()
    assert said.wait(LIMIT_SECONDS)
    rig.leave()
    assert texts(rig, "o") == []


def test_tracebacks_odd_messages_and_long_ones(rig: Rig) -> None:
    @rig.activity
    def odd(ctx, _):
        try:
            raise ValueError("boom")
        except ValueError:
            log.exception("it failed")
        log.info("%d", "no number")
        log.info("\ud800")
        log.info("x" * 100_000)

    @rig.workflow
    def says(ctx, _):
        yield ctx.call_activity("odd")

    rig.own()
    rig.start("says", "s")
    rig.ended("s")
    rig.leave()
    first, second, third, fourth = (line.message for line in lines(rig, "s"))
    assert first.startswith("it failed\nTraceback")
    assert first.endswith("ValueError: boom")
    assert "no number" in second
    assert third == "\\ud800"
    assert len(fourth) == logs.MOST_IN_A_LINE


def test_of_one_instance_the_latest_lines_are_kept(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MOST_LINES", 50)
    monkeypatch.setattr(log_buffer, "TRIM_LINES", 10)

    @rig.activity
    def talks(ctx, many):
        for number in range(many):
            log.info("%d", number)

    @rig.workflow
    def chatter(ctx, many):
        for _ in range(3):
            yield ctx.call_activity("talks", input=many)

    rig.own()
    rig.start("chatter", "c", "100")
    rig.ended("c")
    rig.leave()
    kept = [line.message for line in lines(rig, "c")]
    assert 50 <= len(kept) <= 50 + 110
    assert kept[-50:] == [str(number) for number in range(50, 100)]


def test_purge_deletes_them(rig: Rig) -> None:
    rig.own()
    rig.start("checkout", "o1", "7")
    rig.waits_for("o1", "paid")
    rig.do(lambda unit: unit.delete([rig.key("o1")]))
    rig.leave()
    assert rig.look(lambda db: db.execute("SELECT count(*) FROM logs").fetchone()) == (0,)


def test_a_line_that_cannot_be_written_fails_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(db: sqlite3.Connection, some: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(logs, "put", broken)
    rig.own()
    rig.start("checkout", "o1", "7")
    rig.waits_for("o1", "paid")
    rig.raise_event("o1", "paid")
    rig.ended("o1")


def test_lines_of_a_rolled_back_transaction_are_written_with_the_next(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = rig.own()
    flush, failed = engine._store._dispatcher.flush, threading.Event()

    def failing() -> None:
        flush()
        charged = any("charging" in line.message for _, line in engine._logs._waiting)
        if charged and not failed.is_set():
            failed.set()
            engine._logs.write(engine._store.db)
            engine._store.db.execute("INSERT INTO no_such_table VALUES (1)")

    monkeypatch.setattr(engine._store._dispatcher, "flush", failing)
    rig.start("checkout", "o1", "7")
    rig.waits_for("o1", "paid")
    rig.leave()
    assert failed.is_set()
    assert ("charge", "charging 7") in texts(rig, "o1")


class TestTheAppsOwnLogging:
    def test_is_left_alone_and_what_it_shows_is_not_shown_twice(self, rig: Rig) -> None:
        stream = io.StringIO()
        handler = logging.StreamHandler(stream)
        root = logging.getLogger()
        root.handlers[:] = [handler]
        level = root.level
        root.setLevel(logging.INFO)
        try:
            found: list[Logged] = []
            Rig.own(rig, on_log=found.append)
            rig.start("checkout", "o1", "7")
            rig.waits_for("o1", "paid")
            assert [logged.shown for logged in found] == [True, True]
            rig.leave()
        finally:
            root.handlers[:] = []
            root.setLevel(level)
        assert stream.getvalue() == "begun\ncharging 7\n"

    def test_without_any_the_level_is_info_while_the_engine_runs(self, rig: Rig) -> None:
        root = logging.getLogger()
        found: list[Logged] = []
        rig.own(on_log=found.append)
        rig.start("checkout", "o1", "7")
        rig.waits_for("o1", "paid")
        assert [(one.instance_id, one.shown) for one in found] == [("o1", False)] * 2
        rig.leave()
        assert (root.handlers, root.level) == ([], logging.WARNING)


def test_an_engine_that_does_not_get_the_store_leaves_logging_alone(rig: Rig) -> None:
    rig.own()
    root = logging.getLogger()
    before = list(root.handlers), root.level
    second = Engine(rig.store, lambda deliver: LocalExecutor(rig.registry, deliver))
    assert not second.start(None)
    assert (root.handlers, root.level) == before
