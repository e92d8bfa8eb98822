"""Workers' answers wait for each other only while there is plenty to do."""

from __future__ import annotations

import asyncio

import pytest
from limits import LIMIT_SECONDS

pytest.importorskip("grpc", reason="needs the extra serve")

from wfctl.engine.execute.port import Delivery, LateTurn
from wfctl.gateway.workers.result_batching import BUSY, MOST, Batches


def key(answer: Delivery) -> int:
    assert isinstance(answer, LateTurn)
    return answer.key


def test_an_answer_goes_on_at_once_where_little_is_under_way() -> None:
    async def main() -> None:
        got: list[Delivery] = []
        batches = Batches(asyncio.get_running_loop(), got.append)
        batches.add(LateTurn(1, None, ()), held=BUSY - 1)
        assert [key(answer) for answer in got] == [1]

    asyncio.run(main())


def test_a_busy_workers_answers_go_together_and_in_order() -> None:
    async def main() -> None:
        got: list[Delivery] = []
        done = asyncio.Event()

        def deliver(answer: Delivery) -> None:
            got.append(answer)
            if len(got) == 3:
                done.set()

        batches = Batches(asyncio.get_running_loop(), deliver)
        for number in (1, 2, 3):
            batches.add(LateTurn(number, None, ()), held=BUSY)
        assert not got
        await asyncio.wait_for(done.wait(), LIMIT_SECONDS)
        assert [key(answer) for answer in got] == [1, 2, 3]
        # The last ones of a burst do not wait, and take those before them along.
        batches.add(LateTurn(4, None, ()), held=BUSY)
        batches.add(LateTurn(5, None, ()), held=0)
        assert [key(answer) for answer in got] == [1, 2, 3, 4, 5]

    asyncio.run(main())


def test_no_batch_grows_beyond_what_a_window_holds() -> None:
    async def main() -> None:
        got: list[Delivery] = []
        batches = Batches(asyncio.get_running_loop(), got.append)
        for number in range(MOST + 1):
            batches.add(LateTurn(number, None, ()), held=BUSY)
        assert len(got) == MOST
        batches.flush()
        assert len(got) == MOST + 1

    asyncio.run(main())
