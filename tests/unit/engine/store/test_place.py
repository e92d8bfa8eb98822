"""The files of a store are deleted, replaced or given a second name, while it is in use and before."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from engine_rig import Rig
from limits import LIMIT_SECONDS

from wfctl.client.embedded.workflows import open_embedded
from wfctl.engine import operations
from wfctl.engine.store import database
from wfctl.engine.store.place import Place, refuse_links
from wfctl.errors import StoreError, StoreGone
from wfctl.model.instance import Filter, StartRequest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows does not let go of a file that is open")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    folder = tmp_path / "folder"
    folder.mkdir()
    rig = Rig(folder)

    @rig.workflow
    def Wait(ctx, _):
        return (yield ctx.wait_for_external_event("go"))

    yield rig
    rig.close()


def deleted(store: Path) -> None:
    store.unlink()


def moved(store: Path) -> None:
    store.rename(store.with_name("elsewhere.db"))


def replaced(store: Path) -> None:
    other = store.with_name("other.db")
    database.open_store(other).close()
    os.replace(other, store)


def copied_over(store: Path) -> None:
    """As `mv` from another file system, or an editor, does it."""
    beside = store.with_name("copy.db")
    shutil.copy(store, beside)
    store.unlink()
    beside.rename(store)


def linked(store: Path) -> None:
    os.link(store, store.with_name("second.db"))


def without_its_folder(store: Path) -> None:
    shutil.rmtree(store.parent)


def without(suffix: str) -> Callable[[Path], None]:
    def remove(store: Path) -> None:
        Path(f"{store}{suffix}").unlink()

    return remove


HAPPENS = [
    pytest.param(deleted, "was deleted or moved", id="deleted"),
    pytest.param(moved, "was deleted or moved", id="moved"),
    pytest.param(without_its_folder, "was deleted or moved", id="folder"),
    pytest.param(replaced, "was replaced by another file", id="replaced"),
    pytest.param(copied_over, "was replaced by another file", id="copied"),
    pytest.param(linked, "has 2 names", id="linked"),
]
BESIDE = [
    pytest.param(without("-wal"), "store.db-wal, which belongs to the store", id="wal"),
    pytest.param(without("-shm"), "store.db-shm, which belongs to the store", id="shm"),
    pytest.param(without(".lock"), "store.db.lock, which belongs to the store", id="lock"),
]


@pytest.mark.parametrize(("happens", "words"), HAPPENS + BESIDE)
def test_an_idle_owner_notices_and_stops(rig: Rig, happens: Callable[[Path], None], words: str) -> None:
    engine = rig.own()
    rig.start("Wait", "w")
    rig.settle()
    happens(rig.store)
    assert engine._thread is not None
    engine._thread.join(LIMIT_SECONDS)
    assert not engine._thread.is_alive()
    assert isinstance(engine.error, StoreGone)
    assert words in engine.error.message
    with pytest.raises(StoreGone):
        engine.submit(lambda unit: operations.raise_event(unit, "w", "go", "1")).result(LIMIT_SECONDS)


@pytest.mark.parametrize(("happens", "words"), HAPPENS + BESIDE)
def test_nothing_is_acknowledged_from_then_on(
    rig: Rig, happens: Callable[[Path], None], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even when the request comes before the next regular look."""
    monkeypatch.setattr(Place, "look", lambda self: None)
    engine = rig.own()
    rig.start("Wait", "w")
    happens(rig.store)
    with pytest.raises(StoreGone) as refused:
        engine.submit(lambda unit: operations.start(unit, StartRequest("Wait", "lost"))).result(LIMIT_SECONDS)
    assert words in refused.value.message
    assert refused.value.exit_status == 5


def test_an_owner_of_untouched_files_goes_on(rig: Rig) -> None:
    engine = rig.own()
    rig.start("Wait", "w")
    database.open_store(rig.store).close()
    assert rig.look(lambda db: db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()) is not None
    rig.look(lambda db: db.execute("VACUUM"))
    cast(Place, engine._store._place).check()
    rig.raise_event("w", "go", "1")
    rig.ended("w")


@pytest.mark.parametrize(("happens", "words"), HAPPENS)
def test_a_command_that_reads_on_is_told(rig: Rig, happens: Callable[[Path], None], words: str) -> None:
    rig.own()
    rig.start("Wait", "w")
    rig.leave()
    command = open_embedded(rig.store, None, None, False, note=lambda line: None)
    try:
        assert [one.id for one in command.list(Filter())] == ["w"]
        happens(rig.store)
        for call in (
            lambda: list(command.list(Filter())),
            lambda: command.get("w"),
            lambda: command.changed(1.0),
            lambda: command.raise_event("w", "go"),
        ):
            with pytest.raises(StoreGone) as told:
                call()
            assert words in told.value.message
    finally:
        command.close()


class TestSeveralNames:
    def test_are_refused_under_each_of_them(self, rig: Rig) -> None:
        rig.own()
        rig.start("Wait", "w")
        rig.leave()
        linked(rig.store)
        before = rig.store.read_bytes()
        for name in ("store.db", "second.db"):
            with pytest.raises(StoreError) as refused:
                database.open_store(rig.store.with_name(name))
            assert "has 2 names (hard links)" in refused.value.message
            assert "-samefile" in (refused.value.hint or "")
        assert rig.store.read_bytes() == before
        rig.store.with_name("second.db").unlink()
        rig.own()
        rig.raise_event("w", "go", "1")
        assert rig.ended("w").output == "1"

    def test_a_symbolic_link_is_no_second_name(self, rig: Rig) -> None:
        rig.own()
        rig.leave()
        link = rig.store.with_name("link.db")
        link.symlink_to(rig.store)
        refuse_links(link)
        database.open_store(link).close()
