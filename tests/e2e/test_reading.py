"""Reading where nothing can be written (no access, a read-only mount), and where there is no store."""

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

from wfctl.engine.store.reading import Reader, open_reader

APP = """
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="Await")
def await_event(ctx, _):
    value = yield ctx.wait_for_external_event("go")
    return value
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="permissions and mounts as POSIX has them")


@pytest.fixture
def reader(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What makes a command one of somebody who is bound by permissions, which the superuser is not."""
    prefix: list[str] = []
    if os.geteuid() == 0:
        prefix = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
        if shutil.which(prefix[0]) is None or subprocess.run([*prefix, "true"]).returncode != 0:
            pytest.skip("the superuser may write anywhere")
    yield prefix
    (shell.folder / "data").chmod(0o700)


@pytest.fixture
def data(shell: Shell) -> Path:
    """A store with an instance that waits, in a folder of its own."""
    folder = shell.folder / "data"
    folder.mkdir()
    shell.app(APP)
    shell.environ["WFCTL_STORE"] = str(folder / "store.db")
    shell.ok("start", "Await", "--id", "a")
    return folder


def forbid(folder: Path) -> None:
    for file in folder.iterdir():
        file.chmod(0o400)
    folder.chmod(0o500)


def ask(shell: Shell, prefix: list[str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [*prefix, *shell.command(*words)]
    done = subprocess.run(
        command, cwd=shell.folder, env=shell.environ, capture_output=True, text=True, timeout=LIMIT_SECONDS
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def reads_all(shell: Shell, prefix: list[str]) -> None:
    for words in (("get", "a"), ("history", "a"), ("steps", "a"), ("tree", "a"), ("count",), ("doctor",)):
        done = ask(shell, prefix, *words)
        assert done.returncode == 0, done
    listed = ask(shell, prefix, "list", "-o", "json")
    assert listed.returncode == 0, listed
    assert [one["instanceID"] for one in json.loads(listed.stdout)] == ["a"]
    waits = json.loads(ask(shell, prefix, "get", "a", "-o", "json").stdout)["waitingFor"]
    assert [wait["kind"] for wait in waits] == ["event"]


def test_without_write_access(shell: Shell, data: Path, reader: list[str]) -> None:
    forbid(data)
    before = sorted(path.name for path in data.iterdir())
    reads_all(shell, reader)
    assert sorted(path.name for path in data.iterdir()) == before
    refused = ask(shell, reader, "raise-event", "a", "go")
    assert refused.returncode == 5
    assert "cannot write to the store" in refused.stderr or "cannot lock the store" in refused.stderr
    assert "permissions" in refused.stderr


def test_a_file_of_another_user_in_a_folder_that_is_writable(shell: Shell, data: Path, reader: list[str]) -> None:
    """What SQLite would put beside it would be in its owner's way."""
    (data / "store.db").chmod(0o400)
    before = sorted(path.name for path in data.iterdir())
    reads_all(shell, reader)
    assert sorted(path.name for path in data.iterdir()) == before


def test_what_a_killed_owner_left_in_the_log(shell: Shell, data: Path, reader: list[str]) -> None:
    owner = shell.start("start", "Await", "--id", "b", "--wait")
    shell.until(lambda: "event" in shell.run("get", "b", "-o", "json").out, "the wait")
    owner.kill()
    owner.communicate()
    assert (data / "store.db-wal").stat().st_size
    forbid(data)
    done = ask(shell, reader, "list", "-o", "id")
    assert (done.returncode, sorted(done.stdout.split())) == (0, ["a", "b"]), done
    # Without SQLite's map of the log it would have to be made: only then reading is not possible.
    data.chmod(0o700)
    (data / "store.db-shm").unlink()
    data.chmod(0o500)
    done = ask(shell, reader, "list")
    assert done.returncode == 5
    assert "cannot open the store" in done.stderr
    assert "-wal" in done.stderr


def test_beside_an_owner_who_writes(shell: Shell, data: Path, reader: list[str]) -> None:
    owner = shell.start("start", "Await", "--id", "b", "--wait", "--timeout", "120s")
    shell.until(lambda: "event" in shell.run("get", "b", "-o", "json").out, "the wait")
    for name in ("store.db", "store.db-wal", "store.db-shm"):
        (data / name).chmod(0o400)
    data.chmod(0o500)
    command = [*reader, *shell.command("wait", "b", "--timeout", "120s", "-o", "json")]
    waiting = subprocess.Popen(command, cwd=shell.folder, env=shell.environ, stdout=subprocess.PIPE, text=True)
    try:
        assert ask(shell, reader, "get", "b").returncode == 0
        if reader:  # the superuser, who is the owner here, goes on writing
            shell.ok("raise-event", "b", "go", "--data", "1")
            assert json.loads(waiting.communicate(timeout=LIMIT_SECONDS)[0])["output"] == 1
            assert owner.wait(LIMIT_SECONDS) == 0
    finally:
        waiting.kill()
        waiting.communicate()


def test_a_writer_that_comes_later_is_seen(shell: Shell, data: Path, reader: list[str]) -> None:
    """`wait` begins on a file that nobody has open, and sees what a writer makes of it."""
    if not reader:
        pytest.skip("the writer has to be somebody else")
    forbid(data)
    command = [*reader, *shell.command("wait", "a", "--timeout", "120s", "-o", "json")]
    waiting = subprocess.Popen(
        command, cwd=shell.folder, env=shell.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert waiting.stderr is not None
        assert "no process is executing this store" in waiting.stderr.readline()
        shell.ok("raise-event", "a", "go", "--data", '"late"')
        assert json.loads(waiting.communicate(timeout=LIMIT_SECONDS)[0])["output"] == "late"
    finally:
        waiting.kill()
        waiting.communicate()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mounts")
def test_a_read_only_mount(shell: Shell, data: Path) -> None:
    mounted = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'
    isolated = ["unshare", "-rm", "sh", "-c", mounted, "sh", str(data)]
    if shutil.which("unshare") is None or subprocess.run([*isolated, "true"], capture_output=True).returncode:
        pytest.skip("mounts are not allowed here")
    reads_all(shell, isolated)
    refused = ask(shell, isolated, "raise-event", "a", "go")
    assert refused.returncode == 5
    assert len(refused.stderr.strip().splitlines()) == 2


def test_what_is_read_while_a_writer_comes_is_read_again(
    shell: Shell, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wfctl.engine.store.reading.os.access", lambda path, mode: False)
    store = Reader(data / "store.db")
    assert store.still
    seen: list[int] = []

    def look(db: sqlite3.Connection) -> int:
        seen.append(db.execute("SELECT count(*) FROM instances").fetchone()[0])
        if len(seen) == 1:
            shell.ok("start", "Await", "--id", "b", "--no-drive")
        return seen[-1]

    assert store.ask(look) == 2
    assert seen == [1, 2]
    store.close()


def test_nothing_can_be_written_through_a_reader(data: Path) -> None:
    db = open_reader(data / "store.db")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        db.execute("DELETE FROM instances")
    db.close()


def test_a_store_that_is_named_and_not_there(shell: Shell) -> None:
    shell.app(APP)
    here = shell.environ.pop("WFCTL_STORE")
    elsewhere = str(shell.folder / "typo.db")
    for words in (["list"], ["count"], ["get", "a"], ["wait", "a"], ["pause", "a"], ["purge", "--status", "completed"]):
        done = shell.run(*words, "--store", elsewhere)
        assert (done.status, done.out) == (5, ""), done
        assert f"there is no store at {elsewhere}" in done.err
        assert "wfctl start makes it" in done.err
    shell.environ["WFCTL_STORE"] = elsewhere
    assert shell.run("list").status == 5
    Path(elsewhere).touch()
    assert shell.run("list").status == 5, "a file that nothing was written to yet is no store either"
    shell.ok("start", "Await", "--id", "a")
    shell.ok("list")
    # Nobody named it: then there is just nothing in it yet.
    del shell.environ["WFCTL_STORE"]
    shell.environ["XDG_DATA_HOME"] = str(shell.folder / "data")
    assert shell.ok("list", "-o", "json") == "[]\n"
    assert shell.run("get", "a").status == 3
    (shell.folder / "wfctl.toml").write_text(f'store = "{here}"\n')
    assert shell.ok("list", "-o", "json") == "[]\n", "a project's first start makes the store that its file names"
