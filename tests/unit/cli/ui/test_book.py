"""The instances behind the table: how often a target is asked for what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

pytest.importorskip("textual")

from wfctl.cli.ui.book import SCAN_SECONDS, SidecarBook, StoreBook, in_order, order_words
from wfctl.errors import NotFound
from wfctl.model.instance import Filter, Instance
from wfctl.model.matching import after, matches, ordered
from wfctl.model.status import Status

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


class Target:
    """As much of the port as a table asks, with a note of what it was asked for."""

    def __init__(self, count: int) -> None:
        self.instances = [
            Instance(f"i{number:04}", "Flow", Status.COMPLETED, NOW + timedelta(seconds=number))
            for number in range(count)
        ]
        self.instances[-1] = replace(self.instances[-1], status=Status.RUNNING)
        self.asked: list[Filter] = []
        self.got: list[str] = []

    def list(self, filter: Filter, **options: Any) -> Iterator[Instance]:
        self.asked.append(filter)
        rows = ordered(filter, (one for one in self.instances if matches(filter, one)))
        if filter.after is not None:
            last = [one for one in self.instances if one.id == filter.after]
            if not last:
                raise NotFound("gone")
            rows = after(rows, last[0], filter)
        return iter(rows[: filter.limit])

    def get(self, instance_id: str) -> Instance:
        self.got.append(instance_id)
        return next(one for one in self.instances if one.id == instance_id)


class Links:
    def __init__(self, target: Target) -> None:
        self._target = target
        self.look = self.scan = self

    async def ask(self, call: Callable[[Any], Any]) -> Any:
        return call(self._target)


def test_a_store_is_asked_for_pages_alone() -> None:
    target = Target(1000)
    links: Any = Links(target)
    book = StoreBook()
    book.show(Filter())

    async def go() -> list[str]:
        seen: dict[str, None] = {}
        await book.look(links, 10, NOW)
        while book.below:
            seen.update((one.id, None) for one in book.rows)
            await book.move(links, 10, True, False)
        seen.update((one.id, None) for one in book.rows)
        return [*seen]

    seen = asyncio.run(go())
    assert seen == [one.id for one in reversed(target.instances)]
    assert max(filter.limit or 10**6 for filter in target.asked) <= 31


def test_back_to_the_top_from_the_very_end() -> None:
    target = Target(100)
    links: Any = Links(target)
    book = StoreBook()
    book.show(Filter())

    async def go() -> None:
        await book.look(links, 10, NOW)
        await book.move(links, 10, True, True)
        assert book.rows[-1].id == "i0000"
        assert book.above
        assert not book.below
        while book.above:
            await book.move(links, 10, False, False)
        assert book.rows[0].id == "i0099"

    asyncio.run(go())


def test_a_page_whose_beginning_was_purged_begins_at_the_top() -> None:
    target = Target(100)
    links: Any = Links(target)
    book = StoreBook()
    book.show(Filter())

    async def go() -> None:
        await book.look(links, 10, NOW)
        await book.move(links, 10, True, True)
        target.instances = target.instances[50:]
        await book.look(links, 10, NOW)
        assert book.rows[0].id == "i0099"

    asyncio.run(go())


def test_a_sidecar_is_scanned_once_in_half_a_minute_whatever_is_typed() -> None:
    target = Target(300)
    links: Any = Links(target)
    clock = [0.0]
    book = SidecarBook(lambda: clock[0])
    book.show(Filter())

    async def go() -> None:
        await book.look(links, 10, NOW)
        assert len(target.asked) == 1
        for prefix in ("i", "i0", "i01"):
            book.show(Filter(id_prefix=prefix))
            await book.look(links, 10, NOW)
            await book.tally(links, Filter(), NOW)
            assert all(one.id.startswith(prefix) for one in book.rows)
        assert len(target.asked) == 1
        assert len(target.got) <= 40, "what is in sight, and no more, is asked for by itself"
        clock[0] = SCAN_SECONDS - 1
        await book.tally(links, Filter(), NOW)
        assert len(target.asked) == 1
        assert book.state() == "all read 29s ago"
        clock[0] = SCAN_SECONDS
        await book.tally(links, Filter(), NOW)
        assert len(target.asked) == 2

    asyncio.run(go())


def test_what_is_live_and_in_sight_is_asked_for_again_and_the_rest_is_not() -> None:
    target = Target(30)
    links: Any = Links(target)
    book = SidecarBook(lambda: 0.0)
    book.show(Filter())

    async def go() -> None:
        for _ in range(3):
            await book.look(links, 5, NOW)
        assert target.got.count("i0029") == 3
        assert set(target.got) == {"i0029", "i0028", "i0027", "i0026", "i0025"}
        assert target.got.count("i0028") == 1
        target.instances[-1] = replace(target.instances[-1], status=Status.FAILED)
        await book.look(links, 5, NOW)
        assert book.rows[0].status is Status.FAILED

    asyncio.run(go())


def test_orders_and_their_options() -> None:
    assert order_words("newest") == []
    assert order_words("oldest") == ["--reverse"]
    assert order_words("finished") == ["--sort", "finished"]
    assert in_order(Filter(), "finished").finished_after is not None, "by the index of ends"
