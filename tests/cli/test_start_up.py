"""Which modules a light command loads: a pinned list for each, since most of its time is the import of modules.

After a change that is meant: python tests/cli/test_start_up.py, which writes the lists again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

PINS = Path(__file__).parents[1] / "golden" / "loaded_modules.json"
LIMIT_SECONDS = 120
COMMANDS: dict[str, list[str]] = {
    "--version": ["--version"],
    "--help": ["--help"],
    "get -o json": ["get", "one", "-o", "json"],
    "list -o json": ["list", "-o", "json"],
    "TAB": ["get", ""],
}
# What they load besides wfctl's own modules and Typer's: neither may come in by the way.
OTHERS = ("httpx", "grpc", "google", "rich", "yaml", "pydantic", "filelock", "logging", "asyncio", "ssl")
PROGRAM = """
import sys, os, json, typer, typer.main
before = set(sys.modules)
from wfctl import __main__
def tell():
    print("LOADED " + json.dumps(sorted(set(sys.modules) - before)), file=sys.stderr, flush=True)
leave = os._exit
def ending(status):
    tell()
    leave(status)
os._exit = ending
try:
    __main__.run()
finally:
    tell()
"""
APP = """
import dapr.ext.workflow as wf
wfr = wf.WorkflowRuntime()
@wfr.workflow(name="Echo")
def echo(ctx, value):
    return value
@wfr.workflow(name="Wait")
def wait(ctx, value):
    yield ctx.wait_for_external_event("go")
"""


def wfctl(folder: Path, *argv: str, **more: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("WFCTL_", "DAPR_"))}
    environ |= {"XDG_CONFIG_HOME": str(folder / "config"), "WFCTL_TARGET": "embedded", **more}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *argv],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=True,
    )


def loaded(folder: Path, command: str) -> list[str]:
    more = {"_WFCTL_COMPLETE": "zsh", "WFCTL_COMPLETE_TIMEOUT": "6h"} if command == "TAB" else {}
    result = wfctl(folder, *COMMANDS[command], **more)
    if command == "TAB":
        assert result.stdout.startswith("one\t"), "it did ask the store"
    lines = [line for line in result.stderr.splitlines() if line.startswith("LOADED ")]
    names: list[str] = json.loads(lines[-1].removeprefix("LOADED "))
    return [name for name in names if name.partition(".")[0] in ("wfctl", *OTHERS)]


def prepare(folder: Path) -> Path:
    (folder / "app.py").write_text(APP)
    (folder / "wfctl.toml").write_text('app = "app.py"\nstore = "store.db"\n')
    wfctl(folder, "start", "Echo", "--id", "one")
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("start-up"))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_modules_that_a_light_command_loads(store: Path, command: str) -> None:
    now, pinned = set(loaded(store, command)), set(json.loads(PINS.read_text())[command])
    again = f"if that is meant: python {Path(__file__).relative_to(Path(__file__).parents[2])}"
    assert now - pinned == set(), f"{command} loads these besides; {again}"
    assert pinned - now == set(), f"{command} does not load these any more; {again}"


def test_history_events_are_not_loaded() -> None:
    for command, modules in json.loads(PINS.read_text()).items():
        assert not {"wfctl.model.events", "wfctl.model.steps", "wfctl.engine.dispatcher"} & set(modules), command
        assert {name.partition(".")[0] for name in modules} <= {"wfctl"}, command


def test_a_pause_loads_nothing_of_what_an_app_imports(store: Path) -> None:
    """It has an app, and need not run it."""
    wfctl(store, "start", "Wait", "--id", "w1")
    wfctl(store, "start", "Wait", "--id", "w2")
    result = wfctl(store, "pause", "--name", "Wait", "--yes", "-o", "id")
    assert sorted(result.stdout.split()) == ["w1", "w2"]
    lines = [line for line in result.stderr.splitlines() if line.startswith("LOADED ")]
    names: list[str] = json.loads(lines[-1].removeprefix("LOADED "))
    assert "wfctl.engine.undriven" in names
    assert not [name for name in names if name.startswith(("wfctl.workflow", "app"))]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        ready = prepare(Path(temporary))
        PINS.write_text(json.dumps({command: loaded(ready, command) for command in COMMANDS}, indent=1) + "\n")
