"""Run a row of the table: embedded, on `wfctl serve`, beside a real Dapr. Nothing of an app is changed."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from limits import LIMIT_SECONDS, until
from live_dapr import COMPONENT, HOST, Dapr, Process, answers, free_ports, programs, running
from model_fake import model
from rows import Another, App, Call, Ends, Program, Says, Step, Writes

from wfctl.gateway.run_template import read_template

_NAMES = "apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata: {{name: names}}\nspec:\n  nameResolution:\n" \
         "    component: sqlite\n    version: v1\n    configuration: {{connectionString: \"{file}\"}}\n" \
         "  tracing: {{samplingRate: \"0\"}}\n"  # fmt: skip


def folder_of(app: App) -> Path:
    """The app's folder in its checkout. Skips where something of it is not there, and says what brings it."""
    checkout = app.repository.checkout()
    if checkout is None:
        pytest.skip(f"{app.repository.variable} does not name a checkout of {app.repository.name}")
    folder = checkout / app.folder
    for pattern in app.built:
        if not list(folder.glob(pattern)):
            pytest.skip(f"{folder / pattern} is not there: {app.build}")
    return folder


def python_of(app: App) -> str | None:
    """The interpreter of an environment with the app's requirements."""
    return os.environ.get(app.python or app.repository.python)


