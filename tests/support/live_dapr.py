"""Runs the three programs of a real Dapr (placement, scheduler, daprd) on loopback, and a worker of the Python SDK."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from wfctl.client.sidecar.endpoint import Endpoint
from wfctl.client.sidecar.workflows import SidecarWorkflows, open_sidecar

T = TypeVar("T")
HOST = "127.0.0.1"
LIMIT = 20.0

CONFIGURATION = """\
apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata: {name: live}
spec:
  nameResolution: {component: kubernetes}  # silent: the default one announces on the network
  tracing: {samplingRate: "0"}
"""
COMPONENT = """\
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: {{name: {name}}}
spec:
  type: state.sqlite
  version: v1
  metadata:
  - {{name: connectionString, value: "file:{file}"}}
  - {{name: actorStateStore, value: "true"}}
"""


def until(what: Callable[[], T | None], seconds: float = LIMIT) -> T:
    """The first true answer; fails when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(socket.create_server((HOST, 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in taken]


def answers(url: str, status: int) -> bool:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=2) as response:
            return bool(response.status == status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code == status
    except OSError:
        return False


@dataclass
class Process:
    """A program started here, with its log in a file."""

    popen: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, arguments: list[str], log: Path, **environment: str) -> Process:
        env = {**os.environ, "DAPR_HOST_IP": HOST, **environment}
        with log.open("ab") as out:
            popen = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=log.parent, env=env
            )
        return cls(popen, log)

    def ready(self, check: Callable[[], bool]) -> None:
        def look() -> bool:
            assert self.popen.poll() is None, f"it ended:\n{self.log.read_text()[-2000:]}"
            return check()

        until(look, 60)

    def stop(self) -> None:
        self.popen.terminate()
        try:
            self.popen.wait(15)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


@dataclass
class Daprd:
    app_id: str
    http: str
    grpc: str
    process: Process

    def endpoint(self, by: str = "http", **fields: object) -> Endpoint:
        """`by`: `http` (and gRPC for the rest) or `grpc` alone."""
        addresses = {"http": self.http if by == "http" else None, "grpc": self.grpc}
        return Endpoint(**(addresses | {"request_timeout": 20.0} | fields))  # type: ignore[arg-type]

    def open(self, *, by: str = "http", notes: list[str] | None = None, **fields: object) -> SidecarWorkflows:
        return open_sidecar(self.endpoint(by, **fields), note=(notes if notes is not None else []).append)


