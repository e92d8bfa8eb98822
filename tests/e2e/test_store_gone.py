"""A store that is deleted, replaced or given a second name under running processes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import httpx
import pytest
from shell import Shell

pytest.importorskip("uvicorn", reason="needs wfctl[serve]")

from limits import LIMIT_SECONDS
from serve_process import served

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows does not let go of a file that is open")

APP = """
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="Await")
def await_event(ctx, _):
    return (yield ctx.wait_for_external_event("go"))
"""


def delete(store: Path) -> None:
    store.unlink()


def replace(store: Path) -> None:
    other = store.with_name("other")
    other.write_bytes(store.read_bytes())
    os.replace(other, store)


def link(store: Path) -> None:
    os.link(store, store.with_name("second.db"))


@pytest.mark.parametrize(
    ("happens", "words"), [(delete, "was deleted or moved"), (replace, "was replaced"), (link, "has 2 names")]
)
def test_serve_accepts_nothing_more_says_so_and_stops(tmp_path: Path, happens, words: str) -> None:
    app = tmp_path / "app.py"
    app.write_text(APP)
    with served(tmp_path, app=str(app)) as server:
        server.start("Await", "before")
        happens(tmp_path / "store.db")
        path = "/v1.0/workflows/dapr/Await/start?instanceID=lost"
        try:
            answer = server.http.post(path, content="")
        except httpx.TransportError:
            pass  # it has stopped already
        else:
            assert answer.status_code == 500, answer.text
            assert words in answer.json()["message"]
        assert server.process.wait(LIMIT_SECONDS) == 5
    said = (tmp_path / "log").read_text().splitlines()
    assert [line for line in said if line.startswith("wfctl: the store ") and words in line], said


def test_a_command_that_drives_is_told(shell: Shell) -> None:
    shell.app(APP)
    first = shell.start("start", "Await", "--id", "a", "--wait")
    shell.until(lambda: "event" in shell.run("get", "a", "-o", "json").out, "the wait")
    delete(shell.folder / "store.db")
    _, err = first.communicate(timeout=LIMIT_SECONDS)
    assert first.returncode == 5
    assert "was deleted or moved while it was in use" in err


def test_a_store_with_two_names_is_refused(shell: Shell) -> None:
    shell.app(APP)
    shell.ok("start", "Await", "--id", "a")
    link(shell.folder / "store.db")
    for words in (("list",), ("run",), ("get", "a"), ("terminate", "a"), ("list", "--store", "second.db")):
        refused = shell.run(*words)
        assert refused.status == 5, words
        assert "has 2 names (hard links)" in refused.err
    (shell.folder / "second.db").unlink()
    assert "a" in shell.ok("list")
