"""Errors, streams, options, help: what all commands have in common."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from harness import Cli
from limits import LIMIT_SECONDS

from wfctl import __version__
from wfctl.cli.command_table import COMMANDS, DAILY
from wfctl.cli.help_pages import parse_doc

ROOT = Path(__file__).parents[2]


def run(*argv: str, **more: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "wfctl", *argv]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, **more)  # type: ignore[call-overload]


# --- help -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_agrees_with_the_modules(cli: Cli, name: str) -> None:
    entry = COMMANDS[name]
    module = importlib.import_module(entry.module)
    group = name in ("config", "completion")
    doc = parse_doc(module.app.info.help if group else module.app.registered_commands[0].callback.__doc__)
    assert doc.summary.rstrip(".") == entry.summary
    assert doc.examples, "every command has an example"
    assert all(line.startswith("$ ") for line in doc.examples)
    assert not entry.summary.endswith(".")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command(cli: Cli, name: str) -> None:
    result = cli(name, "--help")
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("Usage: wfctl ")
    assert "Examples:" in result.out
    assert cli(name, "-h").out == result.out


def test_help_of_all(cli: Cli) -> None:
    result = cli("help")
    assert result.status == 0
    for name, entry in COMMANDS.items():
        assert (f"  {name} " in result.out) is not entry.hidden
    assert cli("help", "get").out == cli("get", "--help").out


def test_the_first_page_fits_a_terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = cli("--help")
    lines = result.out.splitlines()
    assert len(lines) <= 23, "and the prompt below"
    assert max(map(len, lines)) <= 80
    for name in DAILY:
        assert any(line.startswith(f"  {name} ") for line in lines)
    assert "wfctl help " in result.out


def test_no_command_is_a_usage_error_with_help(cli: Cli) -> None:
    result = cli()
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("Usage: wfctl")
    assert cli("config").status == 2


@pytest.mark.parametrize("topic", ["exit-codes", "json", "targets", "batch"])
def test_topics(cli: Cli, topic: str) -> None:
    assert cli("help", topic).out.endswith("\n")
    assert all(len(line) <= 120 for line in cli("help", topic).out.splitlines())


@pytest.mark.parametrize("name", ["make_commands", "make_apps", "make_performance"])
def test_reference_is_current(name: str) -> None:
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        make = importlib.import_module(name)
    finally:
        sys.path.pop(0)
    assert make.PAGE.read_text() == make.page(), f"run: python docs/{name}.py"


# --- errors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["lst"], "did you mean `wfctl list`?"),
        (["describe", "x"], "did you mean `wfctl get x`?"),
        (["cancel", "x"], "did you mean `wfctl terminate x`?"),
        (["xyzzy"], "wfctl help"),
        (["get"], "missing argument 'ID...'"),
        (["history", "x", "y"], "unexpected extra argument"),
        (["run", "hello"], "wfctl start hello"),
        (["run", "app.py"], "wfctl run --app app.py"),
        (["run", "python", "app.py"], "wfctl serve -- python app.py"),
        (["ps"], "did you mean `wfctl list`?"),
        (["rm", "a", "b c"], "did you mean `wfctl purge a 'b c'`?"),
        (["workflow", "list"], "did you mean `wfctl list`?"),
        (["workflow", "signal", "x"], "did you mean `wfctl raise-event x`?"),
        (["get", "--nope", "x"], "no such option: --nope"),
        (["list", "--output", "json"], "-o json"),
        (["list", "-o", "xml"], "table, wide, json, jsonl, yaml or id"),
        (["list", "--color", "blue"], "auto, always"),
        (["get", ""], "empty"),
        (["get", "a\nb"], "control characters"),
        (["-t", "prod", "list"], "there is no target 'prod'"),
        (["help", "exit-code"], "wfctl help exit-codes"),
    ],
)
def test_wrong_usage(cli: Cli, argv: list[str], words: str) -> None:
    result = cli(*argv)
    assert (result.status, result.out) == (2, "")
    assert words in result.err
    assert result.err.startswith("wfctl: ")
    assert len(result.err.splitlines()) <= 2


@pytest.mark.parametrize(
    "argv",
    [
        ["-o", "json", "get"],
        ["get", "-ojson"],
        ["get", "--format=json"],
        ["nope", "-o", "jsonl"],
        ["get", "--nope", "x", "-o", "json"],
    ],
)
def test_wrong_usage_in_json(cli: Cli, argv: list[str]) -> None:
    result = cli(*argv)
    assert result.status == 2
    assert list(json.loads(result.err)["error"]) == ["code", "message", "hint", "instanceID"]


def test_an_error_in_json(cli: Cli, app: Path) -> None:
    result = cli("get", "nosuch", "-o", "json")
    assert (result.status, result.out) == (3, "")
    assert result.error["code"] == "not_found"
    assert result.error["instanceID"] == "nosuch"
    assert len(result.err.splitlines()) == 1


def test_the_unexpected(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def boom(*given: object) -> None:
        raise ZeroDivisionError("oh\x1b")

    monkeypatch.setattr("wfctl.cli.target.choose", boom)
    result = cli("list")
    assert result.status == 1
    assert result.err.splitlines()[0] == "wfctl: unexpected error: ZeroDivisionError: oh\\x1b"
    assert "--debug" in result.err
    assert "Traceback" not in result.err
    assert "Traceback" in cli("list", "--debug").err
    monkeypatch.setenv("WFCTL_DEBUG", "1")
    assert "Traceback" in cli("list").err


def test_ctrl_c_in_a_command(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("wfctl.cli.target.choose", stop)
    result = cli("list")
    assert (result.status, result.err) == (130, "wfctl: interrupted\n")


# --- options of every command ---------------------------------------------------------------------------------------


def test_options_before_and_after_the_command(cli: Cli, app: Path) -> None:
    cli("start", "Echo", "--id", "one")
    assert cli("-o", "id", "list").out == cli("list", "-o", "id").out == "one\n"
    assert cli("-o", "json", "list", "-o", "id").out == "one\n", "the later one holds"
    assert "other.db" in cli("--store", "other.db", "list", "-o", "json").err


def test_format_and_colour_from_the_environment(cli: Cli, app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WFCTL_FORMAT", "json")
    assert cli("list").out == "[]\n"
    assert list(json.loads(cli("get", "x").err)) == ["error"]
    monkeypatch.setenv("WFCTL_FORMAT", "table")
    cli("start", "Echo", "--id", "one")
    assert "\x1b[32mCOMPLETED" in cli("list", "--color", "always").out
    assert "\x1b" not in cli("list").out
    assert "\x1b[32mCOMPLETED" in cli("list", tty=True).out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in cli("list", tty=True).out


def test_quiet(cli: Cli, app: Path) -> None:
    assert cli("start", "Echo", "--id", "a", "-q").err == "activity says None\n"
    assert cli("purge", "a", "-q").err == ""
    assert cli("purge", "a", "-q").err != ""


def test_config_show(cli: Cli, app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAPR_API_TOKEN", "s3cret")
    monkeypatch.setenv("WFCTL_APP_ID", "orders")
    result = cli("config", "show", "-o", "json")
    rows = {row["name"]: (row["value"], row["origin"]) for row in result.json}
    assert rows["target"] == ("embedded", str(app / "wfctl.toml"))
    assert rows["app"] == (str(app / "app.py"), str(app / "wfctl.toml"))
    assert rows["app_id"] == ("orders", "WFCTL_APP_ID")
    assert rows["token"] == ("(set, not shown)", "DAPR_API_TOKEN")
    assert "s3cret" not in result.out + cli("config", "show").out


def test_automatic_target(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def target(*argv: str) -> tuple[str, str]:
        row = cli(*argv, "config", "show", "-o", "json").json[0]
        return row["value"], row["origin"]

    assert target() == ("embedded", "automatic: no sidecar answers on 127.0.0.1:3500")
    monkeypatch.setattr("wfctl.cli.target.sidecar_answers", lambda: True)
    assert target() == ("http://127.0.0.1:3500", "automatic: a sidecar answers on 127.0.0.1:3500")
    assert target("--store", "s.db") == ("embedded", "automatic: --store is given")
    assert target("-t", "embedded") == ("embedded", "--target")
    assert target("-t", "sidecar")[0] == "http://127.0.0.1:3500"


def test_init(cli: Cli, project: Path) -> None:
    result = cli("init")
    assert (result.status, result.out) == (0, "")
    assert "wfctl start OrderProcessingWorkflow" in result.err
    assert cli("init").status == 4
    assert cli("init", "--force").status == 0
    assert cli("init", "deep/er").status == 0
    assert (project / "deep" / "er" / "orders.py").read_text() == (project / "orders.py").read_text()

    small = '{"name":"Paperclips","quantity":10,"totalCost":99.95}'
    large = '{"name":"Cars","quantity":1,"totalCost":20000}'
    assert cli("start", "OrderProcessingWorkflow", "--id", "small", "--input", small, "--wait").status == 0
    assert cli("result", "small", "-o", "json").json == {"processed": True, "left": 990}
    assert cli("start", "OrderProcessingWorkflow", "--id", "nothing", "--wait").status == 0, "without an input"
    assert cli("result", "nothing", "-o", "json").json == {"processed": True, "left": 990}
    assert (
        "raise-event large approval" in cli("start", "OrderProcessingWorkflow", "--id", "large", "--input", large).err
    )
    assert cli("raise-event", "large", "approval", "--data", '{"approved": false}', "--wait").status == 0
    assert cli("result", "large", "-o", "json").json == {"processed": False, "reason": "not approved"}
    too_many = '{"name":"Cars","quantity":9,"totalCost":1}'
    assert cli("start", "OrderProcessingWorkflow", "--id", "many", "--input", too_many, "--wait").status == 0
    assert cli("result", "many", "-o", "json").json["processed"] is False


# --- processes ------------------------------------------------------------------------------------------------------


def test_version() -> None:
    assert run("--version").stdout == f"wfctl {__version__}\n"
    assert run("-o", "json", "--version").stdout == f"wfctl {__version__}\n"
    assert json.loads(run("version", "-o", "json").stdout)["wfctl"] == __version__


# What Typer itself brings is not ours to save: its oldest version imports rich.
HEAVY = ("httpx", "grpc", "starlette", "uvicorn", "rich.table", "wfctl.workflow", "yaml", "pydantic")


@pytest.mark.parametrize("argv", [["--version"], ["get", "one"], ["list"], ["list", "-o", "json"], ["history", "one"]])
def test_light_commands_load_nothing_heavy(cli: Cli, app: Path, argv: list[str]) -> None:
    cli("start", "Echo", "--id", "one")
    program = (
        "import sys, typer.main; before = set(sys.modules);"
        "from wfctl.cli.main import main; status = main(sys.argv[1:]);"
        f"print('LOADED', status, [name for name in {HEAVY!r} if name in sys.modules and name not in before])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program, *argv], capture_output=True, text=True, timeout=LIMIT_SECONDS
    )
    assert found.stdout.splitlines()[-1] == "LOADED 0 []", found.stdout + found.stderr


PRINTS = """
import subprocess, sys
import dapr.ext.workflow as wf
wfr = wf.WorkflowRuntime()
@wfr.workflow(name="Noisy")
def noisy(ctx, value):
    yield ctx.call_activity(shout)
