"""Verbs over several instances: IDs, stdin, filters; the question; what each instance came to."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import Ask, Cli, Outcome

from wfctl.cli.batch import run
from wfctl.client.embedded.workflows import EmbeddedWorkflows


@pytest.fixture
def three(cli: Cli, app: Path) -> None:
    for name in ("a", "b", "c"):
        cli("start", "Approval", "--id", name)


def statuses(cli: Cli) -> dict[str, str]:
    return {row["instanceID"]: row["runtimeStatus"] for row in cli("list", "-o", "json").json}


def outcomes(result: Outcome) -> list[tuple[str, str]]:
    return [(row["instanceID"], row["outcome"]) for row in map(json.loads, result.out.splitlines())]


@pytest.mark.parametrize("verb", ["pause", "resume", "terminate", "purge", "rerun"])
def test_neither_ids_nor_filter(cli: Cli, app: Path, verb: str) -> None:
    result = cli(verb)
    assert (result.status, result.out) == (2, "")
    assert "Neither an ID nor a filter" in result.err
    assert "--status" in result.err


def test_wrong_together(cli: Cli, app: Path) -> None:
    for argv, words in (
        (["pause", "a", "--status", "running"], "exclude each other"),
        (["pause", "a", "--max", "3"], "--max is for a filter"),
        (["pause", "--name", "X", "--max", "0"], "--max"),
        (["pause", "a", "--concurrency", "x"], "--concurrency"),
        (["purge", "--status", "RUNNING"], "cannot be purged"),
        (["resume", "--status", "FAILED"], "cannot be resumed"),
        (["terminate", "--created-before", "soon"], "neither a time nor an age"),
        (["raise-event", "a", "b", "go", "--status", "running"], "exclude each other"),
        (["raise-event", "-", "go", "--data", "-"], "stdin"),
        (["raise-event", "a", "b", "go", "--wait"], "--wait is for one instance"),
        (["rerun", "a", "b", "--new-id", "x"], "--new-id is for one instance"),
        (["rerun", "--status", "FAILED", "--plan"], "--plan is for one instance"),
    ):
        result = cli(*argv)
        assert (result.status, words in result.err) == (2, True), (argv, result.err)


def test_ids_from_stdin(cli: Cli, three: None) -> None:
    result = cli("pause", "-", "-o", "jsonl", stdin="a\n\n  b  \nnosuch\na\n")
    assert result.status == 7
    assert outcomes(result) == [("a", "done"), ("b", "done"), ("nosuch", "failed")]
    assert statuses(cli) == {"a": "SUSPENDED", "b": "SUSPENDED", "c": "RUNNING"}
    assert cli("resume", "-", stdin="b\n").status == 0
    nothing = cli("pause", "-", stdin="")
    assert (nothing.status, nothing.err) == (0, "no IDs, nothing to do\n")


def test_a_filter_acts_with_yes(cli: Cli, three: None) -> None:
    cli("pause", "b")
    result = cli("terminate", "--status", "running", "--name", "Approval", "--yes", "-o", "jsonl")
    assert (result.status, outcomes(result)) == (0, [("a", "done"), ("c", "done")])
    assert statuses(cli) == {"a": "TERMINATED", "b": "SUSPENDED", "c": "TERMINATED"}
    again = cli("terminate", "--status", "running", "--yes")
    assert (again.status, again.err.startswith("no instance matches (3 in ")) == (0, True)
    assert cli("terminate", "--status", "running", "--yes", "-o", "json").out == "[]\n"


def test_a_filter_without_a_terminal_is_refused(cli: Cli, three: None) -> None:
    result = cli("terminate", "--status", "running")
    assert (result.status, result.out) == (8, "")
    assert "--yes" in result.err
    assert set(statuses(cli).values()) == {"RUNNING"}
    assert cli("terminate", "--status", "running", "-o", "json").error["code"] == "refused"


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("YES\n", 0), ("n\n", 8), ("\n", 8), ("", 8), ("3\n", 8)])
def test_the_question(cli: Cli, three: None, ask: Ask, answer: str, status: int) -> None:
    result = ask(answer, "terminate", "--status", "running")
    assert result.status == status
    assert re.search(r"Terminate 3 Approval on embedded \(\S+\)\? \[y/N\] ", result.err)
    assert all(f"{name} Approval RUNNING" in result.err for name in "abc")
    assert set(statuses(cli).values()) == {"TERMINATED" if status == 0 else "RUNNING"}


def test_the_number_is_typed_above_a_hundred(cli: Cli, three: None, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wfctl.cli.batch.confirm.TYPE_IT", 2)
    monkeypatch.setattr("wfctl.cli.batch.confirm.SAMPLE", 1)
    result = ask("y\n", "pause", "--status", "running")
    assert result.status == 8
    assert "... and 2 more" in result.err
    assert "Pause 3 Approval on embedded" in result.err
    assert "Type 3 to go on: " in result.err
    assert ask("3\n", "pause", "--status", "running").status == 0


def test_dry_run(cli: Cli, three: None) -> None:
    cli("pause", "c")
    before = statuses(cli)
    result = cli("pause", "--name", "Approval", "--dry-run")
    assert (result.status, [line.split() for line in result.out.splitlines()]) == (
        0,
        [
            ["ID", "WORKFLOW", "STATUS", "OUTCOME", "DETAIL"],
            ["a", "Approval", "RUNNING", "planned"],
            ["b", "Approval", "RUNNING", "planned"],
        ],
    )
    assert "nothing was changed" in result.err
    named = cli("pause", "a", "c", "nosuch", "--dry-run", "-o", "jsonl")
    assert outcomes(named) == [("a", "planned"), ("c", "skipped"), ("nosuch", "failed")]
    assert named.status == 7
    assert cli("terminate", "--name", "Approval", "--dry-run", "-o", "id").out == "a\nb\nc\n"
    assert cli("raise-event", "a", "approval", "--dry-run").status == 0
    assert cli("rerun", "a", "--dry-run", "-o", "jsonl").json["reason"] == "it is RUNNING"
    assert cli("purge", "a", "--dry-run", "--force").status == 0
    assert statuses(cli) == before


def test_max_takes_the_oldest(cli: Cli, three: None) -> None:
    dry = cli("pause", "--name", "Approval", "--max", "2", "--dry-run")
    assert "more match than --max" in dry.err
    assert outcomes(cli("pause", "--name", "Approval", "--max", "2", "--yes", "-o", "jsonl")) == [
        ("a", "done"),
        ("b", "done"),
    ]
    assert statuses(cli)["c"] == "RUNNING"


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Have `act` happen between the question and what the answer allows."""
    confirm = run.confirm  # type: ignore[attr-defined]

    def confirmed(*args: Any) -> None:
        confirm(*args)
        monkeypatch.setattr(run, "confirm", confirm)
        act()

    monkeypatch.setattr(run, "confirm", confirmed)


