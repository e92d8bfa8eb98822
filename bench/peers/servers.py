"""Servers behind an unmodified worker: `wfctl serve`, the sidecar of durabletask-go, and a real daprd.

All of them speak the task hub's gRPC, so that the same programs drive them: `bench/goworker`, which starts the chains,
waits for their results and is the worker besides, or leaves that to a worker of the Python SDK.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import socket
import sqlite3
import subprocess
import sys
from abc import ABC, abstractmethod
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from bench import go_worker, serve
from bench.peers import embedded, environments, frame

sys.path.insert(0, str(frame.ROOT / "tests" / "support"))  # what starts a real Dapr for the tests starts it here

import live_dapr

HERE = Path(__file__).parent
LENGTH = 5
WARM = (100, 10)  # chains, and how many of them at a time
TOGETHER = (1000, 100)
ALONE = (100, 1)
PYTHON_TOGETHER = (300, 100)
# With the two seconds of the component's default, 100 chains in flight end in SQLITE_BUSY.
STATE_STORE = """\
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: {{name: store}}
spec:
  type: state.sqlite
  version: v1
  metadata:
  - {{name: connectionString, value: "file:{file}"}}
  - {{name: busyTimeout, value: "60s"}}
  - {{name: actorStateStore, value: "true"}}
"""


@dataclass(frozen=True)
class Up:
    """A server that runs: host:port of its gRPC API, and the processes that it is made of."""

    address: str
    processes: Sequence[int]

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        return sum(serve.cpu(pid) for pid in self.processes)

    def memory(self) -> float:
        """MiB that are resident."""
        return sum(go_worker.resident(pid) for pid in self.processes)


class Server(ABC):
    """A `Peer` (`frame`) that has no worker of its own."""

    name: str
    title: str
    durability: str

    @property
    def workloads(self) -> Mapping[str, frame.Measure]:
        return {"go_worker": self._with_go, "python_worker": self._with_python}

    @abstractmethod
    def running(self, folder: Path) -> AbstractContextManager[Up]:
        """The server, with its store in `folder`. It is killed at the end of the block."""

    @abstractmethod
    def completed(self, folder: Path) -> int:
        """How many instances of the store have completed, by the files that the killed server left."""

    def prepare(self) -> str | None:
        if not go_worker.has_go():
            return go_worker.NO_GO
        try:
            go_worker.built()
            return self.made()
        except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
            return str(error)

    def made(self) -> str | None:
        """Make what the server needs. Returns why it cannot be had here."""
        return None

    def _with_go(self, folder: Path) -> Mapping[str, float]:
        with self.running(folder) as up, go_worker.go_worker(up.address) as client:
            client.run(*WARM, LENGTH)
            together = _measured(up, client, TOGETHER)
            alone = _measured(up, client, ALONE)
            memory = up.memory()
        self._check(folder, WARM, TOGETHER, ALONE)
        return {
            "go_chains": together["chains_per_s"],
            "go_alone": alone["p50_ms"],
            "go_cpu_together": together["cpu_ms"],
            "go_cpu_alone": alone["cpu_ms"],
            "go_memory": memory,
        }

    def _with_python(self, folder: Path) -> Mapping[str, float]:
        with (
            self.running(folder) as up,
            serve.python_worker(int(up.address.rpartition(":")[2])),
            go_worker.go_worker(up.address, "-client") as client,
        ):
            client.run(*WARM, LENGTH)
            together = _measured(up, client, PYTHON_TOGETHER)
            alone = _measured(up, client, ALONE)
        self._check(folder, WARM, PYTHON_TOGETHER, ALONE)
        return {"python_chains": together["chains_per_s"], "python_alone": alone["p50_ms"]}

    def _check(self, folder: Path, *runs: tuple[int, int]) -> None:
        """All that were acknowledged as completed are in the store."""
        expected, found = sum(chains for chains, _ in runs), self.completed(folder)
        if found != expected:
            raise RuntimeError(f"{found} of {expected} instances have completed by the store")


class WfctlServe(Server):
    name = "wfctl-serve"
    title = "`wfctl serve`"
    durability = embedded.Embedded.durability

    @contextlib.contextmanager
    def running(self, folder: Path) -> Iterator[Up]:
        ready = folder / "ready.json"
        ports = ["--http-port", "0", "--grpc-port", "0", "--ready-file", str(ready)]
        command = [sys.executable, "-m", "wfctl", "serve", *ports, "--store", str(folder / "store.db")]
        with frame.running(command, folder / "serve.log", XDG_CONFIG_HOME=str(folder)) as server:
            _until_up(server, ready.exists)
            yield Up(json.loads(ready.read_text())["grpcEndpoint"], [server.pid])

    def completed(self, folder: Path) -> int:
        return embedded.Embedded().completed(folder)

    def version(self) -> str:
        return f"{embedded.Embedded().version()}, grpcio {importlib.metadata.version('grpcio')}"


class DurableTaskGo(Server):
    """The program that the module has at its root, on SQLite. Its store takes any file name of SQLite's."""

    def __init__(self, name: str, title: str, durability: str, parameters: str = "") -> None:
        self.name, self.title, self.durability = name, title, durability
        self._parameters = parameters

    def made(self) -> str | None:
        self._program()
        return None

    def _program(self) -> Path:
        return environments.go(HERE / "durabletask_go", "github.com/dapr/durabletask-go")

    @contextlib.contextmanager
    def running(self, folder: Path) -> Iterator[Up]:
        port = _free_port()
        store = f"file:{folder / 'store.db'}{self._parameters}"
        command = [str(self._program()), "-host", "127.0.0.1", "-port", str(port), "-db", store]
        with frame.running(command, folder / "durabletask-go.log") as server:
            _until_up(server, lambda: _listens(port))
            yield Up(f"127.0.0.1:{port}", [server.pid])

    def completed(self, folder: Path) -> int:
        with contextlib.closing(sqlite3.connect(folder / "store.db")) as db:
            found: int = db.execute("SELECT count(*) FROM Instances WHERE RuntimeStatus = 'COMPLETED'").fetchone()[0]
        return found

    def version(self) -> str:
        said = frame.finish(["go", "version", "-m", str(self._program())])
        return next(line.split()[2] for line in said.splitlines() if line.startswith("\tmod\t"))