@wfr.activity(name="Shout")
def shout(ctx, value):
    print("print")
    sys.stdout.flush()
    subprocess.run([sys.executable, "-c", "print('program')"])
"""


def test_what_an_app_prints_is_not_data(app: Path) -> None:
    (app / "app.py").write_text(PRINTS)
    result = run("start", "Noisy", "--id", "one", "--wait")
    assert (result.returncode, result.stdout) == (0, "one\n")
    assert "print\n" in result.stderr
    assert "program\n" in result.stderr
    record = run("start", "Noisy", "--id", "two", "-o", "json")
    assert json.loads(record.stdout)["runtimeStatus"] == "COMPLETED"


def test_head_is_no_error(cli: Cli, app: Path) -> None:
    cli("start", "Echo", "--id", "one", "--input", json.dumps("x" * 500_000))
    for argv in ("get one -o json", "list", "history one -o jsonl", "--help", "result one"):
        found = subprocess.run(
            ["bash", "-c", f"'{sys.executable}' -m wfctl {argv} | head -c 10 >/dev/null; echo ${{PIPESTATUS[0]}}"],
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
        )
        assert (found.stdout, found.stderr) == ("0\n", ""), argv


@pytest.mark.skipif(os.name == "nt", reason="there is no pty")
def test_ctrl_c_while_waiting(cli: Cli, app: Path) -> None:
    from pty_screen import Terminal

    cli("start", "Approval", "--id", "a")
    wait = Terminal("wait", "a", NO_COLOR="1")
    try:
        wait.until_shows("a RUNNING")  # what is shown while it waits
        wait.press("\x03")
        assert wait.end() == 130
        assert wait.screen.text.splitlines()[-2:] == [
            "wfctl: interrupted; nothing is lost, and nobody executes the workflow now",
            "  try: wfctl wait a",
        ]
    finally:
        wait.close()
    assert cli("get", "a", "-o", "json").json["runtimeStatus"] == "RUNNING"


def test_bytes_that_are_not_utf8(cli: Cli, app: Path) -> None:
    if os.name != "nt":
        result = subprocess.run(
            [sys.executable, "-m", "wfctl", "get", b"a\xff"], capture_output=True, text=True, timeout=60
        )
        assert result.returncode == 2
        assert "Traceback" not in result.stderr
        assert cli("start", "Echo", "--input-file", "nosuch").status == 2
        (app / "latin").write_bytes(b'"\xff"')
        assert "UTF-8" in cli("start", "Echo", "--input-file", "latin").err
