"""A server that does nothing but hand a worker its next item: what the worker alone can do.

    python -m bench.ideal COUNT LENGTH TURNS ACTIVITIES

It has no engine and no store: every item of every chain is encoded before the clock starts, and an answer only says
which one comes next. It stands on the same gRPC server, sends what `wfctl serve` sends (deltas of histories, the same
windows), and as it does in small batches while the worker is busy, which is quicker for the worker than one by one.
Prints its port, runs one chain to warm the worker up, waits for a line on stdin, and then prints the seconds that the
other chains took.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from wfctl.gateway.grpc.routing import OPTIONS, Paths
from wfctl.gateway.grpc.serving import Answer, Call, Handler, Stream, Streaming, Unary
from wfctl.gateway.listening.listeners import grpc_server
from wfctl.gateway.workers.result_batching import BUSY, WAIT_SECONDS
from wfctl.model import events as ev
from wfctl.model.events import NO_ID
from wfctl.wire import grpc_methods, history_events
from wfctl.wire.protos import history_pb2, taskhub_pb2

# What an answer says, by the start of the completion token that the item was sent with.
TURN, ACTIVITY = "t", "a"
_DONE = taskhub_pb2.CompleteTaskResponse().SerializeToString()


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
        self.done = asyncio.Event()
        self.most = most_turns + most_activities
        self.left = 1
        self.loop = asyncio.get_running_loop()
        self.waits = False  # for more to be sent together
        self.out: Stream | None = None
        self.sending = False
        self.lock = threading.Lock()

    def begin(self, numbers: range) -> None:
        self.left = len(numbers)
        self.done.clear()
        with self.lock:
            self.turns += [self.scripts[number].turns[0] for number in numbers]
        self.send()

    def stream(self, _: bytes, out: Stream) -> Callable[[], None]:
        self.out = out
        self.send()
        return lambda: None

    def turn_done(self, answer: Any) -> None:
        _, number, step = answer.completion_token.split(".")
        activities = self.scripts[int(number)].activities
        with self.lock:
            self.turn_room += 1
            if int(step) < len(activities):
                self.activities.append(activities[int(step)])
            else:
                self.left -= 1
                if not self.left:
                    self.loop.call_soon_threadsafe(self.done.set)
        self.go_on()

    def activity_done(self, answer: Any) -> None:
        _, number, step = answer.completion_token.split(".")
        with self.lock:
            self.activity_room += 1
            self.turns.append(self.scripts[int(number)].turns[int(step) + 1])
        self.go_on()

    def go_on(self) -> None:
        held = self.most - self.turn_room - self.activity_room
        if held < BUSY:
            self.send()
        elif not self.waits:
            self.waits = True
            self.loop.call_soon_threadsafe(self.loop.call_later, WAIT_SECONDS, self.send)

    def send(self) -> None:
        """Send what there is room for, unless that is being done; on any thread."""
        self.waits = False
        with self.lock:
            if self.sending or self.out is None:
                return
            self.sending = True
        self.sent(True)

    def sent(self, taken: bool) -> None:
        with self.lock:
            item = self.following() if taken else None
            if item is None:
                self.sending = False
                return
        assert self.out is not None
        self.out.send(item, self.sent)

    def following(self) -> bytes | None:
        if self.turns and self.turn_room:
            self.turn_room -= 1
            return self.turns.popleft()
        if self.activities and self.activity_room:
            self.activity_room -= 1
            return self.activities.popleft()
        return None


def _paths(ideal: Ideal) -> Paths:
    async def hello(_: bytes, __: Call) -> bytes:
        return b""

    def answer(method: grpc_methods.Method, take: Callable[[Any], None]) -> tuple[grpc_methods.Method, Handler]:
        def handle(data: bytes | None, _: Call) -> bytes:
            assert data is not None
            take(method.request.FromString(data))
            return _DONE

        return method, Answer(handle)

    return Paths(
        [
            (grpc_methods.WORK_ITEMS, Streaming(ideal.stream)),
            (grpc_methods.HELLO, Unary(hello)),
            answer(grpc_methods.COMPLETE_ORCHESTRATOR, ideal.turn_done),
            answer(grpc_methods.COMPLETE_WORKFLOW, ideal.turn_done),
            answer(grpc_methods.COMPLETE_ACTIVITY, ideal.activity_done),
        ]
    )


async def main(count: int, length: int, most_turns: int, most_activities: int) -> None:
    ideal = Ideal(count, length, most_turns, most_activities)
    server = grpc_server(OPTIONS, lambda line: print(line, file=sys.stderr))  # noqa: T201
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start(_paths(ideal).find)
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
