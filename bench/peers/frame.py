"""What a peer is, what is measured of it, and what several peers need."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 300


@dataclass(frozen=True)
class Figure:
    """One number that a workload yields. `unit` stands behind it on the page.

    `of`: how many steps, starts and so on the number is of, where it is a time: seconds of 5,000 steps.
    """

    name: str
    title: str
    unit: str
    more_is_better: bool = False
    of: int = 1


@dataclass(frozen=True)
class Workload:
    """What every peer of a group is asked to do. `about` is a sentence of the page, behind `title` or the figures'."""

    name: str
    about: str
    figures: tuple[Figure, ...]
    title: str = ""


# Takes an empty folder on a real disk; returns a number for each figure of the workload, after it has looked whether
# all results are there. Raises whatever says that they are not.
Measure = Callable[[Path], Mapping[str, float]]


class Peer(Protocol):
    """Somebody who can run workflows, in an environment of its own."""

    @property
    def name(self) -> str:
        """A word for the command line and the JSON."""

    @property
    def title(self) -> str:
        """The head of its column."""

    @property
    def durability(self) -> str:
        """A sentence: when is a step or a start on the disk?"""

    @property
    def workloads(self) -> Mapping[str, Measure]:
        """What it can be asked to do, by the names of workloads."""

    def prepare(self) -> str | None:
        """Make the environment unless it is there. Returns why this peer cannot be measured here, or None."""

    def version(self) -> str:
        """Versions of what is measured; asked after `prepare`."""


@dataclass(frozen=True)
class Group:
    """Peers that are asked for the same: a table of the page. `about` is what stands above it.

    `against_disk`: the page also says what wfctl's figures are in commits of SQLite, as they were right before.
    """

    name: str
    title: str
    about: str
    workloads: tuple[Workload, ...]
    peers: tuple[Peer, ...]
    against_disk: bool = False


def environ(**more: str) -> dict[str, str]:
    """Return the variables of this process without those that would change what wfctl and Dapr do, and `more`."""
    ours = ("WFCTL_", "DAPR_", "OTEL_")
    return {**{name: value for name, value in os.environ.items() if not name.startswith(ours)}, **more}


def run(python: Path | str, program: str, *words: str, **variables: str) -> Any:
    """Run `bench.peers.programs.PROGRAM` with a peer's Python. Returns the JSON of its last line.

    Raises RuntimeError with the end of its stderr, where it fails or takes too long.
    """
    command = [str(python), "-m", f"bench.peers.programs.{program}", *words]
    done = finish(command, **variables)
    return json.loads(done.splitlines()[-1])


def finish(command: Sequence[str], **variables: str) -> str:
    """Run a command to its end. Returns its stdout; raises RuntimeError with the end of its stderr."""
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environ(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"not done after {LIMIT_SECONDS} s: {' '.join(command)}") from None
    if done.returncode:
        raise RuntimeError(f"exit status {done.returncode}: {' '.join(command)}\n{done.stderr[-2000:]}")
    return done.stdout


@contextlib.contextmanager
def running(command: Sequence[str], log: Path, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server for as long as the block lasts; it is killed at its end. It writes into `log`."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, cwd=log.parent, env=environ(PYTHONPATH=str(ROOT), **variables), stdout=out, stderr=out
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(holds: Callable[[], Any], what: str, every: float = 0.005) -> Any:
    """Wait until `holds`. Returns what it returned; raises RuntimeError where it never does."""
    limit = time.monotonic() + LIMIT_SECONDS
    while True:
        answer = holds()
        if answer:
            return answer
        if time.monotonic() > limit:
            raise RuntimeError(f"never happened: {what}")
        time.sleep(every)


def free_ports(count: int) -> Sequence[int]:
    """Return ports of loopback that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in found:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in found]
