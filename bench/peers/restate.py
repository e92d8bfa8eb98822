"""Restate as a peer: its server from npm, the Python SDK's service in a process of its own, asked over HTTP."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.peers import environments, frame
from bench.peers.programs.measuring import CHAINS, LENGTH, STUCK, WARM, WIDTH, latency

SERVER = ("@restatedev/restate-server@1.7.12",)
SDK = ("restate_sdk==1.3.0", "hypercorn==0.18.0")
CLIENTS = 8  # connections on which the chains are started


class Restate:
    name = "restate"
    title = "Restate"
    durability = (
        "A start and a step are acknowledged after Restate's log has them on the disk (as shipped: RocksDB's log, with "
        "an fsync for each batch); one node, no copy elsewhere."
    )

    @property
    def workloads(self) -> Mapping[str, frame.Measure]:
        return {
            "chains": self._chains,
            "steps_1000": lambda folder: self._one(folder, "steps_1000", "chain", 1000, 999),
            "steps_5000": lambda folder: self._one(folder, "steps_5000", "chain", 5000, 4999),
            "latency": self._latency,
            "activities": lambda folder: self._one(folder, "activities", "fan_out", WIDTH, WIDTH),
            "children": lambda folder: self._one(folder, "children", "family", WIDTH, WIDTH),
            "recovery": self._recovery,
        }

    def prepare(self) -> str | None:
        try:
            _server()
            environments.python("restate-sdk", SDK)
        except RuntimeError as error:
            return str(error)
        return None

    def version(self) -> str:
        return f"server {SERVER[0].rpartition('@')[2]}, Python SDK {SDK[0].rpartition('=')[2]}"

    def _chains(self, folder: Path) -> Mapping[str, float]:
        with _Bench(folder).running() as bench:
            bench.chains(WARM)
            began = time.perf_counter()
            ids = bench.send_all(CHAINS)
            bench.wait_ended(WARM + CHAINS)
            seconds = time.perf_counter() - began
            bench.check(ids)
        return {"chains": CHAINS / seconds}

    def _one(self, folder: Path, figure: str, handler: str, value: int, expected: int) -> Mapping[str, float]:
        with _Bench(folder).running() as bench:
            bench.chains(WARM)
            client = bench.client()
            began = time.perf_counter()
            answer = client.ask(f"/Bench/{handler}", value)
            seconds = time.perf_counter() - began
        assert answer == expected, answer
        return {figure: seconds}

    def _latency(self, folder: Path) -> Mapping[str, float]:
        with _Bench(folder).running() as bench:
            client = bench.client()
            return latency(lambda: client.send(1), client.result)

    def _recovery(self, folder: Path) -> Mapping[str, float]:
        bench = _Bench(folder)
        with bench.running(stuck=True):
            ids = bench.send_all(CHAINS)
        assert bench.ended() == 0
        began = time.perf_counter()
        with bench.running(register=False):
            bench.wait_ended(CHAINS)
            seconds = time.perf_counter() - began
            bench.check(ids)
        return {"recovery": seconds}


def _server() -> Path:
    """Return the program itself: the script that npm puts before it would be killed without it."""
    modules = environments.node("restate-server", SERVER) / "node_modules" / "@restatedev"
    for program in modules.glob("restate-server-*/bin/restate-server"):
        return program
    raise RuntimeError(f"{SERVER[0]} has no server for this machine")


class _Client:
    """One connection to the server. The standard library's client takes three times the CPU time, on shared cores."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), frame.LIMIT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")

    def send(self, steps: int) -> str:
        """Start a chain. Returns its ID."""
        return str(self.ask("/Bench/chain/send", steps)["invocationId"])

    def result(self, invocation: str) -> int:
        """Wait for a chain, and return what it returned."""
        return int(self.ask(f"/restate/invocation/{invocation}/attach"))

    def ask(self, path: str, body: object = None) -> Any:
        method, text = ("GET", "") if body is None else ("POST", json.dumps(body))
        headers = f"Host: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n"
        self._socket.sendall(f"{method} {path} HTTP/1.1\r\n{headers}\r\n{text}".encode())
        first, length = self._answers.readline(), -1
        if not first:
            raise ConnectionError(f"{path}: no answer")
        status = int(first.split()[1])
        while line := self._answers.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if length < 0:
            raise RuntimeError(f"{path}: an answer without its length")
        said = self._answers.read(length)
        if status >= 300:
            raise RuntimeError(f"{path}: {status} {said[:500]!r}")
        return json.loads(said)


class _Bench:
    """A server and its service, on the files of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ended = folder / "ended"
        self._service, self._ingress, self._admin, self._fabric = frame.free_ports(4)

    @contextlib.contextmanager
    def running(self, register: bool = True, stuck: bool = False) -> Iterator[_Bench]:
        variables = {STUCK: "1"} if stuck else {}
        python = environments.python("restate-sdk", SDK)
        words = [str(python), "-m", "bench.peers.programs.restate_service", str(self._service), str(self._ended)]
        server = {
            "RESTATE_BASE_DIR": str(self._folder / "restate-data"),
            "RESTATE_NODE_NAME": "bench",
            "RESTATE_LISTEN_MODE": "tcp",
            "RESTATE_BIND_IP": "127.0.0.1",
            "RESTATE_BIND_PORT": str(self._fabric),
            "RESTATE_INGRESS__BIND_PORT": str(self._ingress),
            "RESTATE_ADMIN__BIND_PORT": str(self._admin),
            "RESTATE_DISABLE_TELEMETRY": "true",
            "RESTATE_LOG_FILTER": "warn",
        }
        log = self._folder / "log.txt"
        with frame.running(words, log, **variables), frame.running([str(_server())], log, **server):
            if register:
                frame.until(self._listens, "the service listens")
                frame.until(self._registered, "the service is registered")
                frame.until(self._answers, "the service answers")
            yield self

    def client(self) -> _Client:
        return _Client(self._ingress)

    def chains(self, count: int) -> None:
        before = self.ended()
        self.send_all(count)
        self.wait_ended(before + count)

    def send_all(self, count: int) -> Sequence[str]:
        """Start so many chains on a few connections. Returns their IDs."""
        ids: list[str] = []
        numbers = iter(range(count))

        def some() -> None:
            client = self.client()
            for _ in numbers:
                ids.append(client.send(LENGTH))

        threads = [threading.Thread(target=some) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return ids

    def ended(self) -> int:
        return self._ended.stat().st_size if self._ended.exists() else 0

    def wait_ended(self, count: int) -> None:
        frame.until(lambda: self.ended() >= count, f"{count} chains have ended", every=0.002)

    def check(self, ids: Sequence[str]) -> None:
        """Every one has the result that it should have."""
        client = self.client()
        assert len({*ids}) == CHAINS
        assert {client.result(invocation) for invocation in ids} == {LENGTH - 1}

    def _listens(self) -> bool:
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", self._service)) == 0

    def _registered(self) -> bool:
        try:
            _Client(self._admin).ask("/deployments", {"uri": f"http://127.0.0.1:{self._service}"})
        except (OSError, RuntimeError):
            return False
        return True

    def _answers(self) -> bool:
        try:
            return bool(self.client().ask("/Bench/child", 1) == 1)
        except (OSError, RuntimeError):
            return False
