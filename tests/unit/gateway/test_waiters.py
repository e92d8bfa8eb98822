"""Who waits for an instance is told by the commit that brings it so far, on whatever thread."""

from __future__ import annotations

import contextlib
import gc
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import Future
from typing import cast

import pytest

pytest.importorskip("uvicorn", reason="needs the extra serve")
from limits import LIMIT_SECONDS

from wfctl.engine.store.instances import Row
from wfctl.gateway.api_error import Trouble
from wfctl.gateway.promises import then
from wfctl.gateway.waiters import Waiters
from wfctl.model.status import Status


class Changed:
    def __init__(self, instance_id: str, status: Status) -> None:
        self.id = instance_id
        self.status = status


def change(waiters: Waiters, instance_id: str, status: Status) -> None:
    waiters.changed([cast(Row, Changed(instance_id, status))])


def ended(status: Status) -> bool:
    return status.terminal


def test_what_is_there_is_read_at_once() -> None:
    waiters = Waiters()
    assert waiters.wait("i1", ended, lambda: "done").result(0) == "done"
    assert "i1" not in waiters


def test_a_commit_is_told_to_those_who_wait_for_it() -> None:
    waiters = Waiters()
    store: dict[str, str] = {}
    first = waiters.wait("i1", ended, lambda: store.get("i1"))
    second = waiters.wait("i1", lambda status: True, lambda: "runs" if "i1" in store else None)
    other = waiters.wait("i2", ended, lambda: store.get("i2"))
    store["i1"] = "done"
    change(waiters, "i1", Status.RUNNING)
    assert not first.done()
    assert second.result(0) == "runs"
    thread = threading.Thread(target=change, args=(waiters, "i1", Status.COMPLETED))
    thread.start()
    assert first.result(LIMIT_SECONDS) == "done"
    thread.join(LIMIT_SECONDS)
    assert not other.done()
    assert "i1" not in waiters
    assert "i2" in waiters


def test_one_that_was_purged_in_between_is_waited_for() -> None:
    waiters = Waiters()
    store: dict[str, str] = {}
    waiting = waiters.wait("i1", ended, lambda: store.get("i1"))
    change(waiters, "i1", Status.COMPLETED)
    assert not waiting.done()
    store["i1"] = "done"
    change(waiters, "i1", Status.COMPLETED)
    assert waiting.result(0) == "done"


def test_what_cannot_be_read_is_an_error_of_the_one_who_waits() -> None:
    def broken() -> str:
        raise ValueError("cannot be read")

    waiters = Waiters()
    with pytest.raises(ValueError, match="cannot be read"):
        waiters.wait("i1", ended, broken).result(0)
    assert "i1" not in waiters


def test_who_gives_up_is_forgotten() -> None:
    waiters = Waiters()
    waiting: Future[str] = waiters.wait("i1", ended, lambda: None)
    answer = then(waiting, lambda done: str(done.result()))
    answer.cancel()
    assert waiting.cancelled()
    assert "i1" not in waiters
    change(waiters, "i1", Status.COMPLETED)


def test_a_server_that_stops_lets_everybody_go() -> None:
    waiters = Waiters()
    waiting = then(waiters.wait("i1", ended, lambda: None), lambda done: str(done.result()))
    waiters.close()
    with pytest.raises(Trouble):
        waiting.result(0)


def test_a_request_that_is_given_up_gives_up_its_answer() -> None:
    asked: Future[int] = Future()
    answer = then(asked, lambda done: done.result() + 1)
    asked.cancel()
    assert answer.cancelled()
    late: Future[int] = Future()
    answer = then(late, lambda done: done.result() + 1)
    late.set_result(1)
    assert answer.result(0) == 2


@contextlib.contextmanager
def without_search_for_cycles() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.parametrize("given_up", [False, True])
def test_what_is_over_leaves_no_cycles(given_up: bool) -> None:
    """They are looked for seldom in a server: thousands of answers would be kept until then."""
    waiters = Waiters()
    store: dict[str, str] = {}
    with without_search_for_cycles():
        waiting = waiters.wait("i1", ended, lambda: store.get("i1"))
        answer = then(waiting, lambda done: done.result())
        if given_up:
            answer.cancel()
        store["i1"] = "done"
        change(waiters, "i1", Status.COMPLETED)
        assert answer.done()
        left = weakref.ref(waiting), weakref.ref(answer)
        del waiting, answer
        assert [one() for one in left] == [None, None]
