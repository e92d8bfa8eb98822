"""Empty answers: what is there instead, and where was looked."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Cli


@pytest.fixture
def two(cli: Cli, app: Path) -> None:
    cli("start", "Echo", "--id", "one")
    cli("start", "Echo", "--id", "two")


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("command", [["list"], ["list", "-o", "json"], ["count"], ["wait"], ["purge", "--yes"]])
@pytest.mark.parametrize(
    ("filter", "words"),
    [
        (["--id-prefix", "x"], "no instance matches (2 in "),
        (["--name", "Ecko"], "no workflow is named Ecko; did you mean Echo? (2 in "),
        (["--name", "Other"], "no workflow is named Other (2 in "),
        (["--name", "Echo", "--created-after", "2999-01-01T00:00:00Z"], "no instance matches (2 in "),
        (["--parent", "three"], "no instance is named three (2 in "),
    ],
)
def test_no_match(cli: Cli, command: list[str], filter: list[str], words: str) -> None:
    result = cli(command[0], *filter, *command[1:])
    assert result.status == 0
    assert result.err.startswith(words), result.err
    assert "store.db)\n" in result.err
    assert cli(command[0], *filter, *command[1:], "-q").err == ""


def test_no_store_and_why_this_target(cli: Cli, project: Path) -> None:
    lines = cli("list").err.splitlines()
    assert lines[0].startswith("no instances: there is no store yet at ")
    assert lines[1] == "  the target is automatic: no sidecar answers on 127.0.0.1:3500"
    named = cli("list", "--target", "embedded").err
    assert "automatic" not in named


@pytest.mark.usefixtures("two")
def test_an_emptied_store(cli: Cli) -> None:
    cli("purge", "one", "two")
    assert cli("list").err.startswith("no instances: there are none in ")


def test_where_an_instance_was_looked_for(cli: Cli, project: Path) -> None:
    found = cli("get", "absent")
    assert (found.status, "looked in " in found.err, "no sidecar answers" in found.err) == (3, True, True)
    (project / "wfctl.toml").write_text('target = "embedded"\nstore = "store.db"\n')
    assert "looked in" not in cli("get", "absent").err, "the user said where"


def test_the_shared_store_is_named(cli: Cli, project: Path) -> None:
    text = (
        "import dapr.ext.workflow as wf\nr = wf.WorkflowRuntime()\n@r.workflow(name='Echo')\ndef echo(c, x): return x\n"
    )
    (project / "app.py").write_text(text)
    told = "for all folders without a wfctl.toml"
    start = ("start", "Echo", "--id", "one", "--app", "app.py")
    assert told in cli(*start, err_tty=True).err
    assert told in cli("list", tty=True).err
    assert told not in cli("list", "--name", "Other", tty=True).err, "which names it already"
    assert told not in cli("list").err, "no line more for scripts"
    assert told not in cli("list", "-q", tty=True).err
    (project / "wfctl.toml").write_text('store = "store.db"\n')
    assert told not in cli("list", tty=True).err
