"""An app that lives in another Python environment than wfctl: its process, its packages, its end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import site
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from environments import make, site_packages

from wfctl.client.embedded.workflows import open_embedded

LIMIT_SECONDS = 120
APPS = Path(__file__).parent.parent / "apps"
sys.path.insert(0, str(APPS))

from driving import check, histories, run_case  # noqa: E402
from expected import CASES, Case  # noqa: E402

APP = """
import os, signal, sys, time
import dapr.ext.workflow as wf
import pydantic, shared, yaml
wfr = wf.WorkflowRuntime()

@wfr.workflow
def look(ctx, value):
    found = yield ctx.call_activity(describe, input=value)
    child = yield ctx.call_activity(start_another)
    return {**found, "child": child, "pid": os.getpid()}

@wfr.activity
def describe(ctx, value):
    print("the app says", value)
    return {"python": list(sys.version_info[:2]), "pydantic": pydantic.VERSION, "yaml": yaml.VERSION,
            "prefix": sys.prefix, "shared": shared.VERSION}

@wfr.workflow
def other(ctx, value):
    yield ctx.wait_for_external_event("never", timeout=__import__("datetime").timedelta(seconds=0.1))

@wfr.workflow
def small(ctx, value):
    return "small"

@wfr.activity
def start_another(ctx):
    client = wf.DaprWorkflowClient()
    started = client.schedule_new_workflow(small, input=1)
    try:
        client.get_workflow_state("no-such-instance")
    except Exception as error:
        assert False, error
    return client.wait_for_workflow_completion(started, timeout_in_seconds=60).serialized_output

@wfr.workflow
def fatal(ctx, file):
    result = yield ctx.call_activity(end_once, input=file)
    return result

