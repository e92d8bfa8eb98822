"""Where a command finds itself: closed streams, a full device, a reader that has gone, a folder that is gone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from harness import Cli
from limits import LIMIT_SECONDS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="bash, /dev/full")
FULL = Path("/dev/full")

CHATTY = """
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="Chatty")
def chatty(ctx, times):
    for number in range(times):
        yield ctx.call_activity(say, input=number)
    return "said"

@wfr.activity(name="Say")
def say(ctx, number):
    print("x" * 1000, flush=True)
"""


def bash(script: str, unbuffered: bool = False) -> subprocess.CompletedProcess[str]:
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        ["bash", "-c", f"wfctl() {{ '{sys.executable}' -m wfctl \"$@\"; }}\n{script}"],
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        env=environ | ({"PYTHONUNBUFFERED": "1"} if unbuffered else {}),
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert "Exception ignored" not in done.stderr, done.stderr
    return done


@pytest.mark.parametrize("argv", ["list", "list -o json", "start Echo --id e1", "--help", "--version", "workflows"])
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_one_that_goes_nowhere(app: Path, argv: str, closed: str) -> None:
    assert bash(f"wfctl {argv} {closed}").returncode == 0


@pytest.mark.parametrize(
    ("script", "status", "words"),
    [
        ("wfctl get nosuch 2>&-", 3, ""),
        ("wfctl get nosuch >&-", 3, "no instance"),
        ("wfctl start Echo --input - <&-", 2, "stdin is empty"),
        ("wfctl purge --finished-before 1d <&-", 0, "no instances: there is no store"),
    ],
)
def test_the_status_is_that_of_open_streams(app: Path, script: str, status: int, words: str) -> None:
    done = bash(script)
    assert done.returncode == status
    assert words in done.stderr


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
@pytest.mark.parametrize("unbuffered", [False, True])
@pytest.mark.parametrize("argv", ["list", "list -o json", "start Echo", "--help", "--version", "completion show bash"])
def test_a_full_device_is_said_in_one_line(app: Path, argv: str, unbuffered: bool) -> None:
    done = bash(f"wfctl {argv} > /dev/full", unbuffered)
    assert done.returncode == 1
    assert "the output cannot be written: No space left on device" in done.stderr.splitlines()[-1]


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
def test_an_error_that_cannot_be_told_has_its_status(app: Path) -> None:
    assert bash("wfctl get nosuch 2> /dev/full").returncode == 3


@pytest.mark.parametrize("gone", ["2>&1 | head -c 10", "2> >(head -c 10 > /dev/null)"])
def test_what_an_app_prints_to_nobody_fails_no_activity(app: Path, gone: str) -> None:
    (app / "app.py").write_text(CHATTY)
    done = bash(f"wfctl start Chatty --input 300 --id c1 {gone}; wfctl result c1 --wait")
    assert (done.returncode, done.stdout.splitlines()[-1][-4:]) == (0, "said")


@pytest.mark.parametrize("argv", ["list", "start X", "config show", "doctor", "workflows"])
def test_a_folder_that_is_gone(cli: Cli, tmp_path: Path, argv: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    result = cli(*argv.split())
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("wfctl: the current folder does not exist any more\n")
    assert json.loads(cli(*argv.split(), "-o", "json").err)["error"]["code"] == "invalid_input"
    assert cli("--help").status == 0
    assert cli("init").status == cli("init", "sub").status == 2


def test_interrupted_while_it_is_loaded(tmp_path: Path) -> None:
    """A module of the same name as one that the command loads tells when that is."""
    (tmp_path / "typer.py").write_text("print('loading', flush=True)\nimport threading\nthreading.Event().wait()\n")
    with subprocess.Popen(
        [sys.executable, "-m", "wfctl", "list"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "loading\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT_SECONDS) == 130
        assert process.stderr.read() == "wfctl: interrupted\n"
