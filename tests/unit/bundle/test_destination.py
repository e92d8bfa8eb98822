"""A bundle's file: never over another, never through a link, resumed behind the last whole instance."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from bundles import HEADER, finished, read, written

from wfctl.bundle import Exported
from wfctl.bundle.destination import Destination
from wfctl.errors import Conflict, InvalidInput, StoreError
from wfctl.files import lock_alone
from wfctl.model.status import Status

ALL = [finished("a"), finished("b"), finished("c")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "b.jsonl"


def part(file: Path) -> Path:
    return file.with_name("b.jsonl.part")


def export(file: Path, all_of_them: list[Exported], *, force: bool = False, resume: bool = False) -> int:
    destination = Destination(file, HEADER, force=force, resume=resume)
    for one in all_of_them:
        destination.add(one)
    destination.finish()
    destination.close()
    return destination.kept


def test_what_is_no_ordinary_file_is_never_replaced(file: Path) -> None:
    os.mkfifo(file)  # as /dev/null, which root could replace
    for force in (False, True):
        with pytest.raises(InvalidInput, match="no ordinary file"):
            Destination(file, HEADER, force=force)
    assert file.is_fifo()


def test_the_file_is_its_owners_and_there_when_it_is_whole(file: Path) -> None:
    destination = Destination(file, HEADER)
    destination.add(ALL[0])
    assert not file.exists()
    destination.finish()
    assert read(file.read_bytes()) == ALL[:1]
    assert file.stat().st_mode & 0o777 == 0o600
    assert not part(file).exists()


def test_no_file_is_written_over(file: Path) -> None:
    file.write_text("mine")
    with pytest.raises(Conflict, match="exists"):
        export(file, ALL)
    assert file.read_text() == "mine"
    export(file, ALL, force=True)
    assert read(file.read_bytes()) == ALL


def test_a_file_that_comes_meanwhile_is_not_written_over(file: Path) -> None:
    destination = Destination(file, HEADER)
    file.write_text("mine")
    with pytest.raises(Conflict, match="exists"):
        destination.finish()
    assert file.read_text() == "mine"


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_no_link_is_followed(file: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    part(file).symlink_to(victim)
    for force, resume in ((False, False), (True, False), (False, True), (True, True)):
        with pytest.raises(Conflict):
            export(file, ALL, force=force, resume=resume)
    part(file).unlink()
    os.link(victim, part(file))
    for force, resume in ((True, False), (False, True)):
        with pytest.raises(Conflict, match="not a file of yours alone"):
            export(file, ALL, force=force, resume=resume)
    part(file).unlink()
    file.symlink_to(victim)
    with pytest.raises(Conflict, match="exists"):
        export(file, ALL)
    export(file, ALL, force=True)
    assert victim.read_text() == "precious"
    assert not file.is_symlink()


def test_places_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is a folder"):
        export(tmp_path, ALL)
    with pytest.raises(InvalidInput, match="there is no folder"):
        export(tmp_path / "nosuch" / "b.jsonl", ALL)
    if os.name == "posix" and os.geteuid():
        tmp_path.chmod(0o500)
        with pytest.raises(StoreError, match="cannot write"):
            export(tmp_path / "b.jsonl", ALL)


def test_resumed_after_a_stop_anywhere(file: Path) -> None:
    whole = written(*ALL)
    for size in range(0, len(whole) + 1, 61):
        part(file).write_bytes(whole[:size])
        kept = export(file, ALL, resume=True)
        assert kept == max(0, min(3, whole[:size].count(b"\n") - 1))
        assert file.read_bytes() == whole
        file.unlink()


def test_what_was_live_then_is_written_anew(file: Path) -> None:
    live = replace(ALL[1], instance=replace(ALL[1].instance, status=Status.RUNNING))
    part(file).write_bytes(written(ALL[0], live, ALL[2]))
    assert export(file, ALL, resume=True) == 1
    assert read(file.read_bytes()) == ALL


def test_a_part_is_not_begun_anew_unasked(file: Path) -> None:
    part(file).write_bytes(written(*ALL)[:-5])
    with pytest.raises(Conflict, match="was interrupted, or is under way"):
        export(file, ALL)
    part(file).write_bytes(written(*ALL, header=replace(HEADER, redacted=()))[:-5])
    with pytest.raises(Conflict, match="with another --redact"):
        export(file, ALL, resume=True)
    assert export(file, ALL, force=True) == 0


def test_two_exports_do_not_write_one_part(file: Path) -> None:
    pytest.importorskip("fcntl")
    part(file).write_bytes(written(*ALL)[:-5])
    with part(file).open("rb") as other:
        assert lock_alone(other)
        for force, resume in ((True, False), (False, True)):
            with pytest.raises(Conflict, match="another export writes"):
                export(file, ALL, force=force, resume=resume)


def test_nothing_is_left_of_an_export_that_wrote_nothing(file: Path) -> None:
    Destination(file, HEADER).close()
    assert list(file.parent.iterdir()) == []
