"""Completion: what is offered, how soon, and in real shells."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Cli
from limits import LIMIT_SECONDS

from wfctl.cli.command_table import COMMANDS
from wfctl.cli.complete.candidates import _FILES, _VALUES
from wfctl.cli.complete.protocol import split
from wfctl.cli.complete.scripts import FILE_NAMES, SCRIPTS
from wfctl.cli.root import root_command

ROOT = Path(__file__).parents[2]


def ask(*words: str, shell: str = "fish", **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wfctl", *words],
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        env={**os.environ, "_WFCTL_COMPLETE": shell, **environ},
    )


def complete(*words: str) -> list[str]:
    """The candidates for the last word."""
    found = ask(*words)
    assert (found.returncode, found.stderr) == (0, "")
    return [line.partition("\t")[0] for line in found.stdout.splitlines()]


def bash(line: str, breaks: str = " \t\n\"'><=;|&(:") -> list[str]:
    """As bash asks: with the end of the line behind the last break, which the candidate is to replace."""
    replaced = re.split(f"[{re.escape(breaks)}]", line)[-1]
    return ask(line, replaced, shell="bash").stdout.splitlines()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is offered is tested on machines that are busy; how soon has tests of its own."""
    monkeypatch.setenv("WFCTL_COMPLETE_TIMEOUT", "6h")  # from the start of the process: this one


@pytest.fixture
def instances(cli: Cli, app: Path) -> Path:
    for name in ("order-1", "order-2", "other"):
        cli("start", "Approval", "--id", name)
    cli("pause", "order-2")
    cli("start", "Echo", "--id", "order-9")
    cli("start", "Parent", "--id", "p")
    return app


def test_commands_options_and_words() -> None:
    assert complete("st") == ["start", "steps"]
    assert complete("get", "--st") == ["--store"]
    assert complete("list", "-o", "j") == ["json", "jsonl"]
    assert complete("list", "--color=a") == ["--color=auto", "--color=always"]
    assert complete("config", "") == ["show", "trust", "set", "unset", "use", "path"]
    assert "ls" not in complete("l")
    assert complete("help", "exit") == ["exit-codes"]
    assert complete("completion", "show", "b") == ["bash"]
    assert complete("list", "--status", "run") == ["running"]
    assert complete("list", "--status", "FAILED,RUN") == ["FAILED,RUNNING"]
    assert complete("start", "x", "--input-file", "") == [":files"]
    assert complete("start", "x", "--id", "") == []
    assert complete("nosuch", "") == []
    assert complete("get", "--nosuch", "") == []


def test_ids_by_what_can_be_done_with_them(instances: Path) -> None:
    assert complete("get", "ord") == ["order-1", "order-2", "order-9"]
    assert complete("resume", "") == ["order-2"]
    assert "order-2" not in complete("suspend", "")
    assert complete("result", "") == ["order-9"]
    assert "order-2" not in complete("pause", "ord")
    assert complete("terminate", "order-1", "ord") == ["order-2"], "an ID is offered once"
    child = next(one for one in complete("get", "") if one not in ("order-1", "order-2", "order-9", "other", "p"))
    assert complete("get", child[:-1]) == [child]
    assert complete("list", "--parent", "oth") == ["other"]
    described = ask("get", "order-1").stdout
    assert described == "order-1\tApproval RUNNING\n"


def test_ids_that_look_like_options(cli: Cli, app: Path) -> None:
    assert cli("start", "Approval", "--id", "-dash").status == 0
    assert complete("get", "") == []
    assert "-dash" not in complete("get", "-")
    assert complete("get", "--", "-") == ["-dash"]
    assert complete("list", "--parent=") == ["--parent=-dash"]
    assert cli("get", "--", "-dash").status == 0


