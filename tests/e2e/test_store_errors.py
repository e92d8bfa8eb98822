"""A store that cannot be used: one clear line, the right status, nothing lost."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys

import pytest

APP = """
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="Big")
def big(ctx, size):
    value = yield ctx.call_activity(make, input=size)
    return len(value)

@wfr.activity(name="Make")
def make(ctx, size):
    return "x" * size
"""


def one_line(done) -> str:
    assert done.status == 5, done
    assert done.out == ""
    first, *rest = done.err.strip().splitlines()
    assert first.startswith("wfctl: ")
    assert len(rest) <= 1
    return done.err


def test_a_file_that_is_no_store(shell) -> None:
    path = shell.folder / "store.db"
    path.write_text("shopping list: paperclips\n" * 50)
    before = path.read_bytes()
    assert "not a wfctl store" in one_line(shell.run("list"))
    assert path.read_bytes() == before


def test_another_programs_sqlite_file(shell) -> None:
    path = shell.folder / "store.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE mine (a)")
    db.close()
    before = path.read_bytes()
    assert "not a wfctl store" in one_line(shell.run("list"))
    assert path.read_bytes() == before


def test_a_store_of_a_newer_wfctl(shell) -> None:
    shell.app(APP)
    shell.ok("start", "Big", "--id", "b1", "--input", "1")
    db = sqlite3.connect(shell.folder / "store.db")
    db.execute("PRAGMA user_version = 999")
    db.close()
    assert "newer wfctl" in one_line(shell.run("get", "b1"))
    assert "newer wfctl" in one_line(shell.run("start", "Big", "--input", "1"))


def test_a_folder(shell) -> None:
    (shell.folder / "store.db").mkdir()
    one_line(shell.run("list"))


def test_a_path_that_cannot_be_made(shell) -> None:
    (shell.folder / "file").write_text("")
    shell.app(APP)
    shell.environ["WFCTL_STORE"] = str(shell.folder / "file" / "store.db")
    one_line(shell.run("start", "Big", "--input", "1"))


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_read_only_file(shell) -> None:
    shell.app(APP)
    shell.ok("start", "Big", "--id", "b1", "--input", "1")
    (shell.folder / "store.db").chmod(0o400)
    one_line(shell.run("start", "Big", "--input", "1"))


@pytest.mark.skipif(sys.platform == "win32", reason="a limit on file sizes needs POSIX")
def test_a_full_disk_loses_nothing_that_was_acknowledged(shell) -> None:
    """A limit on the size of files makes writes fail as a full disk does."""
    import resource

    shell.app(APP)
    shell.ok("start", "Big", "--id", "b1", "--input", "10")
    size = 2_000_000

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))

    done = subprocess.run(
        shell.command("start", "Big", "--id", "b2", "--input", str(size)),
        cwd=shell.folder,
        env=shell.environ,
        capture_output=True,
        text=True,
        preexec_fn=limit,
        timeout=60,
    )
    assert done.returncode == 5, done
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 3
    assert done.stdout.strip() == "b2", "the start itself was committed, and acknowledged"
    assert json.loads(shell.ok("get", "b1", "-o", "json"))["runtimeStatus"] == "COMPLETED"
    assert json.loads(shell.ok("get", "b2", "-o", "json"))["runtimeStatus"] == "RUNNING"
    shell.ok("run")
    assert json.loads(shell.ok("get", "b2", "-o", "json"))["output"] == size
