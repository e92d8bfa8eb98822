"""Instance IDs that shells might obey: real shells on a terminal, TAB and Enter, and what ran then.

Any client of a sidecar may choose an ID. Whatever it holds, `wfctl get TAB Enter` runs `wfctl get` with that very ID as
one word, or with nothing where the ID cannot be inserted.
"""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from limits import LIMIT_SECONDS

from wfctl.cli.complete.protocol import lines
from wfctl.cli.complete.scripts import SCRIPTS
from wfctl.engine import operations
from wfctl.engine.store import database
from wfctl.engine.transaction import StoreUnit
from wfctl.model.instance import StartRequest

ROOT = Path(__file__).parents[2]
EVIL_NAME = "`pwn`\x1b]0;evil\x07\n$(pwn)\t: [x] 'q"  # of a workflow: what stands beside a candidate

INSERTED = [
    *("plain-1", "p:0001", "é中", "a\u00a0b", "a||b@c", "a,b", "a.b/c+d%e"),
    *("a'b", "'", "''", "it's $(pwn)'s", 'a"b', '"', '""', "'\"'", "';pwn;'", '";pwn;"', "'$(pwn)'"),
    *("`pwn`", "a`pwn`b", "$(pwn)", "a$(pwn)b", "y`pwn`y", "${HOME}", "$HOME", "a$HOME", "$", "$$", "<(pwn)", "$'pwn'"),
    *("a b", "a  b", "a;pwn", ";pwn", "a&pwn", "a|pwn", "a||pwn", "a>pwned", ">pwned", "<x", "(pwn)", "a(pwn)", "()"),
    *("\\", "\\\\", "a\\", "a b\\", "\\a", "a\\b", "a\\nb", "\\$(pwn)", "\\'pwn", "a\\\\'", "\\x41", "\\e[31m"),
    *("!", "!!", "a!!b", "!pwn", "!$", "a!", '!"', "*", "a*", "?", "[a-z]", "[", "]", "[x", "{a,b}", "{", "}"),
    *("~", "~root", "~/x", "a~", "a=~", "#", "#a", "a#b", "=ls", "=", "a=b", "a=$(pwn)", ":", "a:$(pwn)", "a:`pwn`"),
    *("%1", "^a^b", "+x", "@", "@a", "^", "a\u2019;pwn;\u2018b", "\u201d;pwn;\u201c", "a -- b", "a --force", "a;;;"),
]  # fmt: skip
LEFT_OUT = [
    *("-", "-x", "--force", "--", "--store=pwned", ":files", "a\nb", "\n", "a\npwn\n", "a\n:files", "a\tb", " a", "a "),
    *("a\rpwn\r", "\x1b[31m", "a\x03b", "a\x15pwn\rb", "\x00a", "a\x7fb", "\x9b31m", "\u202ea", "\x16\x0apwn"),
]  # fmt: skip
SOME = [
    *("plain-1", "a'b", "it's $(pwn)'s", '";pwn;"', "';pwn;'", "y`pwn`y", "$(pwn)", "$HOME", "a b", ";pwn", ">pwned"),
    *("\\", "\\$(pwn)", "\\'pwn", "a\\\\'", "!!", '!"', "a!!b!", "*", "{a,b}", "~", "#", "=ls", "a=$(pwn)", "a:`pwn`"),
]  # fmt: skip
LEFT_OUT_BY = {"fish": ("~",), "bash'": ("'",), 'bash"': ("!",)}  # what begins so, by shell and opening quote


def store_of(file: Path, ids: list[str]) -> None:
    """A store as an older version, which took any ID, may have left it."""
    db = database.open_store(file)
    try:
        for number, instance_id in enumerate(ids):
            database.begin(db)
            request = StartRequest(EVIL_NAME, f"t{number}", None)
            operations.start(StoreUnit(db, datetime.now(timezone.utc)), request)
            db.execute("COMMIT")
            with contextlib.closing(sqlite3.connect(file)) as other, other:
                other.execute("UPDATE instances SET id = ? WHERE id = ?", (instance_id, f"t{number}"))
    finally:
        db.close()


