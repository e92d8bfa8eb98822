"""The development loop of `wfctl serve`: changed code, ends in the log, and an app that asks at the terminal."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from limits import until
from serve_process import served

pytest.importorskip("uvicorn", reason="needs the extra serve")
pytest.importorskip("grpc", reason="needs the extra serve")
pytest.importorskip("watchfiles", reason="needs the extra serve")

APP = """
import os, time
import dapr.ext.workflow as wf
wfr = wf.WorkflowRuntime()

@wfr.workflow
def order(ctx, value):
    paid = yield ctx.call_activity(pay, input=value)
    yield ctx.wait_for_external_event("go")
    return ["old", paid]

@wfr.activity
def pay(ctx, value):
    return value

@wfr.workflow
def failing(ctx, value):
    yield ctx.call_activity(fail)

@wfr.activity
def fail(ctx):
    raise ValueError("no such card")

@wfr.workflow
def slow(ctx, value):
    found = yield ctx.call_activity(once, input=value)
    return found

@wfr.activity
def once(ctx, file):
    if os.path.exists(file):
        return "second"
    open(file, "w").close()
    time.sleep(3600)
"""


def test_waiting_instances_go_on_with_the_new_code(tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text(APP)
    with served(tmp_path, "--reload", app=str(app)) as server:

        def log(text: str) -> None:
            until(lambda: text in server.log.read_text(), lambda: f"{text}\n{server.log.read_text()}")

        def waits(instance_id: str) -> None:
            until(lambda: any(w.kind == "event" for w in server.workflows.get(instance_id).waiting_for), "it waits")

        for name in ("one", "two"):
            server.start("order", name, "1")
            waits(name)
        # What is half done begins again in the new process.
        file = tmp_path / "begun"
        server.start("slow", "three", json.dumps(str(file)))
        until(file.exists, "the activity has begun")
        app.write_text(APP.replace('"old"', '"new"') + "\n@wfr.workflow\ndef more(ctx, value):\n    return 1\n")
        log("the app is loaded again")
        assert json.loads(server.ended("three").output or "") == "second"
        server.workflows.raise_event("one", "go", None)
        assert json.loads(server.ended("one").output or "") == ["new", 1]
        server.start("more", "four")
        assert server.ended("four").output == "1"

        app.write_text(APP + "def broken(:\n")
        log("the changed app does not load: the code from before stays")
        log("def broken(:")
        server.start("more", "five")
        assert server.ended("five").output == "1"

        app.write_text(APP.replace("call_activity(pay", "call_activity(fail"))
        log("two no longer fits the code")
        assert server.workflows.get("two").status.name == "RUNNING"
        server.workflows.raise_event("two", "go", None)
        log("two STALLED")
        app.write_text(APP)
        assert json.loads(server.ended("two").output or "") == ["old", 1]
        assert server.stop() == 0


def test_a_child_is_started_again(tmp_path: Path) -> None:
    """Also one that has ended by itself: what would end the server is a state of work here."""
    app = tmp_path / "app.py"
    app.write_text("print('one', flush=True)\nimport time\ntime.sleep(3600)\n")
    with served(tmp_path, "--reload", command=[sys.executable, "app.py"]) as server:
        out = server.process.stdout
        assert out is not None
        assert out.readline() == "app | one\n"
        app.write_text("raise SystemExit(3)\n")
        until(lambda: "it is started again when its code changes" in server.log.read_text(), "it is told")
        app.write_text("print('two', flush=True)\nimport time\ntime.sleep(3600)\n")
        assert out.readline() == "app | two\n"
        (tmp_path / "notes.txt").write_text("no code")
        (tmp_path / "__pycache__").mkdir(exist_ok=True)
        (tmp_path / "__pycache__" / "x.py").write_text("no code either")
        assert server.stop() == 0
        assert out.read() == ""


def test_ends_in_the_log(tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text(APP)
    with served(tmp_path, app=str(app)) as server:
        server.start("failing", "bad")
        server.ended("bad")
        until(lambda: "bad FAILED" in server.log.read_text(), "it is told")
    told = [json.loads(line) for line in server.log.read_text().splitlines() if "bad FAILED" in line]
    assert [line["cause"] for line in told] == ["fail: no such card"]


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal")
def test_a_child_asks_at_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pty_screen import Terminal

    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.py").write_text("name = input('your name? ')\nprint('hello', name)\n")
    ports = ("--http-port", "0", "--grpc-port", "0", "--store", "s.db")
    terminal = Terminal("serve", *ports, "--", sys.executable, "app.py", columns=200, NO_COLOR="1", WFCTL_CONFIG="")
    try:
        terminal.until_shows("app | your name?")
        terminal.press("Ada\n")
        terminal.until_shows("app | hello Ada")
        assert terminal.end() == 0
    finally:
        terminal.close()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_without_a_terminal_a_child_has_nothing_to_read(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import sys\nprint(repr(sys.stdin.read()))\n")
    words = ["--http-port", "0", "--grpc-port", "0", "--store", "s.db", "--", sys.executable, "app.py"]
    process = subprocess.Popen(
        [sys.executable, "-m", "wfctl", "serve", *words],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    out, _ = process.communicate("for somebody else\n", timeout=120)
    assert (process.returncode, out) == (0, "app | ''\n")
