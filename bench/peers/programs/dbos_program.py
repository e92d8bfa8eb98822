"""The workflows on DBOS, in this process: `dbos_program WORKLOAD URL [THREADS]`.

What runs at once is `async`, which is up to twice as fast there as functions in threads; what runs alone is not.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from typing import Any

from dbos import DBOS, DBOSConfig  # type: ignore[import-not-found]

from bench.peers.programs.measuring import CHAINS, LENGTH, STUCK, WARM, WIDTH, latency, say

stuck = STUCK in os.environ
ended: list[int] = []


@DBOS.step()
def step(value: int) -> int:
    return value


@DBOS.step()
async def step_async(value: int) -> int:
    if stuck:
        await asyncio.Event().wait()
    return value


@DBOS.workflow()
def chain(steps: int) -> int:
    value = 0
    for number in range(steps):
        value = step(number)
    return value


@DBOS.workflow()
async def chain_async(steps: int) -> int:
    value = 0
    for number in range(steps):
        value = await step_async(number)
    ended.append(value)
    return value


@DBOS.workflow()
async def fan_out(width: int) -> int:
    return len(await asyncio.gather(*[step_async(number) for number in range(width)]))


@DBOS.workflow()
async def child(value: int) -> int:
    return value


@DBOS.workflow()
async def family(width: int) -> int:
    handles = [await DBOS.start_workflow_async(child, number) for number in range(width)]
    return len([await handle.get_result() for handle in handles])


async def chains(count: int) -> float:
    """Run so many at once. Returns the seconds until the last has its result."""
    began = time.perf_counter()
    handles = [await DBOS.start_workflow_async(chain_async, LENGTH) for _ in range(count)]
    results = [await handle.get_result() for handle in handles]
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


async def die_unfinished() -> None:
    """Start the chains, none of which goes on, and die as by a loss of power."""
    for _ in range(CHAINS):
        await DBOS.start_workflow_async(chain_async, LENGTH)
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


async def at_once(workload: str) -> dict[str, float]:
    await chains(WARM)
    if workload == "chains":
        return {workload: CHAINS / await chains(CHAINS)}
    return {workload: await one_async(fan_out if workload == "activities" else family, WIDTH, WIDTH)}


def alone(workload: str) -> dict[str, float]:
    for _ in range(WARM):
        chain(LENGTH)
    if workload == "latency":
        return latency(lambda: DBOS.start_workflow(chain, 1), lambda handle: handle.get_result())
    length = int(workload.removeprefix("steps_"))
    return {workload: one(chain, length, length - 1)}


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
    if workload == "recovery":
        asyncio.run(die_unfinished()) if stuck else recovered()
    elif workload == "latency" or workload.startswith("steps_"):
        say(alone(workload))
    else:
        say(asyncio.run(at_once(workload)))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