class Ground:
    """A folder where `wfctl` completes from the store at hand and only writes down how it is run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.empty = folder / "empty"
        self.bin = folder / "bin"
        for each in (self.home, self.empty, self.bin):
            each.mkdir(parents=True)
        self.ran = folder / "ran"
        self.ran.touch()
        self.at_hand = folder / "at-hand"
        self._made: dict[tuple[str, ...], Path] = {}
        self._program(
            "wfctl",
            'if [ -n "$_WFCTL_COMPLETE" ]; then\n'
            f"    WFCTL_STORE=$(cat '{self.at_hand}') exec '{sys.executable}' -m wfctl \"$@\"\n"
            "fi\n"
            f"printf '%s\\0' \"$#\" \"$@\" >> '{self.ran}'\n",
        )
        self._program("pwn", f"printf '1\\0PWNED\\0' >> '{self.ran}'\n")
        self.environ = {
            "HOME": str(self.home),
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm",
            "LC_ALL": "C.UTF-8",
            "WFCTL_TARGET": "embedded",
            "WFCTL_COMPLETE_TIMEOUT": "6h",
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_DATA_HOME": str(self.home / "data"),
            "XDG_CACHE_HOME": str(self.home / "cache"),
        }

    def _program(self, name: str, text: str) -> None:
        (self.bin / name).write_text(f"#!/bin/sh\n{text}")
        (self.bin / name).chmod(0o755)

    def hold(self, *ids: str) -> Path:
        """From now on, these are the instances. Returns their store."""
        if ids not in self._made:
            self._made[ids] = self.folder / f"store-{len(self._made)}.db"
            store_of(self._made[ids], list(ids))
        self.at_hand.write_text(str(self._made[ids]))
        return self._made[ids]

    def runs(self) -> list[list[str]]:
        """The arguments of each run."""
        *words, _ = self.ran.read_text().split("\0")
        found = []
        while words:
            count = int(words[0])
            found.append(words[1 : 1 + count])
            del words[: 1 + count]
        return found


class Terminal:
    """A shell on a terminal, and somebody who types."""

    def __init__(self, ground: Ground, argv: list[str]) -> None:
        self.ground = ground
        self.screen = ""
        self._process, self._master = pty.fork()
        if self._process == 0:
            os.chdir(ground.empty)
            os.execvpe(argv[0], argv, ground.environ)

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def until(self, holds: object, what: str) -> None:
        """Read what the shell writes until `holds()`, or until the text stands there."""
        assert callable(holds)
        deadline = time.monotonic() + LIMIT_SECONDS
        while not holds():
            assert time.monotonic() < deadline, f"never happened: {what}; the screen: {self.screen[-600:]!r}"
            if select.select([self._master], [], [], 0.02)[0]:
                self.screen += os.read(self._master, 65536).decode(errors="replace")

    def see(self, pattern: str, since: int = 0) -> None:
        self.until(lambda: re.search(pattern, self.screen[since:]), repr(pattern))

    def ran(self, keys: str) -> list[list[str]]:
        """What ran by these keys; nothing where the shell wants the rest of an unfinished line."""
        before, seen = len(self.ground.runs()), len(self.screen)
        self.press(keys)
        self.until(lambda: len(self.ground.runs()) > before or "MORE> " in self.screen[seen:], f"a run by {keys!r}")
        if len(self.ground.runs()) == before:
            seen = len(self.screen)
            self.press("\x03")
            self.see(r"\^C", seen)
            self.press("\r")  # bash heeds an interrupt with the key after it
            self.see("READY> ", seen)
        # What else this line brings about is done before the next line is read.
        self.press("wfctl mark\r")
        self.until(lambda: ["mark"] in self.ground.runs()[before:], "the next line")
        self.see("READY> ", seen)
        found = self.ground.runs()[before:]
        return [run for run in found if run != ["mark"]]

    def close(self) -> None:
        os.kill(self._process, 9)
        os.close(self._master)
        os.waitpid(self._process, 0)


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path / "ground")


def shell_argv(shell: str, ground: Ground) -> list[str]:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    script = ground.folder / "script"
    script.write_text(SCRIPTS[shell])
    if shell == "bash":
        rc = ground.home / "rc"
        rc.write_text(f"PS1='READY> '\nPS2='MORE> '\nbind 'set enable-bracketed-paste off'\n. '{script}'\n")
        return [found, "--rcfile", str(rc), "-i"]
    if shell == "zsh":
        (ground.home / ".zshrc").write_text(
            "PS1='READY> '\nPS2='MORE> '\nunset zle_bracketed_paste\nunsetopt prompt_sp\n"
            f"autoload -Uz compinit && compinit -u -d '{ground.home}/dump'\n. '{script}'\n"
        )
        return [found, "-i"]
    settings = ground.home / "config" / "fish"
    settings.mkdir(parents=True)
    for data in (ground.home / ".local" / "share", ground.home / "data"):  # else it reads all man pages first
        (data / "fish" / "generated_completions").mkdir(parents=True)
    (settings / "config.fish").write_text(
        f"function fish_prompt; printf 'READY> '; end\nset -g fish_greeting\nsource '{script}'\n"
    )
    return [found, "-i"]


@pytest.fixture(params=["bash", "zsh", "fish"])
def shell(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def terminal(shell: str, ground: Ground) -> Iterator[Terminal]:
    made = Terminal(ground, shell_argv(shell, ground))
    made.see("READY> ")
    yield made
    made.close()
    assert ["PWNED"] not in ground.runs()
    assert list(ground.empty.iterdir()) == []


def inserted(shell: str, among: list[str]) -> list[str]:
    return [one for one in among if not one.startswith(LEFT_OUT_BY.get(shell, ()))]


def test_tab_and_enter(shell: str, terminal: Terminal) -> None:
    ran = {}
    for instance_id in [*INSERTED, *LEFT_OUT]:
        terminal.ground.hold(instance_id)
        ran[instance_id] = terminal.ran("wfctl get \t\r")
    wanted = {one: [["get", one]] if one in inserted(shell, INSERTED) else [["get"]] for one in ran}
    assert ran == wanted


@pytest.mark.parametrize("quote", ["'", '"'])
def test_behind_an_opening_quote(shell: str, terminal: Terminal, quote: str) -> None:
    """The shell closes the quote behind what it inserts."""
    ran = {}
    for instance_id in inserted(shell, SOME):
        terminal.ground.hold(instance_id)
        ran[instance_id] = terminal.ran(f"wfctl get {quote}\t\r")
    assert ran == {one: [["get", one]] if one in inserted(shell + quote, SOME) else [] for one in ran}


@pytest.mark.parametrize(
    ("begun", "head"),
    [("k", "k"), ("'k", "k"), ('"k', "k"), ("k' ", "k "), ('k"', "k"), ("k:", "k:"), ("k\\ ", "k "), ("'k 'k", "k k")],
)
def test_behind_half_a_word(shell: str, terminal: Terminal, begun: str, head: str) -> None:
    """What is typed stays; the rest is inserted so that both are the ID, or nothing is."""
    ran = {}
    for odd in SOME[::3]:
        terminal.ground.hold(head + odd, "other")
        ran[head + odd] = terminal.ran(f"wfctl get {begun}\t\r")
    whole = [one for one, found in ran.items() if found == [["get", one]]]
    assert all(ran[one] in ([], [["get", head]]) for one in ran if one not in whole), ran
    assert len(whole) >= len(ran) - 1, ran


def test_what_stands_beside_candidates(shell: str, terminal: Terminal) -> None:
    """Of several candidates, the list is shown; nothing in it is obeyed by the terminal, and nothing runs."""
    several = [f"k{one}" for one in (*SOME, *LEFT_OUT)]
    terminal.ground.hold(*several)
    seen = len(terminal.screen)
    terminal.press("wfctl get k\t" + ("\t" if shell == "bash" else ""))
    # bash shows no descriptions
    terminal.see("plain-1" if shell == "bash" else r"`pwn`\\x1b\]0;evil", seen)
    assert terminal.ran("\x15wfctl end\r") == [["end"]]
    shown = terminal.screen[seen:]
    for sent in ("\x1b]0;evil", "\x1b[31m", "\x9b", "\u202e"):
        assert sent not in shown


# --- PowerShell ------------------------------------------------------------------------------------------------------

SINGLE_QUOTES = "'\u2018\u2019\u201a\u201b"
NOT_FOR_POWERSHELL = [one for one in INSERTED if '"' in one or one.endswith("\\")]


def powershell_answers(word: str) -> list[str]:
    answers = lines("powershell", ["get"], {"_WFCTL_WORD": word})
    assert all(line.isascii() for line in answers)
    return answers


def unescaped(text: str) -> str:
    """As .NET's Regex.Unescape, for the two escapes that are used. Halves of a pair come one by one."""
    found = re.sub(r"\\(u[0-9a-f]{4}|\\)", lambda m: "\\" if m[1] == "\\" else chr(int(m[1][1:], 16)), text)
    return found.encode("utf-16", "surrogatepass").decode("utf-16")


