"""The same histories give the same actions here and in the official SDK's worker.

Skipped where the `dapr` package is not installed: it is a test dependency only.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from types import ModuleType
from typing import Any

import pytest
from app_cases import APPS, app, check
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from workflow_programs import World, programs, workflow
from workflow_simulator import Simulation

from wfctl import workflow as ours
from wfctl.model import events as ev
from wfctl.model.events import NEVER, Event, Origin
from wfctl.model.turn import TurnResult
from wfctl.workflow.loading import import_hook
from wfctl.workflow.registry import Registry
from wfctl.workflow.replay.live_workflow import LiveWorkflow

CASES = [case for case in sys.modules["expected"].CASES if case.sdk]

import_hook.uninstall()
pytest.importorskip("dapr.ext.workflow", reason="the official SDK (dapr) is not installed")

import dapr.ext.workflow as theirs  # noqa: E402
import dapr.ext.workflow._durabletask.internal.protos as pb  # noqa: E402
from dapr.ext.workflow._durabletask.worker import _OrchestrationExecutor  # noqa: E402

SILENT = logging.getLogger("silent")
SILENT.setLevel(logging.CRITICAL)
for chatty in ("WorkflowRuntime", "DaprWorkflowContext"):
    logging.getLogger(chatty).setLevel(logging.CRITICAL)

SDK = {name: module for name, module in sys.modules.items() if name.startswith("dapr.ext.workflow")}


@pytest.fixture(autouse=True)
def _sdk() -> Iterator[None]:
    yield
    import_hook.uninstall()


def sdk_registry(name: str) -> Any:
    """The app once more, imported with the real SDK."""
    import_hook.uninstall()
    sys.modules.update(SDK)
    sys.modules["dapr.ext"].workflow = theirs  # type: ignore[attr-defined]
    spec = importlib.util.spec_from_file_location(f"sdk_{name}", APPS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.wfr._WorkflowRuntime__worker._registry


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_same_actions(case: Any) -> None:
    registry = app(case).registry
    turns: list[tuple[str, Sequence[Event], Sequence[Event], TurnResult]] = []
    check(case, Simulation(registry, lambda *turn: turns.append(turn)))
    sdk = sdk_registry(case.app)
    for instance_id, past, new, result in turns:
        compare(sdk, instance_id, past, new, result)


def compare(sdk: Any, instance_id: str, past: Sequence[Event], new: Sequence[Event], result: TurnResult) -> None:
    executor = _OrchestrationExecutor(sdk, SILENT)
    answer = executor.execute(instance_id, [proto(e) for e in past], [proto(e) for e in new])
    actions = [action(a) for a in answer.actions]
    # The SDK may go on scheduling after the end, when more came in the same turn.
    ends = [at for at, each in enumerate(actions) if each[1] == "end"]
    assert actions[: ends[0] + 1 if ends else None] == wanted(result)
    assert answer.encoded_custom_status == result.custom_status
    assert answer.version_name == result.version
    assert tuple(answer.patches or ()) == result.patches


def test_the_same_propagated_history_of_a_message() -> None:
    stamp: Any = {"timestamp": {"seconds": 1}}
    call: Any = {"name": "pay", "input": {"value": "1"}, "taskExecutionId": "t"}
    done: Any = {"taskScheduledId": 3, "result": {"value": "2"}}
    events = [
        pb.HistoryEvent(eventId=-1, **stamp, executionStarted=pb.ExecutionStartedEvent(name="order")),
        pb.HistoryEvent(eventId=3, **stamp, taskScheduled=pb.TaskScheduledEvent(**call)),
        pb.HistoryEvent(eventId=-1, **stamp, taskCompleted=pb.TaskCompletedEvent(**done)),
    ]
    raw = [event.SerializeToString() for event in events]
    chunk: Any = {"appId": "shop", "instanceId": "i", "workflowName": "order", "rawEvents": raw}
    message = pb.PropagatedHistory(scope=pb.HISTORY_PROPAGATION_SCOPE_LINEAGE, chunks=[chunk])
    found = [sdk.PropagatedHistory.from_proto(message) for sdk in (ours, theirs)]
    assert [len(history.events) for history in found] == [3, 3]
    for history in found:
        assert (history.scope.name, history.get_app_ids()) == ("LINEAGE", ["shop"])
        workflow = history.get_last_workflow_by_name("order")
        activity = workflow.get_last_activity_by_name("pay")
        assert (workflow.instance_id, activity.input, activity.output, activity.completed) == ("i", "1", "2", True)
    for sdk in (ours, theirs):
        assert sdk.PropagatedHistory.from_proto(None) is None
        for broken, why in ({**chunk, "appId": ""}, "empty appId|no appId"), ({**chunk, "rawEvents": [b"x"]}, "raw"):
            with pytest.raises(ValueError, match=why):
                sdk.PropagatedHistory.from_proto(pb.PropagatedHistory(chunks=[broken]))  # type: ignore[list-item]


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs, st.data())
def test_same_actions_whatever_happens(program: Any, data: Any) -> None:
    """Without suspensions: there the SDK asks for confirmed actions once more."""
    registry, sdk = Registry(), theirs.WorkflowRuntime()
    registry.add_workflow("interpret", workflow(ours, program))
    sdk.register_workflow(workflow(theirs, program), name="interpret")
    world = World(data.draw, requests=False)
    live = LiveWorkflow(registry, "i1")
    new = world.first()
    for _ in range(10):
        result = live.turn((), new)
        compare(sdk._WorkflowRuntime__worker._registry, "i1", world.history, new, result)  # type: ignore[attr-defined]
        if not world.commit(new, result):
            return
        new = world.next()


def wanted(result: TurnResult) -> list[Any]:
    assert result.stall is None
    again = result.continue_as_new
    if again is not None:
        return [(again.event_id, "again", again.input, [(e.name, e.input) for e in again.carried])]
    return [described(event) for event in result.events]


def described(event: Event) -> Any:
    number = event.event_id
    if isinstance(event, ev.TaskScheduled):
        return number, "task", event.name, event.input, event.task_execution_id
    if isinstance(event, ev.ChildWorkflowInstanceCreated):
        return number, "child", event.name, event.input, event.instance_id
    if isinstance(event, ev.TimerCreated):
        return number, "timer", event.fire_at, event.origin, event.subject
    assert isinstance(event, ev.ExecutionCompleted)
    failure = event.failure
    # Where the message is wfctl's own, the SDK's says less.
    own = failure is not None and failure.message.startswith("workflow ")
    return number, "end", int(event.status), event.result, failure and (failure.error_type, own or failure.message)


def action(a: Any) -> Any:
    kind = a.WhichOneof("workflowActionType")
    if kind == "scheduleTask":
        return a.id, "task", a.scheduleTask.name, text(a.scheduleTask, "input"), a.scheduleTask.taskExecutionId
    if kind == "createChildWorkflow":
        child = a.createChildWorkflow
        return a.id, "child", child.name, text(child, "input"), child.instanceId
    if kind == "createTimer":
        timer = a.createTimer
        origin = Origin(timer.WhichOneof("origin"))
        subject = {
            Origin.TIMER: None,
            Origin.EXTERNAL_EVENT: timer.externalEvent.name,
            Origin.ACTIVITY_RETRY: timer.activityRetry.taskExecutionId,
            Origin.CHILD_RETRY: timer.childWorkflowRetry.instanceId,
        }[origin]
        never = timer.fireAt.seconds == 253402300799
        return a.id, "timer", NEVER if never else timer.fireAt.ToDatetime(timezone.utc), origin, subject
    end = a.completeWorkflow
    if end.workflowStatus == pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW:
        carried = [(e.eventRaised.name, text(e.eventRaised, "input")) for e in end.carryoverEvents]
        return a.id, "again", text(end, "result"), carried
    failure = None
    if end.HasField("failureDetails"):
        own = "non-Task" in end.failureDetails.errorMessage
        failure = (end.failureDetails.errorType, own or end.failureDetails.errorMessage)
    return a.id, "end", end.workflowStatus, text(end, "result"), failure


def text(message: Any, field: str) -> str | None:
    return getattr(message, field).value if message.HasField(field) else None


def proto(event: Event) -> Any:
    """A history event as the runtime would send it."""
    made = pb.HistoryEvent(eventId=event.event_id)
    stamp(made.timestamp, event.timestamp)
    if isinstance(event, ev.WorkflowStarted):
        made.workflowStarted.SetInParent()
        if event.version or event.patches:
            made.workflowStarted.version.name = event.version or ""
            made.workflowStarted.version.patches.extend(event.patches)
    elif isinstance(event, ev.ExecutionStarted):
        made.executionStarted.name = event.name
        put(made.executionStarted, "input", event.input)
    elif isinstance(event, ev.TaskScheduled):
        made.taskScheduled.name = event.name
        made.taskScheduled.taskExecutionId = event.task_execution_id
        put(made.taskScheduled, "input", event.input)
    elif isinstance(event, ev.ChildWorkflowInstanceCreated):
        made.childWorkflowInstanceCreated.name = event.name
        made.childWorkflowInstanceCreated.instanceId = event.instance_id
    elif isinstance(event, ev.TimerCreated):
        if event.fire_at == NEVER:
            made.timerCreated.fireAt.seconds, made.timerCreated.fireAt.nanos = 253402300799, 999999999
        else:
            stamp(made.timerCreated.fireAt, event.fire_at)
        getattr(made.timerCreated, event.origin.value).SetInParent()
    elif isinstance(event, ev.TimerFired):
        made.timerFired.timerId = event.timer_id
    elif isinstance(event, ev.EventRaised):
        made.eventRaised.name = event.name
        put(made.eventRaised, "input", event.input)
    elif isinstance(event, ev.TaskCompleted):
        made.taskCompleted.taskScheduledId = event.task_scheduled_id
        put(made.taskCompleted, "result", event.result)
    elif isinstance(event, ev.ChildWorkflowInstanceCompleted):
        made.childWorkflowInstanceCompleted.taskScheduledId = event.task_scheduled_id
        put(made.childWorkflowInstanceCompleted, "result", event.result)
    elif isinstance(event, (ev.TaskFailed, ev.ChildWorkflowInstanceFailed)):
        name = "taskFailed" if isinstance(event, ev.TaskFailed) else "childWorkflowInstanceFailed"
        field = getattr(made, name)
        field.taskScheduledId = event.task_scheduled_id
        assert event.failure is not None
        field.failureDetails.errorType = event.failure.error_type
        field.failureDetails.errorMessage = event.failure.message
    else:
        raise AssertionError(event)
    return made


def put(message: Any, field: str, value: str | None) -> None:
    if value is not None:
        getattr(message, field).value = value


def stamp(target: Any, time: datetime) -> None:
    target.FromDatetime(time.replace(tzinfo=None))


def public(module: ModuleType) -> set[str]:
    return set(module.__all__)


def test_no_name_is_missing_and_none_is_made_up() -> None:
    assert public(ours) == public(theirs)
