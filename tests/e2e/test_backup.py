"""`wfctl backup`, `wfctl restore`, and what a plain copy of the store's file holds once a command has ended."""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import sqlite3
import sys
from pathlib import Path

import pytest
from kills import killed_everywhere
from limits import LIMIT_SECONDS
from shell import Shell

from wfctl.engine.store import backup, database, reading

APP = """
import time
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="Count")
def count(ctx, steps):
    total = 0
    for number in range(steps):
        total += yield ctx.call_activity(step, input=number)
    return total

@wfr.activity(name="Step")
def step(ctx, number):
    with open("steps.txt", "a") as file:
        file.write(f"{number}\\n")
    time.sleep(0.001)
    return number

@wfr.workflow(name="Await")
def await_event(ctx, _):
    return (yield ctx.wait_for_external_event("go"))
"""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a schema has to be is worked out in memory: once is enough."""
    monkeypatch.setattr(backup, "_expected_schema", functools.cache(backup._expected_schema))
    backup._expected_schema(database.SCHEMA_VERSION)


def ids(shell: Shell, *words: str) -> list[str]:
    return sorted(shell.ok("list", "-o", "id", *words).split())


def steps(shell: Shell) -> int:
    path = shell.folder / "steps.txt"
    return len(path.read_text().split()) if path.exists() else 0


def kept(shell: Shell) -> list[Path]:
    return sorted(shell.folder.glob("store.db.*.before-restore.bak"))


# --- backup ----------------------------------------------------------------------------------------------------------


def test_a_backup_while_an_owner_writes_is_one_moment_of_the_store(shell: Shell) -> None:
    shell.app(APP)
    owner = shell.start("start", "Count", "--id", "long", "--input", "1500")
    shell.until(lambda: steps(shell) >= 20, "steps")
    file = shell.folder / "copy.db"
    written = json.loads(shell.ok("backup", str(file), "-o", "json"))
    assert written == {
        "store": str(shell.folder / "store.db"),
        "file": str(file),
        "kept": None,
        "schema": database.SCHEMA_VERSION,
        "instances": 1,
        "live": 1,
    }
    before = steps(shell)
    shell.until(lambda: steps(shell) > before, "the owner goes on")
    assert owner.poll() is None
    assert os.name != "posix" or file.stat().st_mode & 0o777 == 0o600
    assert not list(shell.folder.glob("copy.db?*")), "one file, whole by itself"
    history = json.loads(shell.ok("history", "long", "-o", "json", "--store", str(file)))
    done = [event for event in history if event["type"] == "TaskCompleted"]
    assert 0 < len(done) <= before
    # The copy is a store of its own: it can be driven on from its moment.
    owner.kill()
    owner.communicate()
    shell.ok("run", "--store", str(file))
    found = json.loads(shell.ok("get", "long", "-o", "json", "--store", str(file)))
    assert (found["runtimeStatus"], found["output"]) == ("COMPLETED", sum(range(1500)))


def test_a_file_that_exists_is_replaced_only_by_force(shell: Shell) -> None:
    shell.app(APP)
    shell.ok("start", "Await", "--id", "a")
    file = shell.folder / "copy.db"
    file.write_text("precious")
    refused = shell.run("backup", str(file))
    assert refused.status == 4
    assert "--force" in refused.err
    assert file.read_text() == "precious"
    shell.ok("backup", str(file), "--force")
    assert ids(shell, "--store", str(file)) == ["a"]
    (shell.folder / "copy.db-wal").write_text("")
    assert shell.run("backup", str(file), "--force").status == 4, "it is in use as a store"
    pipe = file.with_name("pipe")
    os.mkfifo(pipe)  # as /dev/null, which root could replace
    refused = shell.run("backup", str(pipe), "--force")
    assert (refused.status, "no ordinary file" in refused.err, pipe.is_fifo()) == (2, True, True)


def test_places_that_cannot_be(shell: Shell) -> None:
    shell.app(APP)
    no_store = shell.run("backup", "copy.db")
    assert no_store.status == 5
    assert "there is no store" in no_store.err
    shell.ok("start", "Await", "--id", "a")
    for place, status in (
        (shell.folder / "store.db", 2),
        (shell.folder, 2),
        (shell.folder / "nowhere" / "copy.db", 2),
        (Path("/proc/copy.db"), 5),
    ):
        if place.parent.name == "proc" and not place.parent.exists():
            continue
        refused = shell.run("backup", str(place), "--force")
        assert refused.status == status, refused
        assert len(refused.err.strip().splitlines()) == 2
    assert ids(shell) == ["a"]


@pytest.mark.skipif(sys.platform == "win32", reason="a limit on file sizes needs POSIX")
def test_no_room_for_a_backup_leaves_nothing(shell: Shell) -> None:
    import resource
    import subprocess

    shell.app(APP)
    shell.ok("start", "Await", "--id", "a")
    done = subprocess.run(
        shell.command("backup", "copy.db"),
        cwd=shell.folder,
        env=shell.environ,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000)),
        timeout=LIMIT_SECONDS,
    )
    assert done.returncode == 5, done
    assert "cannot make the copy" in done.stderr
    assert not list(shell.folder.glob("copy.db*"))


def test_a_damaged_store_makes_no_backup(shell: Shell) -> None:
    shell.app(APP)
    shell.ok("start", "Await", "--id", "a")
    damage(shell.folder / "store.db")
    refused = shell.run("backup", "copy.db")
    assert refused.status == 5
    assert "is damaged" in refused.err
    assert "wfctl restore" in refused.err
    assert not (shell.folder / "copy.db").exists()


def damage(path: Path) -> None:
    """Overwrite the cells of an index, which a read of the table does not meet."""
    db = sqlite3.connect(path)
    page = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'instances_status'").fetchone()[0]
    size = db.execute("PRAGMA page_size").fetchone()[0]
    db.close()
    data = bytearray(path.read_bytes())
    data[(page - 1) * size + 8 : page * size] = b"\xff" * (size - 8)
    path.write_bytes(data)


def test_a_sidecar_is_not_backed_up(shell: Shell) -> None:
    for words in (["backup", "copy.db"], ["restore", "copy.db", "--yes"]):
        refused = shell.run(*words, "--target", "http://127.0.0.1:9")
        assert refused.status == 5
        assert "only the store of the embedded engine" in refused.err


def test_doctor_names_the_newest_backup(shell: Shell) -> None:
    shell.app(APP)
    shell.ok("start", "Await", "--id", "a")

    def said() -> dict[str, str]:
        return next(one for one in json.loads(shell.ok("doctor", "-o", "json")) if one["check"] == "backup")

    assert said()["level"] == "ok"
    assert "wfctl backup FILE" in said()["fix"]
    shell.ok("backup", "one.db")
    shell.ok("backup", "two.db")
    assert said()["detail"].startswith(str(shell.folder / "two.db"))
    (shell.folder / "two.db").unlink()
    assert said()["level"] == "warning"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks to kill")
def test_a_backup_killed_at_any_moment_is_there_or_not(shell: Shell, quick: None) -> None:
    shell.app(APP)
    shell.ok("start", "Await", "--id", "a")
    store, file = shell.folder / "store.db", shell.folder / "copy.db"
    seen: set[bool] = set()

    def begin() -> None:
        for leftover in shell.folder.glob("copy.db*"):
            leftover.unlink()

    def look() -> None:
        seen.add(file.exists())
        if file.exists():
            with backup.opened(file) as found:
                assert found.contents.instances == 1
        assert len(names(store)) == 1

    assert killed_everywhere(begin, lambda: backup.backup(store, file), look) > 30
    assert seen == {False, True}


# --- restore ---------------------------------------------------------------------------------------------------------


def names(path: Path) -> list[str]:
    db = reading.open_reader(path)
    try:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [name for (name,) in db.execute("SELECT id FROM instances ORDER BY id")]
    finally:
        db.close()


def test_what_happened_since_the_backup_is_undone_and_kept(shell: Shell) -> None:
    shell.app(APP)
    shell.ok("start", "Await", "--id", "a")
    shell.ok("start", "Count", "--id", "c", "--input", "3", "--no-drive")
    shell.ok("backup", "copy.db")
    shell.ok("raise-event", "a", "go", "--data", "1")
    shell.ok("run")
    shell.ok("start", "Await", "--id", "b")
    assert steps(shell) == 3
    done = shell.run("restore", "copy.db", "--yes")
    assert done.status == 0, done
    (former,) = kept(shell)
    assert f"as it was before: {former}" in done.err
    assert ids(shell) == ["a", "c"]
    assert ids(shell, "--store", str(former)) == ["a", "b", "c"]
    assert os.name != "posix" or former.stat().st_mode & 0o777 == 0o600
    # The store goes on from the backup: its activities run again.
    shell.ok("run")
    assert steps(shell) == 6
    shell.ok("raise-event", "a", "go", "--data", "2")
    assert shell.ok("result", "a").strip() == "2"
    # And the other way.
    shell.ok("restore", str(former), "--yes")
    assert ids(shell) == ["a", "b", "c"]
    assert shell.ok("result", "a").strip() == "1"


def test_it_asks(shell: Shell) -> None:
    shell.app(APP)
    shell.ok("start", "Await", "--id", "a")
    shell.ok("backup", "copy.db")
    shell.ok("start", "Await", "--id", "b")
    refused = shell.run("restore", "copy.db")
    assert refused.status == 8
    assert "2 instances, 2 live" in refused.err
    assert "1 instance, 1 live" in refused.err
    assert "--yes" in refused.err
    assert ids(shell) == ["a", "b"]
    assert kept(shell) == []
    shutil.move(shell.folder / "store.db", shell.folder / "away.db")
    shell.ok("restore", "copy.db")  # nothing is replaced, so nothing is asked
    assert ids(shell) == ["a"]
    assert kept(shell) == []


@pytest.mark.skipif(sys.platform == "win32", reason="hard links")
def test_a_backup_that_is_kept_as_a_hard_link(shell: Shell) -> None:
    """As rsnapshot keeps what has not changed. A store with two names is refused; to read a backup does no harm."""
    shell.app(APP)
    shell.ok("start", "Await", "--id", "a")
    shell.ok("backup", "copy.db")
    os.link(shell.folder / "copy.db", shell.folder / "yesterday.db")
    assert shell.run("list", "--store", str(shell.folder / "yesterday.db")).status == 5
    shell.ok("restore", "yesterday.db", "--yes")
    assert ids(shell) == ["a"]


def test_not_while_somebody_drives(shell: Shell) -> None:
    shell.app(APP)
    shell.ok("start", "Await", "--id", "a")
    shell.ok("backup", "copy.db")
    owner = shell.start("start", "Await", "--id", "b", "--wait", "--timeout", "120s")
    shell.until(lambda: "event" in shell.run("get", "b", "-o", "json").out, "the wait")
    refused = shell.run("restore", "copy.db", "--yes")
    assert refused.status == 5
    assert "a process is executing the store" in refused.err
    shell.ok("raise-event", "b", "go", "--data", "1")
    assert owner.wait(LIMIT_SECONDS) == 0
    assert ids(shell) == ["a", "b"]


def test_only_what_is_whole_and_a_store_is_restored(shell: Shell) -> None:
    shell.app(APP)
    shell.ok("start", "Await", "--id", "a")
    shell.ok("backup", "good.db")
    before = (shell.folder / "store.db").read_bytes()

    def refused(name: str, *words: str) -> None:
        done = shell.run("restore", name, "--yes")
        assert done.status == 5, done
        assert all(word in done.err for word in words), done.err
        assert (shell.folder / "store.db").read_bytes() == before
        assert kept(shell) == []

    refused("nosuch.db", "there is no store at")
    (shell.folder / "text.db").write_text("shopping list " * 500)
    refused("text.db", "not a wfctl store")
    shutil.copy(shell.folder / "good.db", shell.folder / "damaged.db")
    damage(shell.folder / "damaged.db")
    refused("damaged.db", "is damaged")
    for sql, words in (
        ("DROP INDEX instances_wake", "lacks the index instances_wake"),
        ("DROP TABLE wanted", "lacks the table wanted"),
        ("ALTER TABLE early_events RENAME COLUMN event TO other", "lacks the table early_events"),
        ("CREATE TRIGGER t AFTER INSERT ON inbox BEGIN DELETE FROM inbox; END", "has a trigger t"),
        ("PRAGMA user_version = 99", "newer wfctl"),
        ("PRAGMA application_id = 7", "not a wfctl store"),
    ):
        shutil.copy(shell.folder / "good.db", shell.folder / "bad.db")
        db = sqlite3.connect(shell.folder / "bad.db", isolation_level=None)
        db.execute(sql)
        db.close()
        refused("bad.db", words)


def test_nothing_but_a_store_is_replaced(shell: Shell) -> None:
    shell.app(APP)
    shell.ok("start", "Await", "--id", "a")
    shell.ok("backup", "good.db")
    (shell.folder / "text.db").write_text("shopping list " * 500)
    mine = sqlite3.connect(shell.folder / "mine.db")
    mine.execute("CREATE TABLE mine (a)")
    mine.close()
    for name in ("text.db", "mine.db"):
        before = (shell.folder / name).read_bytes()
        refused = shell.run("restore", "good.db", "--store", str(shell.folder / name), "--yes")
        assert refused.status == 5, refused
        assert "not a wfctl store" in refused.err
        assert (shell.folder / name).read_bytes() == before


def test_a_damaged_store_is_replaced_and_kept(shell: Shell) -> None:
    shell.app(APP)
    shell.ok("start", "Await", "--id", "a")
    shell.ok("backup", "good.db")
    path = shell.folder / "store.db"
    damage(path)
    data = bytearray(path.read_bytes())
    data[100:4096] = b"\xff" * 3996  # the schema, behind the header
    path.write_bytes(data)
    broken = shell.run("list")
    assert broken.status == 5
    assert "wfctl restore" in broken.err
    shell.ok("restore", "good.db", "--yes")
    assert ids(shell) == ["a"]
    assert names(path) == ["a"]
    (former,) = kept(shell)
    assert former.read_bytes()[100:4096] == b"\xff" * 3996


def test_the_log_of_a_killed_owner_does_not_get_into_the_restored_store(shell: Shell) -> None:
    shell.app(APP)
    shell.ok("start", "Await", "--id", "a")
    shell.ok("backup", "copy.db")
    for gone in (False, True):
        owner = shell.start("start", "Count", "--id", "long", "--input", "3000")
        before = steps(shell)
        shell.until(lambda before=before: steps(shell) >= before + 50, "steps")  # type: ignore[misc]
        owner.kill()
        owner.communicate()
        assert (shell.folder / "store.db-wal").stat().st_size
        if gone:  # whoever deletes the file of a store leaves its log behind
            (shell.folder / "store.db").unlink()
        shell.ok("restore", "copy.db", "--yes")
        assert ids(shell) == ["a"]
        assert names(shell.folder / "store.db") == ["a"]
        if not gone:  # what was only in the log is in the copy
            assert names(kept(shell)[-1]) == ["a", "long"]


def test_a_commit_beside_a_restore_is_in_one_of_the_two(shell: Shell) -> None:
    """Others may write meanwhile: what they were told was done is in the copy, or in the store."""
    shell.app(APP)
    shell.ok("start", "Await", "--id", "a")
    shell.ok("backup", "copy.db")
    for number in range(2):
        writers = [shell.start("start", "Await", "--id", f"w{number}-{one}", "--no-drive") for one in range(3)]
        shell.ok("restore", "copy.db", "--yes")
        for writer in writers:
            assert writer.wait(LIMIT_SECONDS) == 0, writer.communicate()
        found = {*ids(shell), *names(kept(shell)[-1])}
        assert {f"w{number}-{one}" for one in range(3)} <= found
        assert "a" in ids(shell)


def test_so_many_former_stores_are_kept_and_no_more(shell: Shell) -> None:
    shell.app(APP)
    shell.ok("start", "Await", "--id", "a")
    shell.ok("backup", "copy.db")
    made: list[Path] = []
    for _ in range(5):
        shell.ok("restore", "copy.db", "--yes")
        made += [file for file in kept(shell) if file not in made]
    assert len(made) == 5
    assert kept(shell) == made[-3:]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks to kill")
@pytest.mark.parametrize("store_there", [True, False])
def test_a_restore_killed_at_any_moment_leaves_the_old_store_or_the_new_one(
    shell, monkeypatch: pytest.MonkeyPatch, quick: None, store_there: bool
) -> None:
    shell.app(APP)
    shell.ok("start", "Await", "--id", "old")
    shell.ok("backup", "copy.db")
    new, store = shell.folder / "new.db", shell.folder / "store.db"
    shutil.copy(shell.folder / "copy.db", new)
    for name in ("n1", "n2"):
        shell.ok("start", "Await", "--id", name, "--store", str(new), "--no-drive")
    # What lies in the log of the old store is part of it: a killed owner has left it there.
    owner = shell.start("start", "Await", "--id", "logged", "--wait", "--timeout", "120s")
    shell.until(lambda: "event" in shell.run("get", "logged", "-o", "json").out, "the wait")
    owner.kill()
    owner.communicate()
    old = {path.name: path.read_bytes() for path in shell.folder.glob("store.db*") if not path.name.endswith("-shm")}
    assert old["store.db-wal"]
    monkeypatch.setattr(backup, "STEP_PAGES", 7)
    seen: set[tuple[str, ...]] = set()

    def begin() -> None:
        for file in shell.folder.glob("store.db*"):
            file.unlink()
        for name, data in old.items():
            if store_there or name != "store.db":
                (shell.folder / name).write_bytes(data)

    def work() -> None:
        with backup.opened(new) as found:
            found.put(store)

    def look() -> None:
        try:
            left = tuple(names(store))
        except reading.NoStore:
            left = ()
        seen.add(left)
        for file in shell.folder.glob("*.bak"):
            assert names(file) == ["logged", "old"]
        assert names(new) == ["n1", "n2", "old"]

    assert killed_everywhere(begin, work, look) > 30
    assert seen == {("logged", "old") if store_there else (), ("n1", "n2", "old")}


# --- the file alone --------------------------------------------------------------------------------------------------


def alone(shell: Shell) -> list[str]:
    """What a copy of the store's file holds, without what lies beside it."""
    folder = shell.folder / "alone"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(shell.folder / "store.db", folder)
    return names(folder / "store.db")


