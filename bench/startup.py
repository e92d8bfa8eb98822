"""What a command costs before it does anything, in turns with a Typer hello world of the same version.

On a sidecar (`wfctl serve`) it is compared with `import typer, httpx`, plus the round trip, which is shown too.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.engine import HERE, scratch

HELLO = """
import typer

app = typer.Typer()


@app.command()
def main(name: str = "you"):
    print(f"Hello {name}")


app()
"""


def startup(rounds: int) -> Iterator[dict[str, Any]]:
    yield from _embedded(rounds)
    yield from _sidecar(rounds)


def _embedded(rounds: int) -> Iterator[dict[str, Any]]:
    with scratch() as folder:
        hello = folder / "hello.py"
        hello.write_text(HELLO)
        environ = {
            **os.environ,
            "WFCTL_TARGET": "embedded",
            "WFCTL_STORE": str(folder / "store.db"),
            "XDG_CONFIG_HOME": str(folder),
        }
        wfctl = str(Path(sys.executable).with_name("wfctl"))
        start = [wfctl, "start", "Chain", "--id", "one", "--input", "1", "--app", str(HERE / "app.py")]
        subprocess.run(start, env=environ, check=True, capture_output=True)
        commands = {
            "hello": [sys.executable, str(hello)],
            "--version": [wfctl, "--version"],
            "get": [wfctl, "get", "one"],
            "get -o json": [wfctl, "get", "one", "-o", "json"],
            "list": [wfctl, "list"],
            "start": [wfctl, "start", "Chain", "--input", "1", "--app", str(HERE / "app.py")],
        }
        took = _in_turns(commands, environ, rounds * 4)
    hello_ms = statistics.median(took["hello"]) * 1000
    for name, seconds in took.items():
        ms = statistics.median(seconds) * 1000
        yield {"command": name, "ms": round(ms, 1), "times_typer_hello": round(ms / hello_ms, 2)}


def _in_turns(commands: dict[str, list[str]], environ: dict[str, str], rounds: int) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, env=environ, check=True, capture_output=True)
            took[name].append(time.perf_counter() - began)
    return took


def _sidecar(rounds: int) -> Iterator[dict[str, Any]]:
    with scratch() as folder, _served(folder) as endpoints:
        environ = {
            **os.environ,
            "WFCTL_TARGET": endpoints["httpEndpoint"],
            "WFCTL_GRPC_ENDPOINT": endpoints["grpcEndpoint"],
            "XDG_CONFIG_HOME": str(folder),
            "XDG_CACHE_HOME": str(folder),
        }
        wfctl = str(Path(sys.executable).with_name("wfctl"))
        starts = (["done", "--wait"], ["live", "--start-at", "+1h"])
        for identity, *more in starts:
            start = [wfctl, "start", "Chain", "--id", identity, "--input", "1", *more]
            subprocess.run(start, env=environ, check=True, capture_output=True)
        trip = statistics.median(_trips(endpoints["httpPort"], rounds * 4))
        commands = {
            "import typer, httpx": [sys.executable, "-c", "import typer, httpx"],
            "sidecar: get, finished": [wfctl, "get", "done"],
            "sidecar: get, live (its history too, by gRPC)": [wfctl, "get", "live"],
            "sidecar: list": [wfctl, "list"],
        }
        took = _in_turns(commands, environ, rounds * 4)
    floor = statistics.median(took["import typer, httpx"]) + trip
    yield {"command": "sidecar: one round trip", "ms": round(trip * 1000, 1)}
    for name, seconds in took.items():
        middle = statistics.median(seconds)
        yield {"command": name, "ms": round(middle * 1000, 1), "times_typer_httpx": round(middle / floor, 2)}


def _trips(port: int, count: int) -> Iterator[float]:
    for _ in range(count):
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/v1.0/workflows/dapr/done")
        connection.getresponse().read()
        connection.close()
        yield time.perf_counter() - began


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[dict[str, Any]]:
    ready = folder / "ready.json"
    options = ["--app", str(HERE / "app.py"), "--store", str(folder / "store.db"), "--ready-file", str(ready)]
    server = subprocess.Popen(
        [sys.executable, "-m", "wfctl", "serve", "--http-port", "0", "--grpc-port", "0", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 30
        while not ready.exists() or not ready.read_text():
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError("wfctl serve was never ready")
            time.sleep(0.02)
        yield json.loads(ready.read_text())
    finally:
        server.terminate()
        server.wait()
