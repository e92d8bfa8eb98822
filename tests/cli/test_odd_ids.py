"""IDs that cannot stand on a line: what older stores and foreign sidecars may hold, and how data stays data."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from harness import Cli

ODD = ["a\nvictim", "b\tc", " victim", "victim ", "d\x1b[31m", "\u202evictim", '{"instanceID": "victim"}', "[", "e\r"]
PLAIN = ["victim", "with space", "a;b", "p:0001"]


@pytest.fixture
def store(cli: Cli, app: Path) -> Path:
    """A store with finished instances of all these IDs, as one has it that an older version wrote."""
    file = app / "store.db"
    for number, instance_id in enumerate([*ODD, *PLAIN]):
        assert cli("start", "Echo", "--id", f"t{number}").status == 0
        db = sqlite3.connect(file)
        with db:
            assert db.execute("UPDATE instances SET id = ? WHERE id = ?", (instance_id, f"t{number}")).rowcount == 1
        db.close()
    return file


def left(cli: Cli) -> set[str]:
    return {row["instanceID"] for row in cli("list", "-o", "json").json}


@pytest.mark.parametrize("verb", [["list"], ["purge", "--status", "COMPLETED", "--dry-run"]])
def test_lines_hold_only_what_is_read_back_as_itself(cli: Cli, store: Path, verb: list[str]) -> None:
    result = cli(*verb, "-o", "id")
    assert result.status == 0
    assert sorted(result.out.splitlines()) == sorted(PLAIN)
    assert f"left out {len(ODD)} IDs that cannot stand on a line" in result.err
    assert "-o jsonl" in result.err
    assert all(char == "\n" or char.isprintable() for char in result.err)


def test_what_lines_name_is_all_that_is_purged(cli: Cli, store: Path) -> None:
    """`a<newline>victim` must not name `victim`, nor `b<tab>c` stop the rest."""
    with sqlite3.connect(store) as db:
        db.execute("DELETE FROM instances WHERE id IN ('victim', 'with space', 'a;b')")
    lines = cli("list", "-o", "id").out
    result = cli("purge", "-", stdin=lines)
    assert result.status == 0, result.err
    assert left(cli) == set(ODD)


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_json_is_the_safe_pipe(cli: Cli, store: Path, form: str) -> None:
    rows = cli("list", "-o", "json").json
    given = [row for row in rows if row["instanceID"] in ODD]
    assert len(given) == len(ODD)
    text = json.dumps(given, indent=2) if form == "json" else "".join(json.dumps(row) + "\n\n" for row in given)
    result = cli("purge", "-", stdin=text)
    assert result.status == 0, result.err
    assert left(cli) == set(PLAIN)


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_what_list_prints_is_what_purge_takes(cli: Cli, store: Path, form: str) -> None:
    result = cli("purge", "-", stdin=cli("list", "-o", form).out)
    assert result.status == 0, result.err
    assert left(cli) == set()


def test_other_json_and_lines(cli: Cli, store: Path) -> None:
    one = cli("get", "victim", "-o", "json").out
    assert one.startswith("{\n")
    assert cli("purge", "-", stdin=one + one).status == 0
    assert cli("purge", "-", stdin='[{"instanceID": "a;b"}, {"instanceID": "p:0001"}]').status == 0
    assert left(cli) == {*ODD, "with space"}
    assert cli("purge", "-", stdin="with space\r\n").status == 0
    assert left(cli) == set(ODD)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"id": "victim"}\n', "without an instanceID"),
        ('{"instanceID": 5}\n', "without an instanceID"),
        ('["victim"]\n', "without an instanceID"),
        ('{"instanceID": ""}\n', "without an instanceID"),
        ('{"instanceID": "victim"}\nvictim\n', "not JSON"),
        ('{"instanceID": "victim"}\n{"instance', "not JSON"),
        ('[{"instanceID": "victim"}', "not JSON"),
        ("{6F9619FF-8B86-D011-B42D-00C04FC964FF}\n", "not JSON"),
        ("victim\nb\tc\n", "'b\\tc'"),
        ("[" * 100_000, "nested"),
    ],
)
def test_stdin_that_is_wrong_anywhere_changes_nothing(cli: Cli, store: Path, text: str, words: str) -> None:
    before = left(cli)
    result = cli("purge", "-", stdin=text)
    assert (result.status, words in result.err) == (2, True), result.err
    assert left(cli) == before


def test_odd_ids_as_words_are_refused_with_the_way_out(cli: Cli, store: Path) -> None:
    result = cli("purge", "a\nvictim")
    assert result.status == 2
    assert "'a\\nvictim'" in result.err
    assert "wfctl list -o jsonl | wfctl purge -" in result.err


def test_no_command_makes_one(cli: Cli, app: Path) -> None:
    cli("start", "Echo", "--id", "done")
    for bad in ("a\nb", "a\tb", " a", "a ", "\x1b[31m", "a\u202e", "a\udc80", ""):
        assert cli("start", "Echo", "--id", bad).status == 2
        assert cli("rerun", "done", "--new-id", bad).status == 2
    assert left(cli) == {"done"}