@wfr.activity
def end_once(ctx, file):
    if not os.path.exists(file):
        open(file, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return "survived"

@wfr.workflow
def long(ctx, file):
    yield ctx.call_activity(stay, input=file)

@wfr.activity
def stay(ctx, file):
    with open(file + ".part", "w") as out:
        out.write(str(os.getpid()))
    os.rename(file + ".part", file)
    time.sleep(3600)
"""
VERSIONS = {"pydantic": 'VERSION = "0.0.7"\n', "yaml": 'VERSION = "0.0.8"\n', "shared": 'VERSION = "0.0.9"\n'}


@pytest.fixture
def shell(shell: Any) -> Any:
    """A project with an environment of its own, in which wfctl is not installed."""
    shell.app(APP)
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        shell.environ.pop(name, None)
    return shell


def test_the_app_has_its_own_packages(shell: Any) -> None:
    """Also those that wfctl has in another version, and has loaded: yaml here, which writes this output."""
    make(shell.folder / ".venv", **VERSIONS)
    ran = shell.run("start", "look", "--input", '"hello"', "--wait", "--id", "one")
    assert ran.status == 0, ran.err
    assert ran.out == "one\n"
    assert "the app says hello" in ran.err
    found = json.loads(shell.run("result", "one", "-o", "json").out)
    assert (found["pydantic"], found["yaml"], found["shared"]) == ("0.0.7", "0.0.8", "0.0.9")
    assert Path(found["prefix"]).samefile(shell.folder / ".venv")
    assert found["child"] == '"small"'
    assert "0.0.9" not in shell.run("get", "one", "-o", "yaml").err


def test_where_the_environment_is_said(shell: Any) -> None:
    make(shell.folder / ".venv", **VERSIONS)
    rows = {row["name"]: row for row in json.loads(shell.run("config", "show", "-o", "json").out)}
    assert rows["python"]["value"].startswith(f"{shell.folder / '.venv'} (Python ")
    assert rows["python"]["origin"] == "beside the app"
    checks = {row["check"]: row for row in json.loads(shell.run("doctor", "-o", "json").out)}
    assert str(shell.folder / ".venv") in checks["environment"]["detail"]
    assert checks["app"]["level"] == "ok"
    names = [row["name"] for row in json.loads(shell.run("workflows", "-o", "json").out)]
    assert names[:4] == ["fatal", "long", "look", "other"]


def test_nothing_of_it_runs_before_the_app_is_needed(shell: Any) -> None:
    python = make(shell.folder / ".venv", **VERSIONS)
    python.unlink()
    python.write_text(f"#!/bin/sh\ntouch {shell.folder}/ran\nexit 9\n")
    python.chmod(0o755)
    for command in (["config", "show"], ["list"], ["count"], ["--version"]):
        shell.run(*command)
    assert not (shell.folder / "ran").exists()
    ran = shell.run("workflows")
    assert (shell.folder / "ran").exists()
    assert ran.status == 5
    assert "ended with status 9" in ran.err


def test_an_error_of_the_import_is_the_users_own(shell: Any) -> None:
    python = make(shell.folder / ".venv")
    ran = shell.run("start", "look")
    assert ran.status == 2
    assert "imports 'pydantic', which is not installed in the Python that runs it" in ran.err
    assert f"{python} -m pip install pydantic" in ran.err
    (shell.folder / "app.py").write_text("def f():\n    return {}['key']\nf()\n")
    ran = shell.run("start", "look")
    assert ran.status == 2
    assert "KeyError: 'key'" in ran.err
    assert "line 2" in ran.err
    assert "Traceback" not in ran.err


def test_a_process_that_dies_ends_the_command_and_loses_nothing(shell: Any) -> None:
    make(shell.folder / ".venv", **VERSIONS)
    file = shell.folder / "killed"
    ran = shell.run("start", "fatal", "--id", "f", "--input", json.dumps(str(file)), "--wait")
    assert ran.status == 5, ran
    assert "was ended by SIGKILL" in ran.err
    assert json.loads(shell.run("get", "f", "-o", "json").out)["runtimeStatus"] == "RUNNING"
    assert shell.run("run").status == 0
    assert json.loads(shell.run("result", "f", "-o", "json").out) == "survived"


def test_the_process_ends_with_wfctl(shell: Any) -> None:
    make(shell.folder / ".venv", **VERSIONS)
    file = shell.folder / "pid"
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        file.unlink(missing_ok=True)
        process = shell.start("start", "long", "--input", json.dumps(str(file)), "--wait")
        pid = int(until_read(file, process))
        process.send_signal(number)
        process.communicate(timeout=LIMIT_SECONDS)
        until_gone(pid)


def test_on_the_server(shell: Any, tmp_path: Path) -> None:
    pytest.importorskip("grpc")
    pytest.importorskip("uvicorn")
    make(shell.folder / ".venv", **VERSIONS)
    ready = shell.folder / "ready.json"
    server = shell.start("serve", "--http-port", "0", "--grpc-port", "0", "--ready-file", str(ready))
    endpoint = json.loads(until_read(ready, server))["httpEndpoint"]
    ran = shell.run("start", "look", "--id", "s", "--input", '"x"', "--wait", "-t", endpoint)
    assert ran.status == 0, ran.err
    assert json.loads(shell.run("result", "s", "-o", "json", "-t", endpoint).out)["shared"] == "0.0.9"
    server.terminate()
    out, err = server.communicate(timeout=LIMIT_SECONDS)
    assert server.returncode == 0, err
    assert "the app says x" in out


@pytest.mark.parametrize("minor", ["3.10", "3.12", "3.13"])
def test_another_minor_version(shell: Any, minor: str) -> None:
    python = another_python(minor)
    make(shell.folder / "env", python, **VERSIONS)
    ran = shell.run("start", "look", "--input", "1", "--wait", "--id", "m", "--python", "env")
    assert ran.status == 0, ran.err
    found = json.loads(shell.run("result", "m", "-o", "json").out)
    assert found["python"] == [int(part) for part in minor.split(".")]


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_the_example_apps_come_to_the_same(case: Case, tmp_path: Path, environment: Path) -> None:
    if case.app == "pydantic_models":
        pytest.importorskip("pydantic")
    workflows = open_embedded(
        tmp_path / "store.db", f"{case.app}.py", APPS, True, note=lambda line: None, python=lambda: environment
    )
    try:
        check(case, run_case(workflows, case, "case"))
        assert histories(workflows, "case")["ROOT"]
    finally:
        workflows.abandon()


def another_python(minor: str) -> str:
    found = (shutil.which(f"python{minor}"), *Path.home().glob(f".pyenv/versions/{minor}.*/bin/python{minor}"))
    for python in filter(None, found):
        if subprocess.run([python, "-c", "import venv"], capture_output=True, check=False).returncode == 0:  # type: ignore[list-item]
            return str(python)
    pytest.skip(f"there is no Python {minor} here")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that sees what the tests' own has installed."""
    folder = tmp_path_factory.mktemp("environment")
    python = make(folder)
    (site_packages(folder) / "tests.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return python


def until_read(file: Path, process: subprocess.Popen[str]) -> str:
    end = time.monotonic() + LIMIT_SECONDS
    while not file.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, f"{file} does not come"
        time.sleep(0.02)
    return file.read_text()


def until_gone(pid: int) -> None:
    end = time.monotonic() + LIMIT_SECONDS
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        with open(f"/proc/{pid}/stat") as stat:
            if stat.read().rpartition(")")[2].split()[0] == "Z":
                return
        assert time.monotonic() < end, f"process {pid} stays"
        time.sleep(0.02)


def test_the_current_folder_lends_no_module(tmp_path: Path) -> None:
    """The app is elsewhere, and so is its environment: what lies where the user is, anybody may have written."""
    app, here = tmp_path / "app", tmp_path / "here"
    app.mkdir()
    here.mkdir()
    (app / "small.py").write_text(
        "import dapr.ext.workflow as wf\nwfr = wf.WorkflowRuntime()\n"
        "@wfr.workflow\ndef small(ctx, value):\n    return value\n"
    )
    python = make(app / "env")
    names = ("warnings", "contextlib", "types", "functools", "collections", "typing", "pickle", "socket", "wfctl")
    for name in names:
        (here / f"{name}.py").write_text(f"open({str(here / 'ran')!r}, 'a').write({name!r})\nraise SystemExit(9)\n")
    program = "import sys; from wfctl.cli.main import main; sys.exit(main(sys.argv[1:]))"
    argv = ["--store", str(app / "s.db"), "--app", str(app / "small.py"), "--python", str(python)]
    done = subprocess.run(
        [
            sys.executable,
            "-P" if sys.version_info >= (3, 11) else "-I",
            "-c",
            program,
            *argv,
            "start",
            "small",
            "--wait",
        ],
        cwd=here,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
    )
    assert not (here / "ran").exists(), (here / "ran").read_text()
    assert done.returncode == 0, done.stderr