def test_each_is_looked_at_again(cli: Cli, three: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the question and the act, one ends, one goes away."""
    meanwhile(monkeypatch, lambda: (cli("terminate", "b"), cli("purge", "c", "--force")))
    result = cli("pause", "--name", "Approval", "--yes", "-o", "jsonl")
    assert (result.status, outcomes(result)) == (0, [("a", "done"), ("b", "skipped"), ("c", "skipped")])
    assert [json.loads(line)["reason"] for line in result.out.splitlines()] == [
        None,
        "it is TERMINATED by now",
        "it is gone by now",
    ]


def test_skips_are_said(cli: Cli, three: None, monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile(monkeypatch, lambda: cli("terminate", "b"))
    result = cli("pause", "--name", "Approval", "--max", "2", "--yes")
    assert result.err == "paused a\nskipped b: it is TERMINATED by now\n1 paused, 1 skipped\n"


def failing(monkeypatch: pytest.MonkeyPatch, error: type[Exception], *ids: str) -> None:
    pause = EmbeddedWorkflows.pause

    def maybe(self: EmbeddedWorkflows, instance_id: str, *, reason: str | None = None) -> None:
        if instance_id in ids:
            raise error(f"no {instance_id}")
        pause(self, instance_id, reason=reason)

    monkeypatch.setattr(EmbeddedWorkflows, "pause", maybe)


def test_a_filter_stops_at_a_failure(cli: Cli, three: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from wfctl.errors import Unreachable, WrongState

    failing(monkeypatch, WrongState, "a")
    result = cli("pause", "--name", "Approval", "--yes", "-o", "jsonl")
    assert (result.status, outcomes(result)) == (7, [("a", "failed"), ("b", "not tried"), ("c", "not tried")])
    assert result.error["message"] == "1 of 3 failed, 2 not tried"
    assert "--continue-on-error" in result.error["hint"]
    result = cli("pause", "--name", "Approval", "--yes", "--continue-on-error", "-o", "jsonl")
    assert (result.status, outcomes(result)) == (7, [("a", "failed"), ("b", "done"), ("c", "done")])

    cli("resume", "b", "c")
    assert outcomes(cli("pause", "a", "b", "-o", "jsonl")) == [("a", "failed"), ("b", "done")]
    failing(monkeypatch, Unreachable, "a")
    assert outcomes(cli("pause", "a", "c", "-o", "jsonl")) == [("a", "failed"), ("c", "not tried")]


def test_children_go_with_their_parents(cli: Cli, app: Path) -> None:
    cli("start", "Parent", "--id", "p")
    cli("start", "Parent", "--id", "q")
    [child] = cli("list", "--parent", "p", "-o", "id").out.split()
    other = cli("list", "--parent", "q", "-o", "id").out.strip()

    result = cli("terminate", "--status", "running", "--yes", "-o", "jsonl")
    assert (result.status, sorted(outcomes(result))) == (
        0,
        sorted([("p", "done"), ("q", "done"), (child, "skipped"), (other, "skipped")]),
    )
    assert set(statuses(cli).values()) == {"TERMINATED"}
    for row in map(json.loads, cli("purge", "-", "-o", "jsonl", stdin=f"p\n{child}\n").out.splitlines()):
        assert (row["outcome"], row["count"], row["reason"]) in (
            ("done", 2, None),
            ("skipped", None, "it goes with p"),
        )
    assert list(statuses(cli)) == ["q", other] or list(statuses(cli)) == [other, "q"]
    alone = cli("purge", "--id-prefix", other, "--yes", "-o", "jsonl")
    assert json.loads(alone.out)["reason"] == "it is left to its parent q"
    assert outcomes(cli("purge", "--parent", "q", "--yes", "-o", "jsonl")) == [(other, "done")]
    assert outcomes(cli("purge", "--finished-before", "0s", "--yes", "-o", "jsonl")) == [("q", "done")]


def test_purge_counts_from_the_end(cli: Cli, three: None) -> None:
    cli("terminate", "a")
    assert cli("purge", "--finished-before", "1h", "--yes").err.startswith("no instance matches (")
    assert cli("purge", "--finished-before", "0s", "--yes").status == 0
    assert set(statuses(cli)) == {"b", "c"}


def test_events_for_several(cli: Cli, three: None) -> None:
    result = cli("raise-event", "a", "b", "approval", "--data", "1", "-o", "jsonl")
    assert outcomes(result) == [("a", "done"), ("b", "done")]
    refused = cli("raise-event", "approval", "--waiting-event", "Approval")
    assert refused.status == 8
    assert "Raise approval for 1 Approval on embedded (" in refused.err
    result = cli("raise-event", "approval", "--waiting-event", "Approval", "--data", "2", "--yes")
    assert (result.status, "raised approval for c" in result.err) == (0, True)
    assert cli("result", "c").out == "2\n"
    assert cli("raise-event", "a").status == 2
    assert cli("raise-event", "--name", "Approval").status == 2


def test_reruns_of_several(cli: Cli, app: Path) -> None:
    for name in ("x", "y"):
        cli("start", "Broken", "--id", name)
    result = cli("rerun", "--status", "FAILED", "--from-failed", "--yes", "-o", "jsonl")
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert [(row["instanceID"], row["outcome"]) for row in rows] == [("x", "done"), ("y", "done")]
    assert len({row["newInstanceID"] for row in rows} & set(statuses(cli))) == 2
    assert len(cli("rerun", "x", "y", "--again", "-o", "id").out.split()) == 2
    printed = cli("rerun", "x", "y", "--again")
    assert set(printed.out.split()) <= set(statuses(cli))


def test_a_long_batch_counts_at_a_terminal(cli: Cli, three: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wfctl.cli.batch.progress.FEW", 1)
    monkeypatch.setattr("wfctl.render.progress.FIRST", 0.0)
    monkeypatch.setattr("wfctl.render.progress.EVERY", 0.0)
    result = cli("pause", "a", "nosuch", "b", "--color", "never", err_tty=True)
    assert "1 of 3  1 paused" in result.err
    assert "paused a\n" not in result.err
    assert "no instance 'nosuch'" in result.err
    assert "\r\x1b[1A\x1b[2K" in result.err, "the bar goes"
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in cli("resume", "a", "b", err_tty=True).err


def test_wait_for_several(cli: Cli, three: None) -> None:
    cli("start", "Echo", "--id", "e")
    assert cli("wait").status == 2
    assert cli("wait", "e", "--name", "Echo").status == 2
    assert cli("wait", "--name", "Echo").status == 0
    assert [row["instanceID"] for row in cli("wait", "--name", "Echo", "-o", "json").json] == ["e"]
    assert cli("wait", "--name", "Approval", "--timeout", "50ms").status == 124
    assert cli("wait", "-", "--for", "event=approval", stdin="a\nb\n").status == 0
    nothing = cli("wait", "--name", "Nope", "-o", "json")
    assert (nothing.status, nothing.json) == (0, [])
    assert nothing.err.startswith("no workflow is named Nope")


def test_a_failure_of_one_is_told_once(cli: Cli) -> None:
    for result in (cli("purge", "-", stdin="nosuch\n"), cli("purge", "nosuch"), cli("purge", "nosuch", "nosuch")):
        assert result.status == 3
        assert result.err.count("no instance 'nosuch'") == 1
