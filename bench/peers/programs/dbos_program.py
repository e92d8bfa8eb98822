"""The workflows on DBOS, in this process: `dbos_program WORKLOAD URL [THREADS]`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from typing import Any

from dbos import DBOS, DBOSConfig  # type: ignore[import-not-found]

from bench.peers.programs.measuring import CHAINS, LENGTH, STUCK, WARM, WIDTH, latency, say

stuck = STUCK in os.environ
ended: list[int] = []


@DBOS.step()
def step(value: int) -> int:
    if stuck:
        threading.Event().wait()
    return value


@DBOS.step()
async def step_async(value: int) -> int:
    return value


@DBOS.workflow()
def chain(steps: int) -> int:
    value = 0
    for number in range(steps):
        value = step(number)
    ended.append(value)
    return value


@DBOS.workflow()
async def fan_out(width: int) -> int:
    return len(await asyncio.gather(*[step_async(number) for number in range(width)]))


@DBOS.workflow()
def child(value: int) -> int:
    return value


@DBOS.workflow()
def family(width: int) -> int:
    handles = [DBOS.start_workflow(child, number) for number in range(width)]
    return len([handle.get_result() for handle in handles])


def chains(count: int) -> float:
    """Run so many at once. Returns the seconds until the last has its result."""
    began = time.perf_counter()
    handles = [DBOS.start_workflow(chain, LENGTH) for _ in range(count)]
    results = [handle.get_result() for handle in handles]
    seconds = time.perf_counter() - began
    assert results == [LENGTH - 1] * count
    return seconds


def one(workflow: Any, value: int, expected: int) -> float:
    began = time.perf_counter()
    result = workflow(value)
    seconds = time.perf_counter() - began
    assert result == expected, result
    return seconds


async def one_async(workflow: Any, value: int, expected: int) -> float:
    began = time.perf_counter()
    result = await workflow(value)
    seconds = time.perf_counter() - began
    assert result == expected, result
    return seconds


def die_unfinished() -> None:
    """Start the chains, none of which goes on, and die as by a loss of power."""
    for _ in range(CHAINS):
        DBOS.start_workflow(chain, LENGTH)
    os.kill(os.getpid(), signal.SIGKILL)


def recovered() -> None:
    """Say when all chains of the process before have ended, and then whether they ended well."""
    while len(ended) < CHAINS or len(succeeded()) < CHAINS:
        time.sleep(0.005)
    say({"ended": CHAINS})
    results = [DBOS.retrieve_workflow(each.workflow_id).get_result() for each in succeeded()]
    assert results == [LENGTH - 1] * CHAINS
    say({"checked": CHAINS})


def succeeded() -> list[Any]:
    return [*DBOS.list_workflows(status="SUCCESS", load_input=False, load_output=False)]


def measured(workload: str) -> dict[str, float]:
    chains(WARM)
    if workload == "chains":
        return {workload: CHAINS / chains(CHAINS)}
    if workload.startswith("steps_"):
        length = int(workload.removeprefix("steps_"))
        return {workload: one(chain, length, length - 1)}
    if workload == "latency":
        return latency(lambda: DBOS.start_workflow(chain, 1), lambda handle: handle.get_result())
    if workload == "activities":
        return {workload: asyncio.run(one_async(fan_out, WIDTH, WIDTH))}
    return {workload: one(family, WIDTH, WIDTH)}


def main(workload: str, url: str, threads: str | None = None) -> None:
    config: DBOSConfig = {
        "name": "bench",
        "system_database_url": url,
        "log_level": "ERROR",
        "application_version": "bench",
    }
    if threads is not None:
        config["max_executor_threads"] = int(threads)
    DBOS(config=config)
    DBOS.launch()
    if workload != "recovery":
        say(measured(workload))
    elif stuck:
        die_unfinished()
    else:
        recovered()
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
