"""A store that cannot be used: one clear line, the right status, nothing lost."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from limits import LIMIT_SECONDS
from shell import Shell

APP = """
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="Big")
def big(ctx, size):
    value = yield ctx.call_activity(make, input=size)
    return len(value)

@wfr.workflow(name="Later")
def later(ctx, size):
    yield ctx.wait_for_external_event("go")
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


def test_a_file_that_is_no_store(shell: Shell) -> None:
    path = shell.folder / "store.db"
    path.write_text("shopping list: paperclips\n" * 50)
    before = path.read_bytes()
    assert "not a wfctl store" in one_line(shell.run("list"))
    assert path.read_bytes() == before


def test_another_programs_sqlite_file(shell: Shell) -> None:
    path = shell.folder / "store.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE mine (a)")
    db.close()
    before = path.read_bytes()
    assert "not a wfctl store" in one_line(shell.run("list"))
    assert path.read_bytes() == before


def test_a_store_of_a_newer_wfctl(shell: Shell) -> None:
    shell.app(APP)
    shell.ok("start", "Big", "--id", "b1", "--input", "1")
    db = sqlite3.connect(shell.folder / "store.db")
    db.execute("PRAGMA user_version = 999")
    db.close()
    assert "newer wfctl" in one_line(shell.run("get", "b1"))
    assert "newer wfctl" in one_line(shell.run("start", "Big", "--input", "1"))


def test_a_folder(shell: Shell) -> None:
    (shell.folder / "store.db").mkdir()
    one_line(shell.run("list"))


def test_a_path_that_cannot_be_made(shell: Shell) -> None:
    (shell.folder / "file").write_text("")
    shell.app(APP)
    shell.environ["WFCTL_STORE"] = str(shell.folder / "file" / "store.db")
    one_line(shell.run("start", "Big", "--input", "1"))


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_read_only_file(shell: Shell) -> None:
    shell.app(APP)
    shell.ok("start", "Big", "--id", "b1", "--input", "1")
    (shell.folder / "store.db").chmod(0o400)
    one_line(shell.run("start", "Big", "--input", "1"))


@pytest.mark.skipif(sys.platform == "win32", reason="a limit on file sizes needs POSIX")
def test_a_full_disk_loses_nothing_that_was_acknowledged(shell: Shell) -> None:
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
        timeout=LIMIT_SECONDS,
    )
    assert done.returncode == 5, done
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 3
    assert done.stdout.strip() == "b2", "the start itself was committed, and acknowledged"
    assert "; b2 is recorded" in done.stderr
    assert json.loads(shell.ok("get", "b1", "-o", "json"))["runtimeStatus"] == "COMPLETED"
    assert json.loads(shell.ok("get", "b2", "-o", "json"))["runtimeStatus"] == "RUNNING"
    shell.ok("run")
    assert json.loads(shell.ok("get", "b2", "-o", "json"))["output"] == size


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if sys.platform != "linux" or not shutil.which("mount"):
        pytest.skip("mounting a small disk needs Linux")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


class TestADiskThatIsFull:
    @pytest.fixture(autouse=True)
    def on_it(self, shell: Shell, small_disk: Path) -> None:
        shell.app(APP)
        shell.environ["WFCTL_STORE"] = str(small_disk / "store.db")
        shell.ok("start", "Big", "--id", "before", "--input", "10")

    @staticmethod
    def grow(disk: Path) -> None:
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)

    @pytest.mark.parametrize("words", [(), ("--wait",), ("-o", "json")])
    def test_a_start_says_that_the_instance_is_recorded(
        self, shell: Shell, small_disk: Path, words: tuple[str, ...]
    ) -> None:
        done = shell.run("start", "Big", "--id", "b2", "--input", "3000000", *words)
        assert done.status == 5, done
        if words == ("-o", "json"):
            error = json.loads(done.err.splitlines()[-1])["error"]
            message, hint = error["message"], error["hint"]
            assert (error["instanceID"], done.out) == ("b2", "")
        else:
            assert done.out == "b2\n"
            message, hint = done.err.splitlines()
        assert "is full; b2 is recorded" in message
        assert "wfctl run, or wfctl wait b2" in hint
        assert "run the command again" not in done.err
        self.grow(small_disk)
        assert shell.run("wait", "b2").status == 0, "as the hint says"
        assert json.loads(shell.ok("result", "b2")) == 3000000
        assert len(json.loads(shell.ok("list", "-o", "json"))) == 2

    def test_a_start_that_is_not_recorded_says_so(self, shell: Shell, small_disk: Path) -> None:
        done = shell.run("start", "Big", "--id", "b2", "--input", "-", input=f'"{"x" * 3000000}"')
        assert done.status == 5, done
        assert done.out == ""
        assert "is full\n" in done.err
        assert "what was not is not recorded" in done.err
        assert shell.run("get", "b2").status == 3

    def test_an_event_that_was_raised_is_recorded(self, shell: Shell, small_disk: Path) -> None:
        shell.ok("start", "Later", "--id", "l", "--input", "3000000")
        done = shell.run("raise-event", "l", "go")
        assert done.status == 5, done
        assert "is full; l is recorded" in done.err
        self.grow(small_disk)
        shell.ok("run")
        assert json.loads(shell.ok("result", "l")) == 3000000

    def test_run_goes_on_when_there_is_room(self, shell: Shell, small_disk: Path) -> None:
        shell.ok("start", "Big", "--id", "b2", "--input", "3000000", "--no-drive")
        done = shell.run("run")
        assert done.status == 5, done
        assert "is full\n" in done.err
        self.grow(small_disk)
        shell.ok("run")
        assert json.loads(shell.ok("result", "b2")) == 3000000