def test_names_events_steps_and_profiles(instances: Path) -> None:
    assert set(complete("start", "")) == {"Echo", "Approval", "Broken", "Parent", "Later"}, "also those that never ran"
    assert complete("list", "--name", "Ech") == ["Echo"]
    assert complete("raise-event", "order-1", "app") == ["approval"]
    assert complete("list", "--waiting-event", "") == ["approval"]
    assert complete("raise-event", "--status", "running", "") == ["approval"]
    assert complete("wait", "order-1", "--for", "event=") == ["event=approval"]
    assert complete("rerun", "order-9", "--from", "") == ["Back"]
    assert complete("list", "--step", "app") == ["approval"]
    with (instances / "wfctl.toml").open("a") as settings:
        settings.write('[profiles.prod]\ntarget = "http://127.0.0.1:1"\n')
    assert complete("-t", "") == ["embedded", "sidecar", "grpc", "prod"]
    assert complete("-t", "prod", "get", "") == []


def test_store_and_target_of_the_line_are_asked(instances: Path) -> None:
    assert complete("--store", "nosuch.db", "get", "") == []
    assert complete("get", "--store", "nosuch.db", "") == []
    (instances / "wfctl.toml").unlink()
    assert "other" in complete("--store", "store.db", "get", "")


def test_bash_cuts_words_at_colons(instances: Path, cli: Cli) -> None:
    child = cli("list", "--parent", "p", "-o", "id").out.strip()
    if ":" in child:
        head, _, tail = child.rpartition(":")
        assert bash(f"wfctl get {head}:") == [tail]
        assert bash(f"wfctl get {head}:", breaks=" ") == [child]
    assert bash("wfctl list --status=RUNN") == ["RUNNING"]
    assert bash("wfctl list --status=RUNN", breaks=" ") == ["--status=RUNNING"]
    assert bash("echo x | wfctl get oth") == ["other"]
    assert bash("wfctl get 'oth") == ["other"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("wfctl ", ["wfctl", ""]),
        ("wfctl g", ["wfctl", "g"]),
        ("wfctl 'a b' c", ["wfctl", "a b", "c"]),
        ("wfctl 'a b", ["wfctl", "a b"]),
        ('wfctl "a ', ["wfctl", "a "]),
        ("a; wfctl x", ["wfctl", "x"]),
        ("a && wfctl x ", ["wfctl", "x", ""]),
        ("wfctl a#b", ["wfctl", "a#b"]),
    ],
)
def test_split(line: str, words: list[str]) -> None:
    assert split(line) == words


def test_every_kind_of_value_is_known() -> None:
    """A new metavar is either completed, or said here to be the user's own."""
    own = {
        "ADDR", "DURATION", "FILE|-", "JSON", "N", "NAME", "PORT", "RULES", "SIZE", "TEXT",
        "TIME|+DURATION", "TIME|AGE", "AGE", "[-- CMD...]", "json", "ADDRESS", "VERSION", "WIDTHxHEIGHT", "KEYS",
        "JSONPATH",
    }  # fmt: skip
    group = root_command()
    ctx = group.make_context("wfctl", ["help"], resilient_parsing=True)
    found = set()
    for name in COMMANDS:
        command = group.get_command(ctx, name)
        for param in command.get_params(command.make_context(name, [], parent=ctx, resilient_parsing=True)):
            if not getattr(param, "is_flag", False):
                found.add(str(param.metavar).removesuffix("..."))
    assert found - own - set(_FILES) - set(_VALUES) == set()


def test_the_file_of_a_payload(cli: Cli, app: Path) -> None:
    (app / "order.json").write_text("1")
    (app / "orders").mkdir()
    assert complete("start", "Echo", "--input", "@ord") == ["@order.json", "@orders/"]
    assert complete("start", "Echo", "--input", "ord") == []


def test_files_and_runs(instances: Path) -> None:
    assert complete("import", "b") == [":files"]
    assert complete("export", "--to", "b") == [":files"]
    assert complete("export", "--redact", "b") == []
    assert "order-1" in complete("diff", "order-1")
    assert "order-9" in complete("diff", "order-1", "order-9")
    assert complete("diff", "order-1", "./b") == [":files"]