def powershell_word(text: str) -> str:
    """The one word that PowerShell's grammar makes of it: bare, or single-quoted with doubled quotes."""
    if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_:=./+-]*", text):
        return text
    quoted = re.fullmatch(f"'((?:[^{SINGLE_QUOTES}]|([{SINGLE_QUOTES}])\\2)*)'", text)
    assert quoted is not None, text
    return re.sub(f"([{SINGLE_QUOTES}])\\1", r"\1", quoted[1])


def test_powershell_protocol(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """What its script is handed is one word of PowerShell, and ASCII, so that no code page makes a quote of it."""

    def hold(*ids: str) -> None:
        monkeypatch.setenv("WFCTL_STORE", str(ground.hold(*ids)))

    for name, value in ground.environ.items():
        monkeypatch.setenv(name, value)
    for odd in ["\u0411;pwn;\u0411", "\U0001f600'", *INSERTED]:
        hold(odd)
        answers = [line.split("\t") for line in powershell_answers("")]
        if odd in NOT_FOR_POWERSHELL:
            assert answers == []
            continue
        [(value, help)] = answers
        assert powershell_word(unescaped(value)) == odd
        assert unescaped(help).startswith("`pwn`\\x1b]0;evil\\x07\\n$(pwn)\\t")
    for odd in LEFT_OUT:
        hold(odd)
        assert powershell_answers("") == []
    hold("it's 1", "other")
    for word in ("it", "'it", '"it', "'it''s"):
        assert [line.split("\t")[0] for line in powershell_answers(word)] == ["'it''s 1'"]


POWERSHELL_DRIVER = r"""
. $args[0]
Get-ChildItem $args[1] -Filter '*.db' | ForEach-Object {
    Set-Content -NoNewline -Path $args[2] -Value $_.FullName
    $line = 'wfctl get '
    $found = [System.Management.Automation.CommandCompletion]::CompleteInput($line, $line.Length, $null)
    $inserted = if ($found.CompletionMatches.Count -eq 1) { $found.CompletionMatches[0].CompletionText } else { '' }
    Invoke-Expression ($line + $inserted)
}
"""


def test_in_powershell(ground: Ground) -> None:
    """PowerShell's own completion engine inserts, and PowerShell runs the line."""
    shell = shutil.which("pwsh")
    if shell is None:
        pytest.skip("pwsh is not installed")
    script, driver = ground.folder / "wfctl.ps1", ground.folder / "driver.ps1"
    script.write_text(SCRIPTS["powershell"])
    driver.write_text(
        POWERSHELL_DRIVER.replace("$args[1]", f"'{ground.folder}'").replace("$args[2]", f"'{ground.at_hand}'")
    )
    for instance_id in [*INSERTED, *LEFT_OUT]:
        ground.hold(instance_id)
    subprocess.run(
        [shell, "-NoProfile", "-NonInteractive", "-File", driver, script],
        env=ground.environ, cwd=ground.empty, check=True, timeout=LIMIT_SECONDS * 5,
    )  # fmt: skip
    wanted = [["get", one] for one in INSERTED if one not in NOT_FOR_POWERSHELL]
    wanted += [["get"]] * (len(LEFT_OUT) + len(NOT_FOR_POWERSHELL))
    assert sorted(ground.runs()) == sorted(wanted)
    assert list(ground.empty.iterdir()) == []
