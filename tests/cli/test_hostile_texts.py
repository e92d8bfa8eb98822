"""Names, IDs and payloads are anybody's text: whatever they hold, a terminal shows it and does not obey it."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import pytest
from harness import Cli

HOSTILE = {
    "title": "\x1b]0;owned\x07",
    "screen": "\x1b[2J\x1b[H",
    "c1": "\x9b31m",
    "link": "\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\",
    "markup": "[red]R[/red][link=file:///etc/passwd]L[/link]",
    "markup that does not end": "[/] [bold",
    "emoji code": ":warning:",
    "direction": "\u202eRTL\u2066x",
    "invisible": "\u200ba\ufeff\xad",
    "tags": "\U000e0001\U000e0041tag",
    "lines": "\r\nforged: line",
    "separators": "\x85nel\u2028ls",
    "backspaces": "ab\x08\x08cd",
    "nul": "a\x00b\x7f",
    "wide": "日本語" * 30,
    "marks": "a" + "\u0301" * 60,
    "long": "a" * 600,
}
# What a terminal would obey, or would not show. SGR, with which wfctl itself colours, is taken out before.
SGR = re.compile(r"\x1b\[[0-9;]*m")
OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e0fff]"
)


@pytest.fixture
def hostile(request: pytest.FixtureRequest, cli: Cli, app: Path) -> str:
    """A store in which everything that is text is this one."""
    text = HOSTILE[request.param]
    assert cli("start", "Echo", "--id", "e1", "--wait").status == 0
    assert cli("start", "Approval", "--id", "v1", "--input", "5").status == 0
    db = sqlite3.connect(app / "store.db")
    failure = json.dumps({"error_type": text, "message": text, "stack_trace": text})
    db.execute(
        "UPDATE instances SET name = ?, custom_status = ?, failure = ?, version = ?, parent_id = ?, stall = ?,"
        " output = ?",
        (text, text, failure, text, text, "PATCH_MISMATCH: " + text, json.dumps({text: text})),
    )
    db.execute("UPDATE instances SET status = 3, id = ? WHERE id = 'e1'", ("I" + text,))
    for row, events in db.execute("SELECT row, events FROM history").fetchall():
        found = json.loads(events)
        for event in found:
            event.update({key: text for key in ("name", "input", "result", "output") if key in event})
        db.execute("UPDATE history SET events = ? WHERE row = ?", (json.dumps(found), row))
    db.commit()
    db.close()
    return text


@pytest.mark.parametrize("hostile", list(HOSTILE), indirect=True)
def test_a_terminal_obeys_nothing(cli: Cli, hostile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("PAGER", "cat")
    one, plain = "I" + hostile, hostile.replace("\0", "")
    commands = [
        ["list"],
        ["list", "-o", "wide"],
        ["count"],
        ["list", "--name", hostile],
        ["get", hostile],
        ["start", hostile],
        ["purge", "--name", hostile, "--dry-run"],
        ["terminate", "--name", hostile, "--yes"],
        ["raise-event", "v1", "x" + hostile, "--data", json.dumps(hostile)],
        ["wait", one],
        ["result", one],
        ["rerun", "v1", "--from", hostile, "--plan"],
        ["list", "--target", hostile],
        ["list", "--store", f"nowhere/{plain}"],
        ["list", "--status", hostile],
        ["list", "-o", hostile],
        ["x" + hostile],
        ["help", hostile],
        ["workflows", "--app", plain],
        ["workflows", "--app", plain + ".py"],
        ["doctor"],
        ["config", "show", "--app", plain],
    ]
    for instance in ("v1", one):
        commands += [[name, instance] for name in ("get", "history", "steps", "tree")]
        commands += [["steps", instance, "--timeline"], ["get", instance, "-o", "wide"]]
    for argv in commands:
        said = cli(*argv, "--color", "always", tty=True)
        for text in (SGR.sub("", said.out), SGR.sub("", said.err)):
            assert OBEYED.search(text) is None, (argv, text)
            assert re.search("^forged", text, re.MULTILINE) is None, (argv, text)
            assert "unexpected error" not in text, (argv, text)
            assert "[\\" not in text, (argv, text)  # as Rich escapes its markup


@pytest.mark.parametrize("hostile", ["markup", "markup that does not end", "emoji code"], indirect=True)
def test_markup_is_text(cli: Cli, hostile: str) -> None:
    for argv in (["list", "-o", "wide"], ["count", "--by", "name"], ["get", "v1"], ["history", "v1"], ["tree", "v1"]):
        said = cli(*argv, "--color", "always", tty=True)
        assert hostile in SGR.sub("", said.out), (argv, said.out)
    assert hostile in SGR.sub("", cli("start", hostile, "--color", "always", tty=True).err)
