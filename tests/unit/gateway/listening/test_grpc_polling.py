"""grpc's core is told how to wait for its sockets, where it knows how, and nobody else notices."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

pytest.importorskip("grpc", reason="needs the extra serve")
import grpc
from limits import LIMIT_SECONDS

from wfctl.gateway.listening import grpc_polling
from wfctl.gateway.listening.grpc_polling import knows_older_way, older_way


@pytest.mark.parametrize(
    ("version", "knows"),
    [("1.66.2", True), ("1.85.3", True), ("1.65.0", False), ("1.86.0", False), ("2.0.0", False), ("dev", False)],
)
def test_only_versions_that_know_the_name_are_told(version: str, knows: bool) -> None:
    assert knows_older_way(version, "linux") is knows
    assert not knows_older_way(version, "darwin"), "where it was not measured"


def test_what_is_set_is_gone_afterwards_and_what_the_user_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grpc_polling, "knows_older_way", lambda version: True)
    monkeypatch.delenv("GRPC_EXPERIMENTS", raising=False)
    with older_way():
        assert os.environ["GRPC_EXPERIMENTS"] == "-event_engine_listener"
    assert "GRPC_EXPERIMENTS" not in os.environ
    monkeypatch.setenv("GRPC_EXPERIMENTS", "mine")
    with older_way():
        assert os.environ["GRPC_EXPERIMENTS"] == "mine"
    assert os.environ["GRPC_EXPERIMENTS"] == "mine"


# Prints its port, and then, for every line that it gets, how often the core's own threads have waited.
SERVE = """
import asyncio, os, sys
from wfctl.gateway.listening.grpc_polling import older_way
with older_way():
    from wfctl.gateway.grpc.core_server import CoreServer
from wfctl.gateway.grpc.serving import Answer

def waits():
    count = 0
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/status") as file:
            said = {name: value.strip() for name, _, value in (line.partition(":") for line in file)}
        if said["Name"] == "event_engine":
            count += int(said["voluntary_ctxt_switches"])
    return count

async def main():
    server = CoreServer([])
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    await server.start(lambda path: Answer(lambda data, call: data))
    while await asyncio.to_thread(sys.stdin.readline):
        print(waits(), flush=True)
    await server.stop(None)

asyncio.run(main())
"""
CALLS = 300


@pytest.mark.skipif(sys.platform != "linux", reason="that is where it is used, and threads are told by name")
def test_the_installed_grpc_understands_it_and_says_nothing() -> None:
    """With the default its threads wait once a call at least, and hand what comes on."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GRPC_")}
    with subprocess.Popen(
        [sys.executable, "-c", SERVE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
    ) as served:
        assert served.stdin is not None
        assert served.stdout is not None
        assert served.stderr is not None

        def waits() -> int:
            print("", file=served.stdin, flush=True)
            return int(served.stdout.readline())  # type: ignore[union-attr]

        with grpc.insecure_channel(f"127.0.0.1:{int(served.stdout.readline())}") as channel:
            call: Any = channel.unary_unary("/a/b")
            assert call(b"x", timeout=LIMIT_SECONDS) == b"x"
            before = waits()
            for _ in range(CALLS):
                call(b"x", timeout=LIMIT_SECONDS)
            assert waits() - before < CALLS / 3
        served.stdin.close()
        assert served.stderr.read() == ""
