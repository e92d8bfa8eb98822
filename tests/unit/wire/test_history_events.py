"""History events keep what they say on the way over the wire."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

pytest.importorskip("google.protobuf", reason="needs the extra grpc")

from wfctl.engine.execute.port import ActivityTask
from wfctl.errors import Unsupported
from wfctl.model import events as ev
from wfctl.model.instance import Instance
from wfctl.model.status import Status
from wfctl.wire import history_events, instance_state, times, turn_actions, work_items
from wfctl.wire.protos import history_pb2 as hb
from wfctl.wire.protos import taskhub_pb2 as pb

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=timezone.utc)
FAILURE = ev.Failure("ValueError", "no", "line 1", True, ev.Failure("KeyError", "k"))

SAMPLES = [
    ev.ExecutionStarted(-1, NOW, "W", '{"a":1}', "i1", "e1"),
    ev.ExecutionStarted(-1, NOW, "W", None, "i1", "e1", ev.Parent(3, "p", "P", "pe"), NOW + timedelta(hours=1)),
    ev.ExecutionStarted(-1, NOW, "W", "", "i1", "", ev.Parent(0, "p")),
    ev.ExecutionCompleted(4, NOW, Status.COMPLETED, '"ok"'),
    ev.ExecutionCompleted(-1, NOW, Status.FAILED, None, FAILURE),
    ev.ExecutionTerminated(-1, NOW, '"out"', False),
    ev.TaskScheduled(0, NOW, "act", "1", "tx"),
    ev.TaskScheduled(1, NOW, "act", None, "tx", None, "src", "other-app", 2),
    ev.TaskCompleted(-1, NOW, 1, "null", "tx"),
    ev.TaskCompleted(-1, NOW, 1, None),
    ev.TaskFailed(-1, NOW, 1, FAILURE, "tx"),
    ev.ChildWorkflowInstanceCreated(2, NOW, "i1:0002", "Child", "[]", None, "src", "other", 1),
    ev.ChildWorkflowInstanceCompleted(-1, NOW, 2, "3"),
    ev.ChildWorkflowInstanceFailed(-1, NOW, 2, FAILURE),
    ev.ChildWorkflowInstanceFailed(-1, NOW, 2),
    ev.TimerCreated(3, NOW, NOW + timedelta(days=9), "nap", ev.Origin.TIMER, None, "src"),
    ev.TimerCreated(3, NOW, ev.NEVER, None, ev.Origin.EXTERNAL_EVENT, "go"),
    ev.TimerCreated(3, NOW, NOW, None, ev.Origin.ACTIVITY_RETRY, "tx"),
    ev.TimerCreated(3, NOW, NOW, None, ev.Origin.CHILD_RETRY, "i1:0002"),
    ev.TimerFired(-1, NOW, 3, NOW),
    ev.WorkflowStarted(-1, NOW),
    ev.WorkflowStarted(-1, NOW, "v2", ("p1", "p2")),
    ev.EventRaised(-1, NOW, "go", "0"),
    ev.EventRaised(-1, NOW, "go"),
    ev.ExecutionSuspended(-1, NOW, "why"),
    ev.ExecutionSuspended(-1, NOW),
    ev.ExecutionResumed(-1, NOW, "why"),
    ev.ExecutionStalled(-1, NOW, ev.StallReason.PAYLOAD_SIZE_EXCEEDED, "too big"),
    ev.ExecutionStalled(-1, NOW, ev.StallReason.PATCH_MISMATCH, ""),
    ev.OtherEvent(5, NOW, "EventSent", (("instance_id", "x"), ("name", "n"), ("input", "1"))),
    ev.OtherEvent(-1, NOW, "ContinueAsNew", (("input", "1"),)),
    ev.OtherEvent(6, NOW, "DetachedWorkflowInstanceCreated", (("instance_id", "x"),)),
    ev.OtherEvent(-1, NOW, "WorkflowCompleted"),
]


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: type(event).__name__)
def test_there_and_back(event: ev.Event) -> None:
    message = hb.HistoryEvent.FromString(history_events.write(event).SerializeToString())
    assert history_events.read(message) == event


def test_the_samples_hold_every_kind_of_event() -> None:
    kinds = {type(event).__name__ for event in SAMPLES}
    assert kinds == {kind.__name__ for kind in ev.Event.__subclasses__()}


def test_what_only_wfctl_knows_stays_behind() -> None:
    terminated = ev.ExecutionTerminated(-1, NOW, None, True, "because")
    assert history_events.read(history_events.write(terminated)) == ev.ExecutionTerminated(-1, NOW, None, True)
    stalled = ev.ExecutionStalled(-1, NOW, ev.StallReason.NON_DETERMINISTIC, "why")
    assert history_events.write(stalled).execution_stalled.reason == hb.STALL_REASON_PATCH_MISMATCH


def test_an_event_of_a_newer_runtime_is_named_by_its_number() -> None:
    known = history_events.write(ev.WorkflowStarted(-1, NOW))
    known.ClearField("workflow_started")
    raw = known.SerializeToString() + bytes([40 << 3 & 0x7F | 0x80 | 2, 40 >> 4, 0])
    assert history_events.read(hb.HistoryEvent.FromString(raw)) == ev.OtherEvent(-1, NOW, "Unknown(40)")
    with pytest.raises(ValueError, match=r"Unknown\(40\)"):
        history_events.write(ev.OtherEvent(-1, NOW, "Unknown(40)"))


def test_the_far_future_is_daprs_own() -> None:
    timer = history_events.write(ev.TimerCreated(1, NOW, ev.NEVER, None, ev.Origin.EXTERNAL_EVENT, "go")).timer_created
    assert (timer.fire_at.seconds, timer.fire_at.nanos) == (253402300799, 999999999)


def test_times_out_of_reach() -> None:
    assert times.from_seconds(253402300800, 0) == ev.NEVER
    assert times.from_seconds(-62135596800, 0) == times.YEAR_ONE
    assert times.from_seconds(-1 << 62, 0) == times.YEAR_ONE
    assert times.known(times.YEAR_ONE) is None
    before = datetime(1969, 12, 31, 23, 59, 59, 500000, tzinfo=timezone.utc)
    assert times.to_seconds(before) == (-1, 500_000_000)
    assert times.from_seconds(-1, 500_000_000) == before


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("2026-03-01T12:00:00Z", 0),
        ("2026-03-01T12:00:00.1Z", 100000),
        ("2026-03-01T12:00:00.123Z", 123000),
        ("2026-03-01T12:00:00.123456Z", 123456),
        ("2026-03-01T12:00:00.123456789Z", 123456),
        ("2026-03-01T13:30:00+01:30", 0),
    ],
)
def test_rfc3339_in_every_length(text: str, micros: int) -> None:
    assert times.from_text(text) == NOW.replace(microsecond=micros)


@pytest.mark.parametrize(
    "text", ["", "2026-03-01", "2026-03-01 12:00:00Z", "2026-03-01T12:00:00", "2026-13-01T12:00:00Z"]
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"RFC 3339|month"):
        times.from_text(text)


def test_text_has_as_many_digits_as_protobuf_writes() -> None:
    assert times.to_text(NOW) == "2026-03-01T12:00:00.123456Z"
    assert times.to_text(NOW.replace(microsecond=120000)) == "2026-03-01T12:00:00.120Z"
    assert times.to_text(NOW.replace(microsecond=0)) == "2026-03-01T12:00:00Z"
    assert times.from_text(times.to_text(ev.NEVER)) == ev.NEVER


def response(*actions_: pb.Action, **fields: object) -> pb.WorkflowResponse:
    return pb.WorkflowResponse(instance_id="i1", actions=actions_, **fields)  # type: ignore[arg-type]


def test_actions_become_events_in_their_order() -> None:
    task = pb.Action(id=1, schedule_task=pb.ScheduleTask(name="act", input={"value": "1"}, task_execution_id="tx"))
    task.router.target_app_id = "other"
    result = turn_actions.turn_result(
        response(
            task,
            pb.Action(id=2, create_child=pb.CreateChild(name="Child")),
            pb.Action(
                id=3,
                create_timer=pb.CreateTimer(
                    fire_at={"seconds": 253402300799, "nanos": 999999999}, external_event=hb.TimerOriginEvent(name="go")
                ),
            ),
            custom_status={"value": "busy"},
            version=hb.Version(name="v1", patches=["a"]),
        ),
        NOW,
    )
    assert result.events == [
        ev.TaskScheduled(1, NOW, "act", "1", "tx", app_id="other"),
        ev.ChildWorkflowInstanceCreated(2, NOW, "i1:0002", "Child"),
        ev.TimerCreated(3, NOW, ev.NEVER, None, ev.Origin.EXTERNAL_EVENT, "go"),
    ]
    assert (result.custom_status, result.version, result.patches) == ("busy", "v1", ("a",))


def test_the_first_completion_wins() -> None:
    result = turn_actions.turn_result(
        response(
            pb.Action(id=4, complete=pb.Complete(status=hb.RUNTIME_STATUS_COMPLETED, result={"value": "1"})),
            pb.Action(id=5, complete=pb.Complete(status=hb.RUNTIME_STATUS_FAILED)),
        ),
        NOW,
    )
    assert result.events == [ev.ExecutionCompleted(4, NOW, Status.COMPLETED, "1")]
    assert result.custom_status is None


def test_continue_as_new_carries_events() -> None:
    carried = history_events.write(ev.EventRaised(-1, NOW, "go", "1"))
    done = pb.Complete(status=hb.RUNTIME_STATUS_CONTINUED_AS_NEW, result={"value": "2"}, carryover_events=[carried])
    result = turn_actions.turn_result(response(pb.Action(id=4, complete=done)), NOW)
    assert result.continue_as_new is not None
    assert result.continue_as_new.input == "2"
    assert result.continue_as_new.carried == (ev.EventRaised(-1, NOW, "go", "1"),)
    assert result.events == []


def test_a_missing_version_stalls() -> None:
    action = pb.Action(id=1, version_not_available=pb.VersionNotAvailable())
    result = turn_actions.turn_result(response(action, version=hb.Version(name="v1")), NOW)
    assert result.stall is not None
    assert result.stall.reason is ev.StallReason.VERSION_NOT_AVAILABLE
    assert result.stall.description == "Version not available: v1"


def test_what_the_engine_cannot_do_is_said() -> None:
    with pytest.raises(Unsupported, match="send_event"):
        turn_actions.turn_result(response(pb.Action(id=1, send_event=pb.SendEvent(name="x"))), NOW)


def test_an_activity_as_a_work_item() -> None:
    item = work_items.activity_item(ActivityTask(7, "i1", 3, "act", "1", "tx"), token="t")
    assert item.completion_token == "t"
    assert item.activity_request.instance.instance_id == "i1"


def test_states() -> None:
    full = Instance("i1", "W", Status.FAILED, NOW, NOW, NOW, NOW, "1", None, "busy", FAILURE, version="v1")
    assert instance_state.read(instance_state.write(full, payloads=True)) == full
    bare = instance_state.read(instance_state.write(full, payloads=False))
    assert (bare.input, bare.custom_status, bare.failure) == (None, None, None)
    pending = instance_state.read(instance_state.write(Instance("i1", None, Status.PENDING), payloads=True))
    assert pending == Instance("i1", None, Status.PENDING)
