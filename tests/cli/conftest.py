"""Real argument vectors through `wfctl.cli.main`, on a real store, in a project folder of their own."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest
from harness import APP, Ask, Cli, Outcome, Stream

from wfctl.cli.main import main

ENVIRONMENTS = ("NO_COLOR", "FORCE_COLOR", "VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and an environment that says nothing."""
    for name in list(os.environ):
        if name.startswith(("WFCTL_", "DAPR_", "_WFCTL")) or name in ENVIRONMENTS:
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user-config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user-data"))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("WFCTL_PAGER", "")
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
def ask(monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run a command at a terminal where somebody types `answer`."""

    class Keyboard(io.StringIO):
        def isatty(self) -> bool:
            return True

    def run(answer: str, *argv: str) -> Outcome:
        out, err = Stream(False), Stream(True)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", Keyboard(answer))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            status = main([*argv, "--color", "never"])
        return Outcome(status, out.getvalue(), " ".join(err.getvalue().split()))  # it is wrapped

    return run


@pytest.fixture
def app(project: Path) -> Path:
    """A project with an app and a store."""
    (project / "app.py").write_text(APP)
    (project / "wfctl.toml").write_text('target = "embedded"\napp = "app.py"\nstore = "store.db"\n')
    return project