@dataclass
class Dapr:
    """The control plane, and as many sidecars as are asked for."""

    programs: Path
    folder: Path
    placement_port: int = 0
    scheduler_port: int = 0
    processes: list[Process] = field(default_factory=list)

    def start(self) -> None:
        placement, raft, scheduler, client, peer, health1, health2, metrics1, metrics2 = free_ports(9)
        self.placement_port, self.scheduler_port = placement, scheduler
        (self.folder / "etcd").mkdir(mode=0o700)
        (self.folder / "config.yaml").write_text(CONFIGURATION)
        self._run(
            "placement",
            [
                "--id=p0", f"--initial-cluster=p0={HOST}:{raft}", f"--port={placement}", f"--listen-address={HOST}",
                f"--healthz-port={health1}", f"--healthz-listen-address={HOST}", f"--metrics-port={metrics1}",
                f"--metrics-listen-address={HOST}",
            ],
            f"http://{HOST}:{health1}/healthz",
        )  # fmt: skip
        self._run(
            "scheduler",
            [
                "--id=s0", f"--port={scheduler}", f"--listen-address={HOST}", f"--etcd-data-dir={self.folder / 'etcd'}",
                f"--etcd-initial-cluster=s0=http://{HOST}:{peer}", f"--etcd-client-port={client}",
                f"--healthz-port={health2}", f"--healthz-listen-address={HOST}", f"--metrics-port={metrics2}",
                f"--metrics-listen-address={HOST}", f"--identity-directory-write={self.folder / 'tls'}",
                *self._known("scheduler", f"--etcd-client-listen-address={HOST}"),
                *self._known("scheduler", "--workers=32"),
            ],
            f"http://{HOST}:{health2}/healthz",
        )  # fmt: skip

    @property
    def scheduler(self) -> Process:
        return self.processes[1]

    def _known(self, program: str, option: str) -> list[str]:
        """The option, where this version has it."""
        told = subprocess.run([str(self.programs / program), "--help"], capture_output=True, text=True, check=False)
        return [option] if option.partition("=")[0] + " " in told.stdout + told.stderr else []

    def _run(self, program: str, arguments: list[str], url: str) -> None:
        process = Process.start([str(self.programs / program), *arguments], self.folder / f"{program}.log")
        self.processes.append(process)
        process.ready(lambda: answers(url, 200))

    def sidecar(
        self, app_id: str, *arguments: str, store: bool = True, sockets: Path | None = None, **environment: str
    ) -> Daprd:
        http, grpc, internal, metrics = free_ports(4)
        resources = self.folder / f"resources-{app_id}"
        resources.mkdir()
        if store:
            (resources / "store.yaml").write_text(COMPONENT.format(name="store", file=self.folder / f"{app_id}.db"))
        command = [
            str(self.programs / "daprd"), f"--app-id={app_id}", f"--dapr-http-port={http}", f"--dapr-grpc-port={grpc}",
            f"--dapr-internal-grpc-port={internal}", f"--dapr-internal-grpc-listen-address={HOST}",
            f"--dapr-listen-addresses={HOST}", f"--metrics-port={metrics}", f"--metrics-listen-address={HOST}",
            f"--resources-path={resources}", f"--config={self.folder / 'config.yaml'}",
            f"--placement-host-address={HOST}:{self.placement_port}",
            f"--scheduler-host-address={HOST}:{self.scheduler_port}", "--dapr-graceful-shutdown-seconds=1", *arguments,
        ]  # fmt: skip
        if sockets is not None:
            command.append(f"--unix-domain-socket={sockets}")
        process = Process.start(command, self.folder / f"daprd-{app_id}.log", **environment)
        self.processes.append(process)
        if sockets is None:
            process.ready(lambda: answers(f"http://{HOST}:{http}/v1.0/healthz", 204))
            return Daprd(app_id, f"http://{HOST}:{http}", f"{HOST}:{grpc}", process)
        process.ready(lambda: len(list(sockets.glob("*.socket"))) == 2)
        return Daprd(app_id, f"unix://{sockets}", "", process)

    def worker(self, daprd: Daprd, python: str, *, token: str = "") -> Process:
        """The worker of these tests, connected."""
        return self.run_worker(daprd, [python, str(Path(__file__).with_name("live_app.py"))], token)

    def run_worker(self, daprd: Daprd, command: list[str], token: str = "") -> Process:
        """Returns once the sidecar says that it is connected."""
        environment = {"DAPR_GRPC_PORT": daprd.grpc.rpartition(":")[2]}
        if token:
            environment["DAPR_API_TOKEN"] = token
        process = Process.start(command, self.folder / f"worker-{daprd.app_id}.log", **environment)
        self.processes.append(process)
        sidecar = daprd.open(token=token or None)
        try:
            process.ready(lambda: bool(sidecar._sidecar.http and sidecar._sidecar.http.metadata().workers))
        finally:
            sidecar.close()
        return process

    def stop(self) -> None:
        while self.processes:
            self.processes.pop().stop()


def programs() -> Path | None:
    """The folder with placement, scheduler and daprd, by WFCTL_DAPR_BIN."""
    given = os.environ.get("WFCTL_DAPR_BIN")
    return Path(given) if given else None


@functools.cache
def version(where: Path) -> tuple[int, ...]:
    """Of the programs there; one that nobody has stamped is new."""
    told = subprocess.run([where / "daprd", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"v?(\d+)\.(\d+)", told.strip())
    return tuple(map(int, found.groups())) if found else (99, 0)


def sdk_python() -> str | None:
    """A Python that has the official SDK: WFCTL_DAPR_PYTHON, else this one."""
    given = os.environ.get("WFCTL_DAPR_PYTHON") or sys.executable
    found = subprocess.run([given, "-c", "import dapr.ext.workflow"], capture_output=True, check=False)
    return given if found.returncode == 0 else None


@contextlib.contextmanager
def running(folder: Path, where: Path) -> Iterator[Dapr]:
    dapr = Dapr(where, folder)
    try:
        dapr.start()
        yield dapr
    finally:
        dapr.stop()
