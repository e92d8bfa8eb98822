"""`wfctl export`: what is in the bundle, where it goes, and what it says."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from harness import Cli, Outcome

from wfctl.bundle import Exported, read_bundle


def bundle(text: str) -> dict[str, Exported]:
    return {one.id: one for one in read_bundle(io.BytesIO(text.encode()), "stdout")}


@pytest.fixture
def started(cli: Cli, app: Path) -> Path:
    cli("start", "Parent", "--id", "parent", "--input", '{"child": "child"}')
    cli("start", "Broken", "--id", "broken", "--input", '{"card": "4111 1111"}')
    cli("start", "Echo", "--id", "echo", "--input", '"hello"')
    return app


def test_all_in_the_order_of_creation(cli: Cli, started: Path) -> None:
    result = cli("export", "--to", "-")
    assert (result.status, result.err) == (0, "")
    found = bundle(result.out)
    assert list(found) == ["parent", "child", "broken", "echo"]
    assert found["child"].instance.parent_id == "parent"
    assert found["echo"].instance.output == '"hello"'
    failure = found["broken"].instance.failure
    assert failure is not None
    assert failure.inner is not None
    assert failure.inner.stack_trace
    steps = cli("history", "echo", "-o", "json").json
    assert [type(event).__name__ for event in found["echo"].history] == [step["type"] for step in steps]


@pytest.mark.parametrize(
    ("argv", "ids"),
    [
        (["echo"], ["echo"]),
        (["echo", "broken"], ["broken", "echo"]),
        (["child"], ["parent", "child"]),
        (["child", "--no-recursive"], ["child"]),
        (["--status", "FAILED"], ["broken"]),
        (["--waiting-event", "approval"], ["parent", "child"]),
        (["--stuck", "1h"], []),
        (["--retrying"], []),
    ],
)
def test_which(cli: Cli, started: Path, argv: list[str], ids: list[str]) -> None:
    result = cli("export", *argv)
    assert result.status == 0
    assert list(bundle(result.out)) == ids
    assert bool(result.err) is not bool(ids)


def test_to_a_file(cli: Cli, started: Path) -> None:
    result = cli("export", "--to", "all.jsonl")
    assert (result.status, result.out, result.err) == (0, "", "wrote all.jsonl: 4 instances\n")
    assert cli("export", "--to", "all.jsonl").status == 4
    result = cli("export", "echo", "--to", "all.jsonl", "--force", "-o", "json")
    assert result.json == {"file": "all.jsonl", "instances": 1, "kept": 0}
    assert list(bundle((started / "all.jsonl").read_text())) == ["echo"]


def test_resumed(cli: Cli, started: Path) -> None:
    cli("export", "broken", "echo", "--to", "all.jsonl")
    whole = (started / "all.jsonl").read_bytes()
    (started / "all.jsonl").unlink()
    (started / "all.jsonl.part").write_bytes(whole[:-200])
    result = cli("export", "broken", "echo", "--to", "all.jsonl", "--resume")
    assert result.err == "wrote all.jsonl: 2 instances, 1 of them from before\n"
    assert (started / "all.jsonl").read_bytes() == whole


def test_interrupted_it_says_how_to_go_on(cli: Cli, started: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wfctl.bundle.destination import Destination

    def stop(self: Destination) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Destination, "finish", stop)
        result = cli("export", "--to", "all.jsonl")
    assert result.status == 130
    assert "interrupted: 4 instances are in all.jsonl.part" in result.err
    assert "wfctl export --to all.jsonl --resume" in result.err
    assert cli("export", "--to", "all.jsonl", "--resume").status == 0


def test_redacted(cli: Cli, started: Path) -> None:
    result = cli("export", "--redact", "$.card", "--redact", "$.typo")
    assert "4111" not in result.out
    assert result.err == "warning: no payload has anything at $.typo\n"
    assert json.loads(result.out.splitlines()[0])["redacted"] == ["$.card", "$.typo"]
    result = cli("export", "--redact-all")
    assert "hello" not in result.out
    assert list(bundle(result.out)) == ["parent", "child", "broken", "echo"]


@pytest.mark.parametrize(
    ("argv", "status", "says"),
    [
        (["nosuch"], 3, "there is no instance 'nosuch'"),
        (["echo", "nosuch", "--to", "b.jsonl"], 3, "there is no instance 'nosuch'"),
        (["echo", "--status", "FAILED"], 2, "exclude each other"),
        (["--resume"], 2, "--resume is for --to"),
        (["--force"], 2, "--force is for --to"),
        (["--to", ""], 2, "--to is empty"),
        (["-o", "yaml"], 2, "a bundle is JSON lines"),
        (["--redact", "$.a["], 2, "is not a path"),
        (["--redact", "$.a", "--redact-all"], 2, "leaves nothing"),
        (["--to", "nosuch/b.jsonl"], 2, "there is no folder"),
    ],
)
def test_refused(cli: Cli, started: Path, argv: list[str], status: int, says: str) -> None:
    before = sorted(started.iterdir())
    result: Outcome = cli("export", *argv)
    assert (result.status, result.out) == (status, "")
    assert says in result.err
    assert sorted(started.iterdir()) == before


def test_without_a_store_there_is_nothing(cli: Cli, app: Path) -> None:
    result = cli("export")
    assert (result.status, len(result.out.splitlines())) == (0, 2)
    assert cli("export", "x").status == 3