def test_nothing_that_a_terminal_might_obey(cli: Cli, app: Path) -> None:
    with (app / "wfctl.toml").open("a") as settings:
        settings.write('[profiles."a\\u001b[31m"]\ntarget = "embedded"\n[profiles.fine]\n')
    assert complete("-t", "") == ["embedded", "sidecar", "grpc", "fine"]
    (app / "app.py").write_text("@r.workflow(name='a b$c')\ndef x(ctx, i): ...\n")
    assert bash("wfctl start a") == ["a\\ b\\$c"]
    assert ask("start", shell="powershell", _WFCTL_WORD="a").stdout.startswith("'a b$c'\t")


# --- how soon -------------------------------------------------------------------------------------------------------


@pytest.fixture
def silent() -> Iterator[int]:
    """A server that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(20)
        yield listener.getsockname()[1]


def test_a_target_that_does_not_answer_is_not_waited_for(
    silent: int, app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long a request may take: `ask` itself gives up long before that."""
    monkeypatch.delenv("WFCTL_COMPLETE_TIMEOUT")
    monkeypatch.setenv("WFCTL_REQUEST_TIMEOUT", "1h")
    assert complete("-t", f"http://127.0.0.1:{silent}", "get", "") == []


def test_broken_settings_and_stores_are_silent(app: Path) -> None:
    (app / "store.db").write_text("this is no store")
    assert complete("get", "") == []
    (app / "wfctl.toml").write_text("nonsense =")
    assert complete("get", "") == []
    assert complete("-t", "") == []


# --- scripts --------------------------------------------------------------------------------------------------------


def test_scripts_are_current() -> None:
    for shell, script in SCRIPTS.items():
        written = (ROOT / "completions" / FILE_NAMES[shell]).read_text()
        assert written == script, "run: python completions/make.py"


def test_show(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("completion", "show", "zsh").out == SCRIPTS["zsh"]
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert cli("completion", "show").out == SCRIPTS["fish"]
    assert cli("completion", "show", "tcsh").status == 2
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    assert "--shell" in cli("completion", "install").err


@pytest.mark.parametrize(
    ("shell", "files"),
    [
        ("bash", ["user-data/bash-completion/completions/wfctl", "home/.bashrc"]),
        ("zsh", ["user-data/zsh/site-functions/_wfctl", "home/.zshrc"]),
        ("fish", ["user-config/fish/completions/wfctl.fish"]),
        ("powershell", ["user-config/wfctl/completion.ps1", "user-config/powershell/Microsoft.PowerShell_profile.ps1"]),
    ],
)
def test_install(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: str, files: list[str]) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("ZDOTDIR", raising=False)
    if shell != "fish":
        (tmp_path / files[1]).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / files[1]).write_text("# mine")
    first = cli("completion", "install", "--shell", shell)
    assert first.status == 0, first.err
    assert (tmp_path / files[0]).read_text() == SCRIPTS[shell]
    for file in files:
        assert str(tmp_path / file) in first.err
    before = [(tmp_path / file).read_text() for file in files]
    again = cli("completion", "install", "--shell", shell, "-o", "json").json
    assert [row["action"] for row in again] == ["kept"] * len(files)
    assert [(tmp_path / file).read_text() for file in files] == before
    if shell != "fish":
        start = (tmp_path / files[1]).read_text()
        assert start.startswith("# mine\n")
        assert start.count("# wfctl completion") == 1
        (tmp_path / files[0]).write_text("old")
        rows = cli("completion", "install", "--shell", shell, "-o", "jsonl").out.splitlines()
        assert [json.loads(row)["action"] for row in rows] == ["changed", "kept"]


# --- real shells ----------------------------------------------------------------------------------------------------


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a program `wfctl`, in front of the path, and a home without any settings."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "wfctl"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m wfctl "$@"\n')
    program.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return folder


def typed(argv: list[str], ready: str, keys: list[tuple[str, str]], cwd: Path) -> str:
    """Run a shell on a terminal; type each text when the one before it has brought what is expected."""
    process, master = pty.fork()
    if process == 0:
        os.chdir(cwd)
        os.execvp(argv[0], argv)
    seen = ""

    def until(expected: str, start: int) -> None:
        nonlocal seen
        limit = time.monotonic() + LIMIT_SECONDS
        while not re.search(expected, plain(seen[start:])):
            assert time.monotonic() < limit, f"no {expected!r} in {plain(seen[start:])!r}"
            if select.select([master], [], [], 0.2)[0]:
                seen += os.read(master, 65536).decode(errors="replace")

    try:
        until(ready, 0)
        for text, expected in keys:
            start = len(seen)
            os.write(master, text.encode())
            until(expected, start)
    finally:
        os.close(master)
        os.kill(process, 9)
        os.waitpid(process, 0)
    return plain(seen)


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[\]P][^\x07\x1b]*(\x07|\x1b\\)|\x1b[=>()][B0]?|\r|\x08", "", text)


