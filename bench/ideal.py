"""A server that does nothing but hand a worker its next item: what the worker alone can do.

    python -m bench.ideal COUNT LENGTH TURNS ACTIVITIES

It has no engine and no store: every item of every chain is encoded before the clock starts, and an answer only says
which one comes next. It sends what `wfctl serve` sends (deltas of histories, the same windows), and as it does in small
batches while the worker is busy, which is quicker for the worker than one by one. Prints its port, runs
one chain to warm the worker up, waits for a line on stdin, and then prints the seconds that the other chains took.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from datetime import datetime, timezone
from typing import Any

import grpc

from wfctl.gateway.grpc.routing import OPTIONS, Paths
from wfctl.gateway.workers.result_batching import BUSY, WAIT_SECONDS
from wfctl.model import events as ev
from wfctl.model.events import NO_ID
from wfctl.wire import grpc_methods, history_events
from wfctl.wire.protos import history_pb2, taskhub_pb2

# What an answer says, by the start of the completion token that the item was sent with.
TURN, ACTIVITY = "t", "a"
_DONE = taskhub_pb2.CompleteTaskResponse().SerializeToString()


def _identity(data: bytes) -> bytes:
    return data


class Script:
    """The items of a chain of `length` activities: turn 0, activity 0, turn 1, ... turn `length`."""

    def __init__(self, instance_id: str, number: int, length: int) -> None:
        now = datetime.now(timezone.utc)
        started = ev.ExecutionStarted(NO_ID, now, "Chain", str(length), instance_id, f"execution-{number}")
        new: list[ev.Event] = [ev.WorkflowStarted(NO_ID, now), started]
        past: list[ev.Event] = []
        known = 0
        self.turns: list[bytes] = []
        self.activities: list[bytes] = []
        for step in range(length + 1):
            request = taskhub_pb2.WorkflowRequest(
                instance_id=instance_id,
                past_events=[history_events.write(event) for event in past],
                new_events=[history_events.write(event) for event in new],
            )
            if known:
                request.cached_history.event_count = known
            known += len(past)
            token = f"{TURN}.{number}.{step}"
            self.turns.append(_item(taskhub_pb2.WorkItem(workflow_request=request, completion_token=token)))
            if step == length:
                return
            activity = taskhub_pb2.ActivityRequest(
                name="Step",
                instance=history_pb2.InstanceRef(instance_id=instance_id),
                task_id=step + 1,
                task_execution_id=f"task-{number}-{step}",
            )
            activity.input.value = str(step)
            token = f"{ACTIVITY}.{number}.{step}"
            self.activities.append(_item(taskhub_pb2.WorkItem(activity_request=activity, completion_token=token)))
            scheduled = ev.TaskScheduled(step + 1, now, "Step", str(step), f"task-{number}-{step}")
            past = [*new, scheduled]
            new = [
                ev.WorkflowStarted(NO_ID, now),
                ev.TaskCompleted(NO_ID, now, step + 1, str(step), f"task-{number}-{step}"),
            ]


def _item(item: Any) -> bytes:
    data: bytes = item.SerializeToString()
    return data


class Ideal:
    def __init__(self, count: int, length: int, most_turns: int, most_activities: int) -> None:
        self.count = count
        self.scripts = [Script(f"chain-{number}", number, length) for number in range(count + 1)]
        self.turns: deque[bytes] = deque()
        self.activities: deque[bytes] = deque()
        self.turn_room, self.activity_room = most_turns, most_activities
        self.ready = asyncio.Event()
        self.done = asyncio.Event()
        self.most = most_turns + most_activities
        self.timer: asyncio.TimerHandle | None = None
        self.left = 1

    def begin(self, numbers: range) -> None:
        self.left = len(numbers)
        self.done.clear()
        self.turns += [self.scripts[number].turns[0] for number in numbers]
        self.ready.set()

    async def stream(self, _: bytes, context: Any) -> None:
        await context.send_initial_metadata(())
        while True:
            self.ready.clear()
            while self.turns and self.turn_room:
                self.turn_room -= 1
                await context.write(self.turns.popleft())
            while self.activities and self.activity_room:
                self.activity_room -= 1
                await context.write(self.activities.popleft())
            await self.ready.wait()

    async def turn_done(self, answer: Any, _: Any) -> bytes:
        _, number, step = answer.completion_token.split(".")
        self.turn_room += 1
        activities = self.scripts[int(number)].activities
        if int(step) < len(activities):
            self.activities.append(activities[int(step)])
        else:
            self.left -= 1
            if not self.left:
                self.done.set()
        self.go_on()
        return _DONE

    async def activity_done(self, answer: Any, _: Any) -> bytes:
        _, number, step = answer.completion_token.split(".")
        self.activity_room += 1
        self.turns.append(self.scripts[int(number)].turns[int(step) + 1])
        self.go_on()
        return _DONE

    def go_on(self) -> None:
        held = self.most - self.turn_room - self.activity_room
        if held < BUSY:
            self.send()
        elif self.timer is None:
            self.timer = asyncio.get_running_loop().call_later(WAIT_SECONDS, self.send)

    def send(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        self.ready.set()

    async def hello(self, _: bytes, __: Any) -> bytes:
        return b""


def _handlers(ideal: Ideal) -> list[tuple[grpc_methods.Method, Any]]:
    return [
        (grpc_methods.WORK_ITEMS, grpc.unary_stream_rpc_method_handler(ideal.stream, None, None)),
        (grpc_methods.HELLO, grpc.unary_unary_rpc_method_handler(ideal.hello, _identity, _identity)),
        *(
            (
                method,
                grpc.unary_unary_rpc_method_handler(handler, method.request.FromString, _identity),
            )
            for method, handler in (
                (grpc_methods.COMPLETE_ORCHESTRATOR, ideal.turn_done),
                (grpc_methods.COMPLETE_WORKFLOW, ideal.turn_done),
                (grpc_methods.COMPLETE_ACTIVITY, ideal.activity_done),
            )
        ),
    ]


async def main(count: int, length: int, most_turns: int, most_activities: int) -> None:
    ideal = Ideal(count, length, most_turns, most_activities)
    server = grpc.aio.server(options=OPTIONS)
    server.add_generic_rpc_handlers((Paths(_handlers(ideal)),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    _say(port)
    ideal.begin(range(count, count + 1))  # the last one, to warm up
    await ideal.done.wait()
    _say("warm")
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    began = time.perf_counter()
    ideal.begin(range(count))
    await ideal.done.wait()
    _say(time.perf_counter() - began)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


def _say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:5])))