def test_the_file_alone_is_whole_when_a_command_has_ended(shell: Shell) -> None:
    """Also while somebody reads, who keeps SQLite from tidying up by itself."""
    shell.app(APP)
    shell.ok("start", "Await", "--id", "a")
    watching = shell.start("watch", "a", "-o", "jsonl")
    assert watching.stdout is not None
    assert watching.stdout.readline()
    assert alone(shell) == ["a"]
    shell.ok("start", "Count", "--id", "b", "--input", "5", "--wait")
    assert alone(shell) == ["a", "b"]
    shell.ok("start", "Await", "--id", "c", "--no-drive")
    assert alone(shell) == ["a", "b", "c"]
    shell.ok("purge", "b")
    assert alone(shell) == ["a", "c"]
    shell.ok("run")
    assert (shell.folder / "store.db-wal").stat().st_size == 0
    watching.kill()
    watching.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)])
@pytest.mark.parametrize("words", [("start", "Await", "--id", "b", "--wait"), ("wait", "a")])
def test_the_file_alone_is_whole_when_a_command_was_told_to_end(
    shell: Shell, number: int, words: tuple[str, ...]
) -> None:
    shell.app(APP)
    shell.ok("start", "Await", "--id", "a")
    command = shell.start(*words)
    store = str(shell.folder / "store.db")
    shell.until(
        lambda: '"driver"' not in shell.run("get", words[-2 if "--wait" in words else -1], "-o", "json").out, "x"
    )
    shell.until(lambda: reading.open_reader(Path(store)).execute("SELECT 1 FROM owner").fetchone(), "the owner")
    command.send_signal(number)
    assert command.wait(LIMIT_SECONDS) == (130 if number == signal.SIGINT else 128 + number), command.communicate()
    assert alone(shell) == (["a", "b"] if "b" in words else ["a"])
    assert not list(shell.folder.glob("store.db-wal")) or not (shell.folder / "store.db-wal").stat().st_size
    shell.ok("run")
