"""Real argument vectors through `wfctl.cli.main`, on a real store, in a project folder of their own."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from wfctl.cli.main import main

APP = """
from datetime import timedelta
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="Echo")
def echo(ctx, value):
    result = yield ctx.call_activity(back, input=value)
    return result

@wfr.workflow(name="Approval")
def approval(ctx, value):
    ctx.set_custom_status("asked")
    decision = yield ctx.wait_for_external_event("approval", timeout=timedelta(hours=3))
    return decision

@wfr.workflow(name="Broken")
def broken(ctx, value):
    yield ctx.call_activity(back, input="first")
    yield ctx.call_activity(fail, input=value)

@wfr.workflow(name="Parent")
def parent(ctx, value):
    result = yield ctx.call_child_workflow(approval, input=value)
    return result

@wfr.workflow(name="Later")
def later(ctx, value):
    yield ctx.create_timer(timedelta(hours=1))

@wfr.activity(name="Back")
def back(ctx, value):
    print("activity says", value)
    return value

@wfr.activity(name="Fail")
def fail(ctx, value):
    raise ValueError(f"no {value}")
"""


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The one error object on stderr."""
        found: dict[str, Any] = json.loads(self.err.strip().splitlines()[-1])["error"]
        return found


class Stream(io.StringIO):
    def __init__(self, tty: bool) -> None:
        super().__init__()
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty


Cli = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and an environment that says nothing."""
    for name in list(os.environ):
        if name.startswith(("WFCTL_", "DAPR_", "_WFCTL")) or name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user-config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user-data"))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("wfctl.cli.target.sidecar_answers", lambda: False)
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch) -> Cli:
    def run(*argv: str, stdin: str = "", tty: bool = False, err_tty: bool | None = None) -> Outcome:
        out, err = Stream(tty), Stream(tty if err_tty is None else err_tty)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            status = main(argv)
        return Outcome(status, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def app(project: Path) -> Path:
    """A project with an app and a store."""
    (project / "app.py").write_text(APP)
    (project / "wfctl.toml").write_text('target = "embedded"\napp = "app.py"\nstore = "store.db"\n')
    return project