def environ(app: App) -> dict[str, str]:
    """As in a shell in which the app's environment is active, with nothing of wfctl or Dapr in it."""
    dropped = ("WFCTL_", "DAPR_", "OPENAI_", "APP_")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    clean |= {"PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "npm_config_update_notifier": "false"}
    python = python_of(app)
    if app.language == "Python" and python is not None:
        clean["PATH"] = os.pathsep.join([str(Path(python).parent), clean["PATH"]])
    return clean


class Run:
    """An app that runs, or several: what they have written so far, and their end."""

    def __init__(self, log: Path, environment: dict[str, str], folder: Path) -> None:
        self.log = log
        self.environment = environment
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self.id = ""
        self.master = -1
        self.ids: dict[str, str] = {}

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def start(self, command: Sequence[str], folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        """With a terminal to read from, and a file to write to."""
        if self.master < 0:
            self.master, self.slave = pty.openpty()
        with self.log.open("ab") as out:
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdin=self.slave, stdout=out, stderr=out, start_new_session=True
            )
        self.processes.append(process)
        return process

    def play(self, steps: Sequence[Step]) -> None:
        for step in steps:
            match step:
                case Call():
                    self._call(step)
                case Says():
                    self.says(step.text)
                case Ends():
                    self._ends(step)
                case Another():
                    self._another(step)
                case Writes():
                    os.write(self.master, step.text.encode())

    def says(self, text: str) -> None:
        until(lambda: text in self.text() or self._over(), lambda: f"{text!r} in\n{self.text()[-6000:]}", 0.05)
        assert text in self.text(), f"{text!r} is not in\n{self.text()[-6000:]}"

    def _over(self) -> bool:
        return all(process.poll() is not None for process in self.processes)

    def _call(self, call: Call) -> None:
        answer = until(lambda: self._answer(call), lambda: f"{call}\n{self.text()[-6000:]}", 0.1)
        assert answer is not None
        assert call.has in answer.text, answer.text
        if call.saves is not None:
            self.id = answer.text.strip('" \n') if call.saves == "" else str(answer.json()[call.saves])

    def _answer(self, call: Call) -> httpx.Response | None:
        """None: not there yet."""
        url = call.url.replace("{id}", self.id)
        body = json.loads(json.dumps(call.body).replace("{id}", self.id)) if call.body is not None else None
        assert not self._over(), self.text()[-6000:]
        try:
            answer = httpx.request(call.method, url, json=body, timeout=LIMIT_SECONDS)
        except httpx.TransportError:
            return None
        if call.until and (answer.status_code != call.status or call.has not in answer.text):
            return None
        assert answer.status_code == call.status, f"{url}: {answer.status_code} {answer.text}\n{self.text()[-3000:]}"
        return answer

    def _ends(self, ends: Ends) -> None:
        def look() -> dict[str, Any] | None:
            answer = httpx.get(f"{ends.http}/v1.0/workflows/dapr/{self.id}", timeout=LIMIT_SECONDS)
            found: dict[str, Any] = answer.json()
            over = found.get("runtimeStatus") in ("COMPLETED", "FAILED", "TERMINATED")
            return found if over else None

        found = until(look, lambda: f"the end of {self.id}:\n{self.text()[-6000:]}", 0.1)
        assert found is not None
        assert found["runtimeStatus"] == ends.status, found
        properties = found["properties"]
        if ends.output is not None:
            output = json.loads(properties["dapr.workflow.output"])
            assert output == ends.output or (isinstance(ends.output, str) and re.fullmatch(ends.output, str(output)))
        if ends.custom_status is not None:
            assert ends.custom_status in properties["dapr.workflow.custom_status"]

    def _another(self, other: Another) -> None:
        process = self.start(other.command, self.folder, self.environment)
        try:
            if not other.endless:
                until(lambda: process.poll() is not None, lambda: f"the end of {other}:\n{self.text()[-6000:]}", 0.05)
                assert process.returncode == 0, self.text()[-6000:]
            for text in other.says:
                self.says(text)
        finally:
            self.processes.remove(process)
            if process.poll() is None:
                process.kill()
                process.wait()

    def exits(self, status: int) -> None:
        last = self.processes[-1]
        until(lambda: last.poll() is not None, lambda: f"the end of the app:\n{self.text()[-6000:]}", 0.05)
        assert last.returncode == status, self.text()[-6000:]

    def end(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # what a shell or npm has left behind
        for end in (self.master, self.slave) if self.master >= 0 else ():
            os.close(end)
        self.processes.clear()
        self.master = -1


def check(app: App, run: Run) -> None:
    """The steps, then what is said by the end."""
    run.play(app.steps)
    if app.exits is not None:
        run.exits(app.exits)
    for text in app.says:
        run.says(text)


# --- serve ---------------------------------------------------------------------------------------------------------


def on_serve(app: App, tmp_path: Path) -> None:
    """`serve -f TEMPLATE`, or `serve -- COMMAND`, as a user types it."""
    folder = folder_of(app)
    with _model(app) as more:
        environment = {**environ(app), "XDG_CONFIG_HOME": str(tmp_path / "config"), **more}
        ready = tmp_path / "ready.json"
        words = [sys.executable, "-m", "wfctl", "serve", "--store", str(tmp_path / "store.db")]
        words += ["--ready-file", str(ready)]
        command: list[str] = []
        place = folder
        if app.template is None and len(app.programs) == 1:
            (one,) = app.programs
            words += ["--app-id", one.app_id]
            words += ["--http-port", str(one.http_port)] if one.http_port else []
            words += ["--grpc-port", str(one.grpc_port)] if one.grpc_port else []
            command = ["--", *one.command] if one.command else []
            place = folder / one.folder
            environment |= one.env
        else:
            words += ["-f", str(_template(app, folder, tmp_path))]
        run = Run(tmp_path / "log", environment, folder)
        server = run.start([*words, *command], place, environment)
        try:
            until(lambda: ready.exists() or server.poll() is not None, lambda: f"a server:\n{run.text()}")
            assert ready.exists(), run.text()
            first = json.loads(ready.read_text())
            run.environment |= {"DAPR_HTTP_PORT": str(first["httpPort"]), "DAPR_GRPC_PORT": str(first["grpcPort"])}
            if app.refused:
                run.play(app.refused)
            else:
                check(app, run)
            if app.again:
                run.start([*words, "--", *app.again], place, environment)
                run.exits(0)
                for text in app.again_says:
                    run.says(text)
        finally:
            run.end()
        _looked_at(tmp_path / "store.db", tmp_path)


def _template(app: App, folder: Path, tmp_path: Path) -> Path:
    """The app's own, or what stands for several `dapr run`."""
    if app.template is not None:
        return folder / app.template
    rows = []
    for one in app.programs:
        row: dict[str, Any] = {"appID": one.app_id, "appDirPath": str(folder / one.folder)}
        row |= {"command": list(one.command), "env": one.env}
        named = {"appPort": one.app_port, "daprHTTPPort": one.http_port, "daprGRPCPort": one.grpc_port}
        rows.append(row | {key: value for key, value in named.items() if value})
    file = tmp_path / "dapr.yaml"
    file.write_text(json.dumps({"version": 1, "apps": rows}))
    return file


def _looked_at(store: Path, tmp_path: Path) -> None:
    """The commands that look can read whatever the app has left."""
    words = [sys.executable, "-m", "wfctl", "--store", str(store), "--target", "embedded"]
    env = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")}

    def told(*more: str) -> str:
        done = subprocess.run([*words, *more], env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (more, done.stderr)
        return done.stdout

    for found in map(json.loads, told("list", "-o", "jsonl").splitlines()):
        for look in ("get", "steps", "history", "tree"):
            assert told(look, found["instanceID"])
            assert json.loads(told(look, found["instanceID"], "-o", "json")) is not None


# --- Dapr ----------------------------------------------------------------------------------------------------------


def beside_dapr(app: App, tmp_path: Path) -> None:
    """A daprd for each app, with what `dapr run` gives it."""
    where = programs()
    if where is None:
        pytest.skip("no real Dapr here: set WFCTL_DAPR_BIN to the folder of placement, scheduler and daprd")
    folder = folder_of(app)
    apps, resources = _programs(app, folder)
    with contextlib.ExitStack() as stack:
        more = stack.enter_context(_model(app))
        if app.redis:
            stack.enter_context(_redis(tmp_path))
        dapr = stack.enter_context(running(tmp_path, where))
        environment = {**environ(app), **more}
        run = Run(tmp_path / "log", environment, folder)
        stack.callback(run.end)
        if not resources:
            resources = [tmp_path / "resources"]
            resources[0].mkdir()
            (resources[0] / "store.yaml").write_text(COMPONENT.format(name="statestore", file=tmp_path / "state.db"))
        (tmp_path / "names.yaml").write_text(_NAMES.format(file=tmp_path / "names.db"))
        started = []
        for one in apps:
            http, grpc = one.http_port or _free(3500), one.grpc_port or _free(50001)
            _sidecar(dapr, one, http, grpc, resources, tmp_path, more)
            own = {"APP_ID": one.app_id, "DAPR_HTTP_PORT": str(http), "DAPR_GRPC_PORT": str(grpc)}
            own |= {"APP_PORT": str(one.app_port)} if one.app_port else {}
            started.append((one, {**environment, **own, **one.env}))
            if one is apps[0]:
                run.environment |= own
        for one, own in started:
            if one.command:
                run.start(one.command, folder / one.folder, own)
        urls = [f"http://{HOST}:{own['DAPR_HTTP_PORT']}/v1.0/healthz" for _, own in started]
        until(lambda: all(answers(url, 204) for url in urls), lambda: f"sidecars that are up\n{run.text()}", 0.1)
        check(app, run)
        if app.again:
            run.start(app.again, folder / apps[0].folder, started[0][1])
            run.exits(0)
            for text in app.again_says:
                run.says(text)


def _programs(app: App, folder: Path) -> tuple[list[Program], list[Path]]:
    """The apps of the row, and the folders of their components."""
    if app.template is None:
        return list(app.programs), []
    file = folder / app.template
    file = file / "dapr.yaml" if file.is_dir() else file
    table = yaml.safe_load(file.read_text())
    given = table.get("common", {}).get("resourcesPath")
    apps = [
        Program(
            each.app_id, each.command, str(each.folder), each.app_port, each.http_port, each.grpc_port, dict(each.env)
        )
        for each in read_template(file).apps
    ]
    return apps, [(file.parent / given).resolve()] if given else []


def _free(usual: int) -> int:
    import socket

    with socket.socket() as looking:
        taken = looking.connect_ex((HOST, usual)) == 0
    return free_ports(1)[0] if taken else usual


def _sidecar(
    dapr: Dapr, one: Program, http: int, grpc: int, resources: list[Path], tmp_path: Path, more: dict[str, str]
) -> None:
    internal, metrics = free_ports(2)
    process = Process.start(
        [
            str(dapr.programs / "daprd"), f"--app-id={one.app_id}", f"--dapr-http-port={http}",
            f"--dapr-grpc-port={grpc}", f"--dapr-internal-grpc-port={internal}",
            f"--dapr-internal-grpc-listen-address={HOST}", f"--dapr-listen-addresses={HOST}",
            f"--metrics-port={metrics}", f"--metrics-listen-address={HOST}",
            *(f"--resources-path={path}" for path in resources), f"--config={tmp_path / 'names.yaml'}",
            f"--placement-host-address={HOST}:{dapr.placement_port}",
            f"--scheduler-host-address={HOST}:{dapr.scheduler_port}", "--dapr-graceful-shutdown-seconds=1",
            *([f"--app-port={one.app_port}", f"--app-channel-address={HOST}"] if one.app_port else []),
        ],
        tmp_path / f"daprd-{one.app_id}.log",
        **more,
    )  # fmt: skip
    dapr.processes.append(process)
    # With an appPort, daprd is not healthy before the app listens.
    path = "healthz/outbound" if one.app_port else "healthz"
    process.ready(lambda: answers(f"http://{HOST}:{http}/v1.0/{path}", 204))


@contextlib.contextmanager
def _redis(tmp_path: Path) -> Iterator[None]:
    """The Redis that `dapr init` starts, on its port."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("the app's components are on Redis, and there is no redis-server here")
    words = [program, "--port", "6379", "--bind", HOST, "--save", "", "--dir", str(tmp_path)]
    with (tmp_path / "redis.log").open("ab") as out:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        until(lambda: "Ready to accept" in (tmp_path / "redis.log").read_text(), "Redis is ready")
        yield
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def _model(app: App) -> Iterator[dict[str, str]]:
    """The variables of a language model on loopback, where the app asks one."""
    if not app.fake_model:
        yield {}
        return
    with model() as url:
        yield {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": url, "NO_PROXY": HOST}


# --- embedded ------------------------------------------------------------------------------------------------------


def embedded(app: App, tmp_path: Path) -> None:
    """`start`, `raise-event`, `result` on a store, in the app's own environment."""
    how = app.embedded
    assert not isinstance(how, str)
    folder = folder_of(app)
    python = python_of(app)
    if python is None:
        pytest.skip(f"{app.python or app.repository.python} does not name a Python with the app's requirements")
    file = folder / how.app
    if how.after_serve:
        on_serve(app, tmp_path)
    with _model(app) as more:
        env = {**environ(app), "XDG_CONFIG_HOME": str(tmp_path / "config"), **more}
        base = [sys.executable, "-m", "wfctl", "--store", str(tmp_path / "store.db"), "--target", "embedded"]
        place = file.parent
        if how.apps:
            place = tmp_path
            tables = [f"[apps.{name}]\napp = {json.dumps(str(folder / other))}\n" for name, other in how.apps.items()]
            (place / "wfctl.toml").write_text("\n".join(tables))
            env |= {"WFCTL_TRUST": "1", **app.programs[0].env}

        def told(*words: str) -> tuple[str, str]:
            done = subprocess.run(
                [*base, *words],
                cwd=place,
                env=env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=2 * LIMIT_SECONDS,
                check=False,
            )
            assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
            return done.stdout, done.stdout + done.stderr

        given = ["--input", json.dumps(how.input)] if how.input is not None else []
        apart = ["--app", str(file), "--python", python]
        if how.endless:
            run = Run(tmp_path / "log", env, folder)
            words = ["start", how.workflow, *apart, "--id", how.instance_id, *given, "--wait"]
            driving = run.start([*base, *words], place, env)
            try:
                for text in how.says:
                    run.says(text)
                told("terminate", how.instance_id)
                assert driving.wait(LIMIT_SECONDS) == 11, run.text()
            finally:
                run.end()
            _looked_at(tmp_path / "store.db", tmp_path)
            return
        waits = [] if how.events else ["--wait"]
        said = told("start", how.workflow, *apart, "--id", how.instance_id, *given, *waits)[1]
        for name, data in how.events:
            said += told("raise-event", *apart, how.instance_id, name, "--data", json.dumps(data), "--wait")[1]
        found = json.loads(told("get", how.instance_id, "-o", "json")[0])
        assert found["runtimeStatus"] == how.status, found
        if how.output is not None:
            output = json.loads(told("result", how.instance_id, "-o", "json")[0])
            assert output == how.output or (isinstance(how.output, str) and re.fullmatch(how.output, str(output)))
        for text in how.says:
            assert text in said, f"{text!r} is not in\n{said}"
    _looked_at(tmp_path / "store.db", tmp_path)


WAY = {"embedded": embedded, "serve": on_serve, "dapr": beside_dapr}
