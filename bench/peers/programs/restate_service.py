"""The workflows as a Restate service: `restate_service PORT ENDED`. A byte in ENDED is a chain that has ended."""

from __future__ import annotations

import asyncio
import os
import sys

import restate  # type: ignore[import-not-found]
from hypercorn.asyncio import serve  # type: ignore[import-not-found]
from hypercorn.config import Config  # type: ignore[import-not-found]

from bench.peers.programs.measuring import STUCK

PORT, ENDED = sys.argv[1:]
ended = os.open(ENDED, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
stuck = STUCK in os.environ
service = restate.Service("Bench")


async def step(value: int) -> int:
    if stuck:
        await asyncio.Event().wait()
    return value


@service.handler()
async def chain(ctx: restate.Context, steps: int) -> int:
    value = 0
    for number in range(steps):
        value = await ctx.run_typed("step", step, value=number)
    os.write(ended, b".")
    return value


@service.handler()
async def fan_out(ctx: restate.Context, width: int) -> int:
    done = await restate.gather(*[ctx.run_typed("step", step, value=number) for number in range(width)])
    return len([await each for each in done])


@service.handler()
async def child(ctx: restate.Context, value: int) -> int:
    return value


@service.handler()
async def family(ctx: restate.Context, width: int) -> int:
    done = await restate.gather(*[ctx.service_call(child, arg=number) for number in range(width)])
    return len([await each for each in done])


config = Config()
config.bind = [f"127.0.0.1:{PORT}"]
asyncio.run(serve(restate.app([service]), config))