class RealDapr(Server):
    """Placement, scheduler and daprd from the folder that WFCTL_DAPR_BIN names, with a state store of SQLite."""

    name = "daprd"
    title = "daprd"
    durability = (
        "A start and a turn are a transaction each of the state store, which SQLite writes to the disk (WAL, "
        "`synchronous=FULL`); reminders, which wake a workflow after a crash, are in the etcd of the scheduler, which "
        "writes its log to the disk too. The state store waits 60 s for SQLite's lock: with 2 s, as it comes, 100 "
        "chains in flight ended in `SQLITE_BUSY`."
    )
    APP = "bench"

    def made(self) -> str | None:
        if live_dapr.programs() is None:
            return "WFCTL_DAPR_BIN names no folder with its programs: daprd, placement and scheduler"
        self.version()
        return None

    @contextlib.contextmanager
    def running(self, folder: Path) -> Iterator[Up]:
        programs = live_dapr.programs()
        assert programs is not None
        resources = folder / "resources"
        resources.mkdir()
        (resources / "store.yaml").write_text(STATE_STORE.format(file=folder / "store.db"))
        with live_dapr.running(folder, programs) as dapr:
            daprd = dapr.sidecar(self.APP, f"--resources-path={resources}", store=False)
            pids = [process.popen.pid for process in dapr.processes]
            try:
                yield Up(daprd.grpc, pids)
            finally:
                for process in dapr.processes:
                    process.popen.kill()

    def completed(self, folder: Path) -> int:
        from wfctl.wire.protos.history_pb2 import RUNTIME_STATUS_COMPLETED, HistoryEvent

        with contextlib.closing(sqlite3.connect(folder / "store.db")) as db:
            rows = db.execute("SELECT value FROM state WHERE key LIKE '%.workflow||%||history-%'")
            events = [HistoryEvent.FromString(b64decode(value)) for (value,) in rows]
        return sum(event.execution_completed.status == RUNTIME_STATUS_COMPLETED for event in events)

    def version(self) -> str:
        programs = live_dapr.programs()
        said = frame.finish([f"{programs}/daprd", "--version"]).strip()
        return f"{said}, three processes"


def _measured(up: Up, client: go_worker.GoWorker, chains: tuple[int, int]) -> dict[str, float]:
    before = up.cpu()
    said = client.run(*chains, LENGTH)
    count, _ = chains
    return {
        "chains_per_s": count / said["seconds"],
        "p50_ms": said["p50_ms"],
        "cpu_ms": (up.cpu() - before) / count * 1000,
    }


def _until_up(server: subprocess.Popen[bytes], holds: Callable[[], bool]) -> None:
    def looked() -> bool:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with exit status {server.returncode}")
        return holds()

    frame.until(looked, "the server is ready")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
