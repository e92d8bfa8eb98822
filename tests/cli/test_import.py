"""`wfctl import`: what is in the store afterwards, and what it says."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from harness import Cli, Outcome, Stream

from wfctl.cli.main import main
from wfctl.engine.engine_thread import Engine
from wfctl.engine.execute.local import LocalExecutor
from wfctl.workflow.loading.app import load_app


@pytest.fixture
def bundle(cli: Cli, app: Path) -> Path:
    cli("start", "Parent", "--id", "parent", "--input", '{"child": "child"}')
    cli("start", "Broken", "--id", "broken", "--input", '"x"')
    cli("start", "Echo", "--id", "echo", "--input", '"hello"')
    cli("rerun", "echo")
    cli("export", "--to", "all.jsonl")
    return app / "all.jsonl"


def test_finished_as_they_were_and_live_ones_paused(cli: Cli, bundle: Path) -> None:
    result = cli("import", "all.jsonl", "--store", "desk.db")
    assert (result.status, result.out) == (0, "")
    assert result.err == (
        "imported 5 instances\n2 of them had not ended: they are paused, and wfctl resume continues them\n"
    )
    same = ["echo", "echo-rerun-1", "broken"]
    there = cli("get", *same, "-o", "json", "--store", "desk.db").json
    assert there == cli("get", *same, "-o", "json").json
    listed = cli("list", "-o", "id", "--store", "desk.db").out
    assert listed == cli("list", "-o", "id").out
    assert cli("logs", "broken", "--store", "desk.db").out == cli("logs", "broken").out
    result = cli("run", "--store", "desk.db")
    assert "0 instances ended, 2 live" in result.out + result.err
    cli("resume", "parent", "child", "--store", "desk.db")
    cli("raise-event", "child", "approval", "--data", '"yes"', "--store", "desk.db")
    assert cli("result", "parent", "--store", "desk.db").out == "yes\n"


def test_exported_again_it_is_the_same_bundle(cli: Cli, bundle: Path) -> None:
    cli("import", "all.jsonl", "--store", "desk.db")
    cli("export", "--to", "desk.jsonl", "--store", "desk.db")
    cli("import", "desk.jsonl", "--store", "other.db")
    cli("export", "--to", "other.jsonl", "--store", "other.db")
    first, second, third = (
        [json.loads(line) for line in Path(name).read_text().splitlines()[1:-1]]
        for name in ("all.jsonl", "desk.jsonl", "other.jsonl")
    )
    assert second == third
    ended = [one for one in second if one["runtimeStatus"] in ("COMPLETED", "FAILED")]
    assert len(ended) == 3
    assert ended == [one for one in first if one["instanceID"] not in ("parent", "child")]


def test_ids_that_are_in_use(cli: Cli, bundle: Path) -> None:
    result = cli("import", "all.jsonl")
    assert result.status == 4
    assert "5 IDs are in use in this store already: 'parent', 'child', 'broken', ...; nothing" in result.err
    result = cli("import", "all.jsonl", "--prefix", "desk-", "-o", "json")
    assert result.json == {
        "file": "all.jsonl",
        "store": str(bundle.parent / "store.db"),
        "instances": 5,
        "paused": 2,
    }
    shown = cli("get", "desk-echo", "-o", "json").json
    assert shown["rerunAs"] == ["desk-echo-rerun-1"]
    assert cli("get", "desk-child", "-o", "json").json["parentInstanceID"] == "desk-parent"


def test_from_a_pipe(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(text: bytes) -> Outcome:
        out, err = Stream(False), Stream(False)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            return Outcome(main(["import", "-", "--store", "desk.db"]), out.getvalue(), err.getvalue())

    text = bundle.read_bytes()
    cut = run(text[:-1])
    assert cut.status == 2
    assert "stdin, line 7: the bundle is cut off in the middle of this line" in cut.err
    assert not Path("desk.db").exists()
    assert run(text).status == 0


@pytest.mark.parametrize(
    ("argv", "status", "says"),
    [
        (["nosuch.jsonl"], 2, "nosuch.jsonl cannot be read: No such file"),
        (["app.py"], 2, "app.py, line 1: this is no bundle"),
        (["."], 2, ". cannot be read"),
        (["all.jsonl", "--prefix", "a\nb"], 2, "cannot begin an instance ID"),
        (["all.jsonl", "--target", "http://127.0.0.1:1"], 5, "the embedded engine only"),
        (["all.jsonl", "--store", "app.py"], 5, "is not a wfctl store"),
    ],
)
def test_refused(cli: Cli, bundle: Path, argv: list[str], status: int, says: str) -> None:
    result = cli("import", *argv)
    assert result.status == status
    assert says in result.err


def test_what_is_redacted_is_told(cli: Cli, bundle: Path) -> None:
    cli("export", "--redact-all", "--to", "redacted.jsonl")
    result = cli("import", "redacted.jsonl", "--store", "desk.db")
    assert result.status == 0
    assert "warning: their payloads are redacted" in result.err


def test_into_the_store_of_a_process_that_drives(cli: Cli, bundle: Path) -> None:
    """The owner takes no notice of what is paused, and goes on with it when it is resumed."""
    app = load_app("app.py", Path.cwd())
    engine = Engine(Path("driven.db"), lambda deliver: LocalExecutor(app.registry, deliver))
    assert engine.start(None)
    try:
        at = ("--store", "driven.db")
        assert cli("import", "all.jsonl", *at).status == 0
        assert cli("resume", "parent", "child", *at).err == "resumed parent\nresumed child\n2 resumed\n"
        assert cli("raise-event", "child", "approval", "--data", '"yes"', *at).status == 0
        assert cli("wait", "parent", *at).status == 0
        assert cli("result", "parent", *at).out == "yes\n"
    finally:
        engine.stop()