def needs(shell: str) -> str:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    return found


def test_in_bash(on_path: Path, instances: Path) -> None:
    shell = needs("bash")
    rc = instances / "rc"
    rc.write_text(f"PS1='READY> '\nbind 'set enable-bracketed-paste off'\n. '{ROOT}/completions/wfctl.bash'\n")
    typed(
        [shell, "--rcfile", str(rc), "-i"],
        "READY> ",
        [
            ("wfctl termi\t", "wfctl terminate "),
            ("oth\t", "other "),
            ("\x15wfctl raise-event other appr\t", "approval "),
            ("\x15wfctl list --status=RUNN\t", "--status=RUNNING"),
            ("\x15wfctl list --color=al\t", "--color=always"),
            ("\x15wfctl list --color=\t\t", "always +auto|auto +always"),
            ("\x15wfctl start Appr\t", "start Approval "),
            ("\x15wfctl get order-\t\t", "order-1 +order-2 +order-9"),
            ("\x15wfctl start X --input-file wfctl.to\t", "wfctl.toml "),
        ],
        instances,
    )


def test_in_zsh(on_path: Path, instances: Path, tmp_path: Path) -> None:
    shell = needs("zsh")
    (tmp_path / "home" / ".zshrc").write_text(
        "PS1='READY> '\nunsetopt zle_bracketed_paste\nautoload -Uz compinit && compinit -u\n"
        f". '{ROOT}/completions/wfctl.zsh'\n"
    )
    typed(
        [shell, "-i"],
        "READY> ",
        [
            ("wfctl termi\t", "terminate "),
            ("oth\t", "other "),
            ("\x15wfctl raise-event other appr\t", "approval "),
            ("\x15wfctl list --status=RUNN\t", "RUNNING"),
            ("\x15wfctl start Appr\t", "Approval "),
            ("\x15wfctl get order-\t", "order-1 .*Approval RUNNING"),
            ("\x15wfctl start X --input-file wfctl.to\t", "wfctl.toml "),
        ],
        instances,
    )


def test_in_fish(on_path: Path, instances: Path) -> None:
    shell = needs("fish")

    def offered(line: str) -> list[str]:
        script = f"source '{ROOT}/completions/wfctl.fish'; complete --do-complete '{line}'"
        found = subprocess.run(
            [shell, "--no-config", "-c", script], capture_output=True, text=True, timeout=LIMIT_SECONDS
        )
        assert found.stderr == ""
        return found.stdout.splitlines()

    assert [line.split("\t")[0] for line in offered("wfctl termi")] == ["terminate"]
    assert offered("wfctl get oth") == ["other\tApproval RUNNING"]
    assert [line.split("\t")[0] for line in offered("wfctl raise-event other appr")] == ["approval"]
    assert offered("wfctl list --status=RUNN") == ["--status=RUNNING"]
    assert offered("wfctl start Appr") == ["Approval"]
    assert offered("wfctl start X --input-file wfctl.to") == ["wfctl.toml"]
    assert offered("wfctl -t http://127.0.0.1:1 get ") == []


def test_installed_in_bash(on_path: Path, instances: Path, tmp_path: Path) -> None:
    shell = needs("bash")
    subprocess.run(
        ["wfctl", "completion", "install", "--shell", "bash"], check=True, capture_output=True, timeout=LIMIT_SECONDS
    )
    with (tmp_path / "home" / ".bashrc").open("a") as start:
        start.write("PS1='READY> '\n")
    typed([shell, "-i"], "READY> ", [("wfctl resum\t", "resume ")], instances)
