"""A stranger's folder: what its wfctl.toml may do to whoever works in it, by a command or by TAB."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from harness import APP, Cli
from limits import LIMIT_SECONDS, until

from wfctl.config.keys import KEYS, Free

ROOT = Path(__file__).parents[2]
SECRET = "s3cret"
SHELLS = [("bash", ["wfctl get ", " \t\n\"'><=;|&(:"]), ("zsh", ["get", ""]), ("fish", ["get", ""])]
posix = pytest.mark.skipif(sys.platform == "win32", reason="permissions, a shell script as kubectl")


class Listener:
    """An HTTP server that lets nobody in, and keeps what it was sent."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.seen: list[str] = []

    @property
    def here(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def elsewhere(self) -> str:
        """The same server by a name that is not this machine's."""
        return f"http://0.0.0.0:{self.port}"


@pytest.fixture
def listener() -> Iterator[Listener]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.seen.append(f"{self.requestline}\n{self.headers}")
            self.send_response(401)
            self.send_header("content-length", "0")
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Listener(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("WFCTL_COMPLETE_TIMEOUT", "6h")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


def tab(shell: str, argv: list[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "wfctl", *argv],
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        env={**os.environ, "PYTHONPATH": str(ROOT), "_WFCTL_COMPLETE": shell},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


# --- secrets ---------------------------------------------------------------------------------------------------------

THEFTS = ['token_env = "AWS_SECRET_ACCESS_KEY"', 'token_file = "~/.ghtoken"', ""]


@pytest.fixture(params=THEFTS, ids=["a variable", "a file", "the token itself"])
def theft(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / ".ghtoken").write_text(SECRET)
    (tmp_path / ".ghtoken").chmod(0o600)
    if not request.param:
        monkeypatch.setenv("WFCTL_TOKEN", SECRET)
    return str(request.param)


@pytest.mark.parametrize(("shell", "argv"), SHELLS, ids=[shell for shell, _ in SHELLS])
def test_tab_sends_nothing_elsewhere(
    project: Path, listener: Listener, theft: str, shell: str, argv: list[str]
) -> None:
    (project / "wfctl.toml").write_text(f'target = "{listener.elsewhere}"\n{theft}\n')
    assert tab(shell, argv) == ""
    assert listener.seen == []


def test_no_command_sends_anything_elsewhere(cli: Cli, project: Path, listener: Listener, theft: str) -> None:
    (project / "wfctl.toml").write_text(f'target = "{listener.elsewhere}"\n{theft}\n')
    names = ", ".join(["target", *([theft.partition(" ")[0]] if theft else [])])
    for argv in (["get", "x"], ["list"], ["start", "X"], ["doctor"], ["serve"], ["purge", "--status", "FAILED"]):
        result = cli(*argv)
        assert (result.status, result.out) == (6, "")
        assert result.err == (
            f"wfctl: {project}/wfctl.toml is not trusted, and sets {names}\n"
            "  try: see what it says (wfctl config show), then: wfctl config trust; in CI: WFCTL_TRUST=1\n"
        )
        assert cli(*argv, "-o", "json").error["code"] == "not_trusted"
    assert listener.seen == []


def test_what_is_trusted_is_done(cli: Cli, project: Path, listener: Listener, theft: str) -> None:
    (project / "wfctl.toml").write_text(f'target = "{listener.elsewhere}"\n{theft}\n')
    assert cli("config", "trust").status == 0
    assert "wants an API token" in cli("get", "x").err
    assert any(f"dapr-api-token: {SECRET}" in seen for seen in listener.seen)
    listener.seen.clear()
    tab("zsh", ["get", ""])
    assert listener.seen


@pytest.mark.parametrize("token", ["WFCTL_TOKEN", "DAPR_API_TOKEN"])
def test_a_local_target_of_a_project_gets_no_token(
    cli: Cli, project: Path, listener: Listener, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever listens there may be another user of this machine."""
    monkeypatch.setenv(token, SECRET)
    (project / "wfctl.toml").write_text(f'target = "{listener.here}"\n')
    tab("zsh", ["get", ""])
    result = cli("get", "x")
    assert result.status == 6
    assert listener.seen
    assert not any(SECRET in seen for seen in listener.seen)
    assert f"the token ({token}) is not sent to {listener.here}, which only {project}/wfctl.toml names" in result.err
    doctor = {row["check"]: row["fix"] for row in cli("doctor", "-o", "json").json}
    assert "which only" in doctor["token"]
    shown = {row["name"]: row for row in cli("config", "show", "-o", "json").json}
    assert shown["token"]["value"] == "(set, not sent)"
    assert "wfctl config trust" in shown["token"]["origin"]

    cli("get", "x", "-t", listener.here)
    assert SECRET in listener.seen[-1], "a flag names it"


# --- what deletes, and what runs ---------------------------------------------------------------------------------


def test_a_folders_retain_deletes_nothing(cli: Cli, app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's store, and a rule that deletes all that has ended in it."""
    victim = tmp_path / "victim.db"
    assert cli("--store", str(victim), "start", "Echo", "--id", "e1", "--wait").status == 0
    (app / "wfctl.toml").write_text(f'app = "app.py"\nstore = "{victim}"\nretain = "any=0.1s"\n')
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(
        [sys.executable, "-m", "wfctl", "serve", "--http-port", "0", "--grpc-port", "0"],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    monkeypatch.setenv("WFCTL_TRUST", "1")  # for those who look
    try:
        # A server that serves would delete it soon.
        until(lambda: server.poll() is not None or cli("--store", str(victim), "get", "e1").status != 0, "either")
    finally:
        server.kill()
        _, said = server.communicate()
    assert server.returncode == 6, said
    assert "sets store, retain" in said
    assert cli("--store", str(victim), "get", "e1").status == 0


@posix
@pytest.mark.parametrize("name", ["pod", "namespace", "kube_context"])
def test_kubectl_is_run_for_nobody_else(
    cli: Cli, project: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = tmp_path / "calls"
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "kubectl").write_text(f'#!/bin/sh\necho "$@" >> "{calls}"\necho "{{\\"items\\": []}}"\n')
    (programs / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    (project / "wfctl.toml").write_text(f'{name} = "--kubeconfig=kc.yaml"\n')
    for shell, argv in SHELLS:
        assert tab(shell, argv) == ""
    assert cli("list").status == 6
    assert cli("get", "x").status == 6
    assert not calls.exists()
    assert cli("config", "trust").status == 0
    refused = cli("list")
    assert refused.status == 2
    assert f"{name} is '--kubeconfig=kc.yaml', which is not a valid name in Kubernetes" in refused.err
    assert tab("zsh", ["get", ""]) == ""
    assert not calls.exists()


@posix
def test_real_kubectl_runs_no_plugin(project: Path, cli: Cli, tmp_path: Path) -> None:
    """The kubeconfig that the attack brings, with a plugin that says that it has run."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    ran = tmp_path / "ran"
    (project / "plugin").write_text(f"#!/bin/sh\ntouch '{ran}'\nexit 1\n")
    (project / "plugin").chmod(0o755)
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": f"{project}/plugin"}}
    user["exec"]["interactiveMode"] = "Never"
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": user}],
    }
    (project / "kc.yaml").write_text(json.dumps(kubeconfig))
    (project / "wfctl.toml").write_text('pod = "--kubeconfig=kc.yaml"\n')
    tab("zsh", ["get", ""])
    assert cli("list").status == 6
    assert cli("config", "trust").status == 0
    tab("zsh", ["get", ""])
    assert cli("list").status == 2
    assert not ran.exists()


def test_looking_runs_no_code_of_the_folder(cli: Cli, project: Path) -> None:
    (project / "app.py").write_text(f"open('ran', 'w').close()\n{APP}")
    (project / "wfctl.toml").write_text('app = "app.py"\nstore = "store.db"\n')
    for argv in (["list"], ["get", "x"], ["count"], ["history", "x"], ["config", "show"], ["config", "trust"]):
        assert cli(*argv).status in (0, 3, 5)
    for command in ("get", "start", "rerun"):
        tab("zsh", [command, ""])
    assert not (project / "ran").exists()


@posix
def test_tab_waits_for_no_pipe(project: Path) -> None:
    os.mkfifo(project / "app.py")
    (project / "wfctl.toml").write_text('app = "app.py"\nstore = "store.db"\n')
    assert tab("zsh", ["start", ""]) == ""


# --- trust -----------------------------------------------------------------------------------------------------------


def shown(cli: Cli) -> dict[str, tuple[str, str]]:
    result = cli("config", "show", "-o", "json")
    assert result.status == 0, result.err
    return {row["name"]: (row["value"], row["origin"]) for row in result.json}


def test_trust_holds_until_the_file_changes(cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = project / "wfctl.toml"
    file.write_text('store = "../s.db"\n[profiles.prod]\ntoken_env = "PROD"\n')
    assert cli("list").status == 6
    assert shown(cli)["trust"] == ("needed", "store: commands refuse to run until wfctl config trust")
    assert shown(cli)["store"] == (str(project.parent / "s.db"), str(file))

    given = cli("config", "trust")
    assert given.status == 0
    assert f"{file} is trusted until it changes" in given.err
    assert given.out.split()[:3] == ["SETTING", "VALUE", "ORIGIN"]
    assert [line.split()[0] for line in given.out.splitlines()[1:]] == ["store", "profiles.prod.token_env"]
    assert cli("list").status == 0
    assert shown(cli)["trust"] == ("trusted", "wfctl config trust, with store")
    deep = project / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert cli("list").status == 0, "from a folder below as well"
    monkeypatch.chdir(project)

    file.write_text(file.read_text() + "# a remark\n")
    again = cli("list")
    assert again.status == 6
    assert f"{file} has changed since you trusted it, and sets store" in again.err
    assert cli("config", "trust").status == 0
    assert cli("list").status == 0

    taken = cli("config", "trust", "--revoke")
    assert (taken.status, taken.out) == (0, "")
    assert "is not trusted any more" in taken.err
    assert "is not trusted, and sets store" in cli("list").err
    assert cli("config", "trust", "--revoke").status == 0


def test_trust_is_for_one_file(cli: Cli, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "wfctl.toml").write_text('store = "../s.db"\n')
    assert cli("config", "trust").status == 0
    copy = tmp_path / "deeper" / "copy"
    copy.mkdir(parents=True)
    shutil.copy(project / "wfctl.toml", copy)
    monkeypatch.chdir(copy)
    assert cli("list").status == 6
    (copy / "wfctl.toml").unlink()
    (copy / "wfctl.toml").symlink_to(project / "wfctl.toml")
    assert cli("list").status == 6, "its paths count from here"
    link = tmp_path / "link"
    link.symlink_to(project)
    monkeypatch.chdir(link)
    assert cli("list").status == 0


def test_trust_of_a_pyproject_is_of_its_table(cli: Cli, project: Path) -> None:
    file = project / "pyproject.toml"
    file.write_text('[project]\nversion = "1"\n[tool.wfctl]\nstore = "../s.db"\n')
    assert cli("list").status == 6
    assert cli("config", "trust").status == 0
    file.write_text(file.read_text().replace('"1"', '"2"'))
    assert cli("list").status == 0
    file.write_text(file.read_text().replace("s.db", "t.db"))
    assert cli("list").status == 6


@pytest.mark.parametrize(("value", "status"), [("1", 0), ("true", 0), ("0", 6), ("false", 6), ("", 6), ("perhaps", 6)])
def test_the_variable(cli: Cli, project: Path, value: str, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "wfctl.toml").write_text('store = "../s.db"\n')
    monkeypatch.setenv("WFCTL_TRUST", value)
    assert cli("list").status == status
    if not status:
        assert shown(cli)["trust"] == ("trusted", "WFCTL_TRUST, with store")


def test_an_untrusted_profile_that_is_not_chosen_hinders_nothing(cli: Cli, app: Path) -> None:
    with (app / "wfctl.toml").open("a") as file:
        file.write('[profiles.prod]\ntarget = "https://prod"\ntoken_env = "X"\npod = "--kubeconfig=kc.yaml"\n')
    assert cli("start", "Echo", "--id", "e1", "--wait").status == 0
    assert cli("list", "-t", "sidecar").status == 5
    assert tab("zsh", ["get", ""]).startswith("e1\t")
    assert "prod" in tab("zsh", ["-t", ""])
    refused = cli("list", "-t", "prod")
    assert refused.status == 6
    assert "sets profiles.prod.target, profiles.prod.token_env, profiles.prod.pod" in refused.err
    assert tab("zsh", ["-t", "prod", "get", ""]) == ""


def test_nothing_to_trust(cli: Cli, project: Path) -> None:
    assert cli("config", "trust").status == 2
    (project / "wfctl.toml").write_text('format = "json"\n')
    result = cli("config", "trust")
    assert (result.status, result.out) == (0, "[]\n")
    assert "nothing in it needs that" in result.err


@posix
def test_trust_that_cannot_be_remembered(cli: Cli, project: Path, tmp_path: Path) -> None:
    (tmp_path / "user-config").write_text("no folder")
    (project / "wfctl.toml").write_text('store = "../s.db"\n')
    result = cli("config", "trust")
    assert result.status == 6
    assert "WFCTL_TRUST=1" in result.err
    assert cli("init", "sub").status == 0, "it needs no trust to be of use"


def test_init_trusts_what_it_writes(cli: Cli, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("init", "shop").status == 0
    monkeypatch.chdir(project / "shop")
    assert shown(cli)["trust"][0] == "trusted"
    records = list((tmp_path / "user-config" / "wfctl" / "trusted").iterdir())
    assert len(records) == 1
    if sys.platform != "win32":
        assert records[0].stat().st_mode & 0o777 == 0o600
        assert records[0].parent.stat().st_mode & 0o777 == 0o700


def test_commands_without_settings_work_in_an_untrusted_folder(cli: Cli, project: Path) -> None:
    (project / "wfctl.toml").write_text('target = "http://elsewhere"\n')
    for argv in (["version"], ["help", "trust"], ["completion", "show", "bash"], ["init", "sub"], ["--help"]):
        assert cli(*argv).status == 0, argv


def test_the_topic_knows_every_setting(cli: Cli, project: Path) -> None:
    may, _, needs = cli("help", "trust").out.partition("Everything else needs your consent")
    for key in KEYS:
        if key.file:
            text = needs if key.free is Free.NEVER else may.partition("on this machine:")[2]
            assert re.search(rf"\b{key.name}\b", text), key.name


# --- other people's files ---------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs to give files away")
def test_a_file_of_another_user(cli: Cli, app: Path) -> None:
    (app / "wfctl.toml").chmod(0o666)
    assert cli("list").status == 6
    os.chown(app / "wfctl.toml", 65534, 65534)
    for argv in (["list"], ["config", "show"], ["config", "trust"]):
        result = cli(*argv)
        assert (result.status, result.out) == (6, "")
        assert "uid 65534" in result.err
        assert result.err.count("\n") == 2
    assert tab("zsh", ["get", ""]) == ""
    (app / "own").mkdir()
    os.chdir(app / "own")
    assert cli("init").status == 0, "a file of one's own is the way out"
    assert cli("list").status == 0


@posix
def test_serve_takes_no_token_that_others_may_read(project: Path) -> None:
    pytest.importorskip("uvicorn", reason="needs wfctl[serve]")
    (project / "token").write_text(SECRET)
    (project / "token").chmod(0o644)
    done = subprocess.run(
        [sys.executable, "-m", "wfctl", "serve", "--token-file", "token", "--http-port", "0", "--grpc-port", "0"],
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 6
    assert "other users may read it (mode 0644)" in done.stderr
    assert "chmod 600 token" in done.stderr
