"""`list` at a terminal: the pager, the columns, the titles."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest
from harness import Cli

PAGER = """
import sys
lines = []
for line in sys.stdin:
    lines.append(line)
    if sys.argv[2:] and len(lines) >= int(sys.argv[2]):
        break
open(sys.argv[1], "w").write("".join(lines))
"""


@pytest.fixture
def pager(app: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pager that keeps what it gets in a file."""
    script, kept = app / "pager.py", app / "paged.txt"
    script.write_text(PAGER)
    monkeypatch.setenv("WFCTL_PAGER", shlex.join([sys.executable, str(script), str(kept)]))
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("CI", raising=False)
    return kept


@pytest.fixture
def many(cli: Cli, app: Path) -> None:
    lines = "".join(json.dumps({"id": f"n{number:03}"}) + "\n" for number in range(150))
    assert cli("start", "Echo", "--no-drive", "--each", "-", "-q", stdin=lines).status == 0


@pytest.mark.usefixtures("many")
def test_a_long_table_goes_through_the_pager(cli: Cli, pager: Path) -> None:
    result = cli("list", "--sort", "id", tty=True)
    lines = pager.read_text().splitlines()
    assert (result.status, result.out, len(lines)) == (0, "", 151)
    assert ("ID" in lines[0], "n149" in lines[-1]) == (True, True), "all of it, not only a hundred"
    assert "150 instances" in result.err
    pager.unlink()

    for argv in (["--no-pager"], ["--limit", "5"]):
        assert "n000" in cli("list", "--sort", "id", *argv, tty=True).out
    assert "n149" in cli("list").out
    assert not pager.exists(), "neither what fits, nor what is piped"


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(("name", "value"), [("CI", "true"), ("TERM", "dumb"), ("WFCTL_PAGER", "cat")])
def test_no_pager_there(cli: Cli, pager: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    result = cli("list", "--sort", "id", tty=True)
    assert ("n099" in result.out, "n100" in result.out) == (True, False)
    assert "there are more: the same command with --after n099" in result.err
    assert not pager.exists()


@pytest.mark.usefixtures("many")
def test_the_user_leaves_the_pager(cli: Cli, app: Path, pager: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = shlex.join([sys.executable, str(app / "pager.py"), str(pager), "3"])
    monkeypatch.setenv("WFCTL_PAGER", command)
    result = cli("list", "-o", "wide", tty=True)
    assert result.status == 0
    assert len(pager.read_text().splitlines()) == 3


@pytest.mark.usefixtures("many")
def test_a_pager_that_is_not_there(cli: Cli, pager: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WFCTL_PAGER", "no-such-pager")
    assert "n000" in cli("list", "--sort", "id", tty=True).out


@pytest.mark.parametrize("tty", [False, True])
def test_columns_and_titles(cli: Cli, app: Path, tty: bool) -> None:
    cli("start", "Echo", "--id", "one", "--input", '{"a": 1}')
    columns = ("--columns", "status,id,output,created-at", "--color", "never")
    found = cli("list", *columns, tty=tty).out.splitlines()
    assert found[0].split() == ["STATUS", "ID", "OUTPUT", "CREATED", "AT"]
    assert found[1].startswith('COMPLETED  one  {"a": 1}  2'), found[1]
    bare = cli("list", "--columns", "ID", "--no-headers", tty=tty).out
    assert bare == "one\n"
    assert cli("list", "--no-headers", tty=tty).out.startswith("one ")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--columns", "id,nope"], "no column 'nope'"),
        (["--columns", ""], "completed-at"),
        (["--columns", "id", "-o", "json"], "jq"),
    ],
)
def test_wrong_columns(cli: Cli, app: Path, argv: list[str], words: str) -> None:
    result = cli("list", *argv)
    assert (result.status, words in result.err) == (2, True), result.err
