import subprocess
import sys
from pathlib import Path

import pytest
from harness import APP, Cli
from limits import LIMIT_SECONDS


@pytest.fixture(autouse=True)
def instances(cli: Cli, app: Path) -> None:
    cli("start", "Echo", "--id", "done")
    cli("start", "Broken", "--id", "failed")
    cli("start", "Approval", "--id", "open")


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        (["done"], 0),
        (["failed"], 10),
        (["done", "failed"], 7),
        (["failed", "failed"], 10),
        (["done", "--for", "completed"], 0),
        (["failed", "--for", "failed"], 0),
        (["done", "--for", "failed"], 4),
        (["failed", "--for", "running"], 10),
        (["failed", "--for", "terminal"], 0),
        (["done", "failed", "--for", "terminal"], 0),
        (["open", "--for", "event=APPROVAL"], 0),
        (["open", "--for", "custom-status=ask"], 0),
        (["open", "--for", "custom-status=as?e[cd]"], 0),
        (["open", "--for", "custom-status=*ked"], 0),
        (["open", "--for", "custom-status=sk?", "--timeout", "0s"], 124),
        (["open", "--for", "custom-status=ASKED", "--timeout", "0s"], 124),
        (["open", "--for", "custom-status=^ask", "--timeout", "0s"], 124),
        (["open", "--for", "running"], 0),
        (["open", "done", "--any"], 0),
        (["open", "failed", "--any", "--timeout", "50ms"], 124),
        (["open", "done", "--all", "--timeout", "50ms"], 124),
        (["open", "--for", "event=other", "--timeout", "50ms"], 124),
        (["open", "--timeout", "0s"], 124),
        (["nosuch"], 3),
        (["done", "nosuch"], 3),
        (["open", "--any", "--all"], 2),
        (["open", "--for", "nonsense"], 2),
        (["open", "--for", "event="], 2),
        (["open", "--for", "custom-status="], 2),
        (["open", "--timeout", "soon"], 2),
    ],
)
def test_exit_status(cli: Cli, argv: list[str], status: int) -> None:
    result = cli("wait", *argv)
    assert result.status == status, result.err
    assert result.out == ""


def test_terminated_and_suspended(cli: Cli) -> None:
    cli("pause", "open")
    assert cli("wait", "open", "--timeout", "50ms").status == 124
    assert cli("wait", "open", "--fail-on-stall").status == 12
    assert cli("wait", "open", "--for", "suspended", "--fail-on-stall").status == 0
    cli("terminate", "open")
    assert cli("wait", "open").status == 11
    assert cli("wait", "open", "--for", "terminated").status == 0


def test_what_it_says(cli: Cli) -> None:
    assert "failed FAILED" in cli("wait", "failed").err
    late = cli("wait", "open", "--timeout", "50ms")
    assert 'open RUNNING, waits for event "approval"' in late.err
    assert "timed out: open is not COMPLETED" in late.err
    late = cli("wait", "open", "--for", "custom-status=^no such$", "--timeout", "0s")
    assert "try: wfctl wait open --for 'custom-status=^no such$'\n" in late.err
    never = cli("wait", "done", "--for", "failed", "-o", "json")
    assert never.json["runtimeStatus"] == "COMPLETED"
    assert never.error == {
        "code": "wrong_state",
        "message": "done has COMPLETED, so it can never be FAILED",
        "hint": None,
        "instanceID": "done",
    }


def test_records_of_several(cli: Cli) -> None:
    rows = cli("wait", "done", "failed", "-o", "json").json
    assert [row["instanceID"] for row in rows] == ["done", "failed"]


def test_a_custom_status_cannot_hold_the_time_out_up(app: Path) -> None:
    """As a regular expression, the first takes longer over 60 letters than anybody lives."""
    (app / "app.py").write_text(APP.replace('"asked"', '"a" * 60 + "!"'))

    def run(*words: str) -> int:
        return subprocess.run([sys.executable, "-m", "wfctl", *words], timeout=LIMIT_SECONDS, check=False).returncode

    assert run("start", "Approval", "--id", "slow") == 0
    assert run("wait", "slow", "--for", "custom-status=aaa!", "--timeout", "120s") == 0
    for pattern in ("(a+)+$", "*a" * 30 + "*b"):
        assert run("wait", "slow", "--for", f"custom-status={pattern}", "--timeout", "1s") == 124


def test_who_means_a_regular_expression_is_told(cli: Cli) -> None:
    told = "a regular expression is not one of them"
    for pattern in ("^asked$", "a.*", "asked|answered"):
        assert told in cli("wait", "open", "--for", f"custom-status={pattern}", "--timeout", "0s").err
    assert told not in cli("wait", "open", "--for", "custom-status=a*", "--timeout", "120s").err
