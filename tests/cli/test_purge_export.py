"""`wfctl purge --export`: nothing goes that does not lie on the disk as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Cli

from wfctl.bundle import read_bundle
from wfctl.cli.exporting import Kept
from wfctl.client.port import Workflows


def ids(file: Path) -> list[str]:
    with file.open("rb") as stream:
        return [one.id for one in read_bundle(stream, file.name)]


@pytest.fixture
def started(cli: Cli, app: Path) -> Path:
    cli("start", "Parent", "--id", "done", "--input", '{"child": "kid"}')
    cli("raise-event", "kid", "approval", "--data", "1")
    for name in ("one", "two"):
        cli("start", "Echo", "--id", name, "--input", f'"{name}"')
    cli("start", "Approval", "--id", "live")
    return app


def test_written_then_purged_and_brought_back(cli: Cli, started: Path) -> None:
    before = cli("get", "done", "kid", "one", "two", "-o", "json").json
    result = cli("purge", "--status", "COMPLETED", "--yes", "--export", "gone.jsonl")
    assert result.status == 0
    assert "wrote gone.jsonl: 4 instances\n" in result.err
    assert ids(started / "gone.jsonl") == ["done", "kid", "one", "two"]
    assert cli("list", "-o", "id").out == "live\n"
    assert cli("import", "gone.jsonl").status == 0
    assert cli("get", "done", "kid", "one", "two", "-o", "json").json == before


def test_each_id_with_its_children(cli: Cli, started: Path) -> None:
    result = cli("purge", "done", "nosuch", "live", "--export", "gone.jsonl")
    assert result.status == 7
    assert "there is no instance 'nosuch'" in result.err
    assert set(cli("list", "-o", "id").out.split()) == {"one", "two", "live"}
    assert set(ids(started / "gone.jsonl")) == {"done", "kid", "live"}
    assert cli("purge", "one", "--no-recursive", "--export", "one.jsonl").status == 0
    assert ids(started / "one.jsonl") == ["one"]


@pytest.mark.parametrize(
    ("argv", "status", "says"),
    [
        (["one", "--export", "taken"], 4, "taken exists"),
        (["one", "--export", "nosuch/b.jsonl"], 2, "there is no folder"),
        (["one", "--export", ""], 2, "--export is empty"),
        (["one", "--export", "b.jsonl", "--force"], 2, "keeps what has ended"),
        (["one", "--export", "b.jsonl", "--dry-run"], 0, "nothing was changed"),
        (["--status", "COMPLETED", "--export", "b.jsonl"], 8, "there is no terminal to ask"),
        (["nosuch", "--export", "b.jsonl"], 3, "there is no instance 'nosuch'"),
    ],
)
def test_what_is_not_written_is_not_purged(cli: Cli, started: Path, argv: list[str], status: int, says: str) -> None:
    (started / "taken").write_text("mine")
    result = cli("purge", *argv)
    assert result.status == status
    assert says in result.err
    assert len(cli("list", "-o", "id").out.split()) == 5
    assert not (started / "b.jsonl").exists() or argv[0] == "nosuch"
    assert (started / "taken").read_text() == "mine"


def test_what_has_changed_meanwhile_stays(cli: Cli, started: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Kept.write

    def slow(self: Kept, workflows: Workflows, ids: list[str]) -> None:
        write(self, workflows, ids)
        with monkeypatch.context() as patch:
            patch.setattr(Kept, "write", write)
            cli("purge", "one")
            cli("start", "Later", "--id", "one")
            cli("terminate", "one")

    monkeypatch.setattr(Kept, "write", slow)
    result = cli("purge", "one", "two", "--export", "gone.jsonl")
    assert result.status == 7
    assert "'one' has changed since it was written to gone.jsonl: it was not purged" in result.err
    assert set(cli("list", "-o", "id").out.split()) == {"done", "kid", "one", "live"}


def test_what_an_export_left_in_the_middle_is_written_anew(cli: Cli, started: Path) -> None:
    (started / "gone.jsonl.part").write_text("half")
    assert cli("purge", "one", "--export", "gone.jsonl").status == 0
    assert ids(started / "gone.jsonl") == ["one"]
