"""What a command costs before it does anything, in turns with a Typer hello world of the same version."""

from __future__ import annotations

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
        took: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds * 4):
            for name, command in commands.items():
                began = time.perf_counter()
                subprocess.run(command, env=environ, check=True, capture_output=True)
                took[name].append(time.perf_counter() - began)
    hello_ms = statistics.median(took["hello"]) * 1000
    for name, seconds in took.items():
        ms = statistics.median(seconds) * 1000
        yield {"command": name, "ms": round(ms, 1), "times_typer_hello": round(ms / hello_ms, 2)}
