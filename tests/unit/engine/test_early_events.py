"""External events that nobody waits for yet, as the store keeps them beside the histories."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_rig import Rig, inconsistencies


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)

    @rig.workflow
    def Waiter(ctx, _):
        yield ctx.wait_for_external_event("go")
        for _ in range(3):
            yield ctx.wait_for_external_event("a")
        yield ctx.wait_for_external_event("end")

    yield rig
    rig.close()


def stored(rig: Rig) -> list[str]:
    rig.settle()
    assert rig.look(inconsistencies) == []
    return rig.look(lambda db: [name for (name,) in db.execute("SELECT event FROM early_events ORDER BY rowid")])


def test_they_go_with_a_wait_for_their_name(rig: Rig) -> None:
    rig.own()
    rig.start("Waiter", "t1")
    rig.waits_for("t1", "go")
    for name in ("a", "b", "A", "b"):
        rig.raise_event("t1", name)
    assert stored(rig) == ["a", "b", "A", "b"]
    rig.raise_event("t1", "go")
    rig.waits_for("t1", "a")
    assert stored(rig) == ["b", "b"], "the code has read two of that name, and waits for a third"
    rig.raise_event("t1", "a")
    rig.waits_for("t1", "end")
    rig.raise_event("t1", "a")
    assert stored(rig) == ["b", "b", "a"]
    rig.leave()
    rig.own()
    rig.raise_event("t1", "b")
    assert sorted(stored(rig)) == ["a", "b", "b", "b"]
    rig.raise_event("t1", "END")
    rig.ended("t1")
    assert stored(rig) == []


def test_each_is_written_once(rig: Rig) -> None:
    engine = rig.own()
    rig.start("Waiter", "t1")
    rig.waits_for("t1", "go")
    rig.raise_event("t1", "a")
    rig.settle()
    engine.write(lambda unit, db: db.execute("UPDATE early_events SET event = 'written before'")).result()
    for name in ("a", "b"):
        rig.raise_event("t1", name)
    rig.settle()
    names = rig.look(lambda db: db.execute("SELECT event FROM early_events ORDER BY rowid").fetchall())
    assert names == [("written before",), ("a",), ("b",)]
