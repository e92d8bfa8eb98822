"""`wfctl serve` as a process, and clients of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
from limits import LIMIT_SECONDS, until

from wfctl.client.sidecar.endpoint import Endpoint
from wfctl.client.sidecar.workflows import SidecarWorkflows, open_sidecar
from wfctl.model.instance import Instance


class Served:
    """One server; `workflows` is wfctl's own client of it."""

    def __init__(self, process: subprocess.Popen[str], endpoints: dict[str, Any], log: Path, token: str | None) -> None:
        self.process = process
        self.endpoints = endpoints
        self.log = log
        self.http = httpx.Client(
            base_url=endpoints["httpEndpoint"],
            timeout=LIMIT_SECONDS,
            headers={"dapr-api-token": token} if token else {},
        )
        endpoint = Endpoint(http=endpoints["httpEndpoint"], grpc=endpoints["grpcEndpoint"], token=token)
        self.workflows: SidecarWorkflows = open_sidecar(endpoint, note=lambda line: None)

    def start(self, workflow: str, instance_id: str, payload: str = "") -> str:
        """Over HTTP, where a start needs no worker."""
        path = f"/v1.0/workflows/dapr/{workflow}/start?instanceID={instance_id}"
        answer = self.http.post(path, content=payload)
        assert answer.status_code == 202, answer.text
        started: str = answer.json()["instanceID"]
        return started

    def ended(self, instance_id: str) -> Instance:
        until(lambda: self.workflows.get(instance_id).status.terminal, f"the end of {instance_id}")
        return self.workflows.get(instance_id)

    def workers(self, count: int) -> None:
        """Wait until so many are connected."""

        def look() -> bool:
            about = self.http.get("/v1.0/metadata").json()
            connected: int = about.get("workflows", {}).get("connectedWorkers", 0)
            return connected == count

        until(look, f"{count} workers")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT_SECONDS)


def environ(**more: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("WFCTL_", "DAPR_"))}
    return {**clean, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", **more}


@contextlib.contextmanager
def served(
    folder: Path, *words: str, app: str | None = None, command: list[str] | None = None, token: str | None = None,
    ports: tuple[int, int] = (0, 0), env: dict[str, str] | None = None, before: Callable[[], None] | None = None
) -> Iterator[Served]:  # fmt: skip
    """A server on `folder`/store.db, with its log in `folder`/log, ended with the block. `before` is called in its
    process before it becomes the server."""
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    log = folder / "log"
    options = ["--http-port", str(ports[0]), "--grpc-port", str(ports[1]), "--ready-file", str(ready)]
    if app is not None:
        options += ["--app", app]
    with log.open("a") as err:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "wfctl", "serve", "--store", str(folder / "store.db"), *options, *words),
                *(["--", *command] if command else []),
            ],
            cwd=folder,
            env=environ(XDG_CONFIG_HOME=str(folder / "config"), **(env or {})),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
            preexec_fn=before,
        )
    try:
        said: list[str] = []

        def is_ready() -> bool:
            with contextlib.suppress(FileNotFoundError):  # a server that ends at once takes it away again
                said.append(ready.read_text())
            return bool(said) or process.poll() is not None

        until(is_ready, "the server is ready")
        assert said, log.read_text()
        server = Served(process, json.loads(said[0]), log, token)
        try:
            yield server
        finally:
            server.http.close()
            server.workflows.close()
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(LIMIT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextlib.contextmanager
def worker(app: Path, server: Served, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """An app of the official SDK as a process of its own, which ends with the block."""
    process = subprocess.Popen(
        [sys.executable, str(SDK_WORKER), str(app)],
        env=environ(DAPR_GRPC_PORT=str(server.endpoints["grpcPort"]), **env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


SDK_WORKER = Path(__file__).parent / "sdk_worker.py"
