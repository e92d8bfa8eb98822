"""Runs over hand-written histories."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from workflow_code import retrying, two_steps
from workflow_simulator import (
    LATER,
    START,
    Live,
    completed,
    done,
    execution,
    failed,
    failure,
    fired,
    only,
    raised,
    started,
)

import wfctl.workflow as wf
from wfctl.model.events import (
    NEVER,
    NO_ID,
    ChildWorkflowInstanceCreated,
    ChildWorkflowInstanceFailed,
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionSuspended,
    ExecutionTerminated,
    Failure,
    Origin,
    TaskScheduled,
    TimerCreated,
)
from wfctl.model.status import Status
from wfctl.workflow.replay.live_workflow import LiveWorkflow

# -- activities and children -------------------------------------------------------------------------------------------


def test_an_activity_is_scheduled_and_its_result_sent_in() -> None:
    def w(ctx: Any, n: int) -> Generator[Any, Any, Any]:
        got = yield ctx.call_activity("a", input=n)
        return [got, n]

    live = Live(w)
    scheduled = only(live.start("7"))
    assert scheduled == TaskScheduled(1, START, "a", "7", scheduled.task_execution_id)
    assert len(scheduled.task_execution_id) == 36
    assert only(live.feed(done(1, '{"x": 1}'))) == ExecutionCompleted(2, LATER, Status.COMPLETED, '[{"x": 1}, 7]')
    assert live.run.ended


@pytest.mark.parametrize("text", ["0", "false", '""', "[]", "{}"])
def test_falsy_payloads_are_payloads(text: str) -> None:
    def w(ctx: Any, value: Any) -> Generator[Any, Any, Any]:
        value = yield ctx.call_activity("a", input=value)
        event = yield ctx.wait_for_external_event("e")
        assert event == value
        return event

    live = Live(w)
    assert only(live.start(text)).input == text
    live.feed(done(1, text))
    assert completed(live.feed(raised("e", text))) == text


def test_an_absent_and_an_empty_payload_are_none() -> None:
    def w(ctx: Any, value: Any) -> Generator[Any, Any, Any]:
        got = yield ctx.call_activity("a", input=value)
        return [value, got]

    live = Live(w)
    assert only(live.start("")).input is None
    assert completed(live.feed(done(1, ""))) == "[null, null]"


def test_the_ids_of_activity_calls_are_unique_and_stable() -> None:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        yield wf.when_all([ctx.call_activity("a") for _ in range(100)])

    first, second = Live(w).start(), Live(w).start()
    ids = [event.task_execution_id for event in first.events if isinstance(event, TaskScheduled)]
    assert len(set(ids)) == 100
    assert first.events == second.events


def test_a_child_has_the_id_that_is_given_or_one_derived_from_its_number() -> None:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        yield wf.when_all([ctx.call_child_workflow("c", input=1), ctx.call_child_workflow("c", instance_id="mine")])

    assert Live(w).start().events == [
        ChildWorkflowInstanceCreated(1, START, "i1:0001", "c", "1"),
        ChildWorkflowInstanceCreated(2, START, "mine", "c"),
    ]


def test_a_failed_activity_is_raised_where_it_is_yielded() -> None:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        try:
            yield ctx.call_activity("a")
        except wf.TaskFailedError as error:
            return [str(error), error.details.error_type, error.details.message, error.details.stack_trace]

    live = Live(w)
    live.start()
    assert completed(live.feed(failed(1))) == '["i1: Activity task #1 failed: bad", "ValueError", "bad", null]'


def test_a_terminated_child_fails_its_parent_even_without_details() -> None:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        yield ctx.call_child_workflow("c")

    live = Live(w)
    live.start()
    why = failure(live.feed(ChildWorkflowInstanceFailed(NO_ID, START, 1, None)))
    assert why.error_type == "TaskFailedError"


def test_the_app_of_an_activity_is_told() -> None:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        yield ctx.call_activity("a", app_id="other")

    assert only(Live(w).start()).app_id == "other"


def test_duplicate_and_unknown_resolutions_change_nothing() -> None:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        yield ctx.call_activity("a")
        yield ctx.call_activity("b")

    live = Live(w)
    live.start()
    assert only(live.feed(done(1), done(1, "2"), failed(1), fired(1), done(99))).name == "b"


# -- retries -----------------------------------------------------------------------------------------------------------


def test_a_retry_waits_on_a_timer_and_keeps_the_execution_id() -> None:
    live = Live(retrying(first_retry_interval=timedelta(seconds=2), max_number_of_attempts=3, backoff_coefficient=3))
    first = only(live.start())
    assert (first.event_id, first.max_attempts) == (1, 3)
    timer = only(live.feed(failed(1)))
    assert timer == TimerCreated(
        2, LATER, LATER + timedelta(seconds=2), None, Origin.ACTIVITY_RETRY, first.task_execution_id
    )
    second = only(live.feed(fired(2)))
    assert second == TaskScheduled(3, LATER, "a", "[1]", first.task_execution_id, 3)
    assert only(live.feed(failed(3))).fire_at == LATER + timedelta(seconds=6)
    assert only(live.feed(fired(4))).event_id == 5
    assert "#5 failed" in failure(live.feed(failed(5))).message


def test_some_errors_are_not_tried_again() -> None:
    live = Live(retrying(first_retry_interval=timedelta(0), max_number_of_attempts=3))
    live.start()
    assert failure(live.feed(failed(1, "NonRetryableError"))).error_type == "TaskFailedError"


def test_a_child_is_tried_again_under_its_own_id() -> None:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        policy = wf.RetryPolicy(first_retry_interval=timedelta(seconds=1), max_number_of_attempts=2)
        yield ctx.call_child_workflow("c", retry_policy=policy)

    live = Live(w)
    live.start()
    timer = only(live.feed(ChildWorkflowInstanceFailed(NO_ID, START, 1, Failure("E", "bad"))))
    assert (timer.origin, timer.subject) == (Origin.CHILD_RETRY, "i1:0001")
    again = only(live.feed(fired(2)))
    assert (again.event_id, again.instance_id, again.max_attempts) == (3, "i1:0001", 2)


@pytest.mark.parametrize(
    ("attempt", "policy", "expected"),
    [
        (1, {"max_number_of_attempts": 1}, None),
        (1, {"max_number_of_attempts": 2}, 4.0),
        (3, {"max_number_of_attempts": 9, "backoff_coefficient": 2}, 16.0),
        (3, {"max_number_of_attempts": 9, "backoff_coefficient": None}, 4.0),
        (3, {"max_number_of_attempts": 9, "backoff_coefficient": 2, "max_retry_interval": timedelta(seconds=9)}, 9.0),
        (2, {"max_number_of_attempts": 9, "retry_timeout": timedelta(seconds=8)}, None),
        (2, {"max_number_of_attempts": 9, "retry_timeout": timedelta(seconds=8.001)}, 4.0),
        (1, {"max_number_of_attempts": 9, "retry_timeout": timedelta(0)}, None),
    ],
)
def test_the_delays_of_a_policy(attempt: int, policy: dict[str, Any], expected: float | None) -> None:
    delay = wf.RetryPolicy(first_retry_interval=timedelta(seconds=4), **policy).next_delay(attempt)
    assert (delay and delay.total_seconds()) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_number_of_attempts": 0},
        {"first_retry_interval": timedelta(seconds=-1)},
        {"backoff_coefficient": 0.5},
        {"max_retry_interval": timedelta(seconds=-1)},
        {"retry_timeout": timedelta(seconds=-1)},
    ],
)
def test_policies_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be >="):
        wf.RetryPolicy(**{"first_retry_interval": timedelta(0), "max_number_of_attempts": 1, **wrong})


# -- time, timers, events ----------------------------------------------------------------------------------------------


def test_the_time_of_a_workflow_is_that_of_its_turn() -> None:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        times = [ctx.current_utc_datetime, ctx.now(), ctx.now_with_sequence(), ctx.now_with_sequence()]
        yield ctx.create_timer(timedelta(seconds=1))
        times.append(ctx.current_utc_datetime)
        return [time.isoformat() for time in times]

    live = Live(w)
    assert only(live.start()).fire_at == START + timedelta(seconds=1)
    begun = START.replace(tzinfo=None)
    times = [begun, begun, begun, begun + timedelta(microseconds=1), LATER.replace(tzinfo=None)]
    assert completed(live.feed(fired(1))) == str([time.isoformat() for time in times]).replace("'", '"')


@pytest.mark.parametrize(
    "when",
    [
        datetime(2026, 1, 2, 12, tzinfo=timezone.utc),
        datetime(2026, 1, 2, 12),
        datetime(2026, 1, 2, 14, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_a_timer_for_a_time_of_day(when: datetime) -> None:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        yield ctx.create_timer(when)

    timer = only(Live(w).start())
    assert timer == TimerCreated(1, START, datetime(2026, 1, 2, 12, tzinfo=timezone.utc))


def test_a_timer_for_something_else() -> None:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        yield ctx.create_timer(5)

    assert "a datetime or a timedelta is needed, not int" in failure(Live(w).start()).message


def waiting(timeout: Any = None) -> Callable[[Any], Generator[Any, Any, Any]]:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        seen: list[Any] = []
        for _ in range(2):
            try:
                seen.append((yield ctx.wait_for_external_event("Go", timeout=timeout)))
            except TimeoutError as error:
                seen.append(str(error))
        return seen

    return w


def test_a_wait_for_good_is_recorded_as_a_timer_that_never_fires() -> None:
    live = Live(waiting())
    assert only(live.start()) == TimerCreated(1, START, NEVER, None, Origin.EXTERNAL_EVENT, "Go")
    assert only(live.feed(raised("go", "1"))).event_id == 2
    assert completed(live.feed(raised("GO", "2"))) == "[1, 2]"


def test_events_are_kept_in_order_until_somebody_waits() -> None:
    assert completed(Live(waiting()).start(None, raised("go", "1"), raised("gO", "2"), raised("go", "3"))) == "[1, 2]"


def test_a_timeout_is_raised_and_the_late_event_kept_for_the_next_wait() -> None:
    live = Live(waiting(timedelta(seconds=3)))
    assert only(live.start()).fire_at == START + timedelta(seconds=3)
    result = live.feed(fired(1), raised("go", "1"))
    text = completed(result)
    assert text is not None
    assert text.endswith("waiting for external event 'Go'\", 1]")


def test_a_wait_of_no_time_does_not_wait() -> None:
    live = Live(waiting(timedelta(0)))
    text = completed(live.start(None, raised("go", "1")))
    assert text is not None
    assert text.startswith('["Wait for')


def test_what_is_waited_for_is_dropped_once_it_came() -> None:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        while True:
            yield ctx.wait_for_external_event("go")

    live = Live(w)
    live.start()
    for _ in range(100):
        live.feed(raised("go"))
    assert len(live.run._pending.tasks) == 1
    assert len(live.run._pending.event_waits) == 1


# -- when_all, when_any ------------------------------------------------------------------------------------------------


def test_when_all_waits_for_all_and_raises_the_first_failure() -> None:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        yield wf.when_all([ctx.call_activity("a") for _ in range(3)])

    live = Live(w)
    live.start()
    assert live.feed(failed(2)).events == []
    assert live.feed(failed(1)).events == []
    assert "#2 failed" in failure(live.feed(done(3))).message


def test_a_task_belongs_to_one_pending_composite() -> None:
    def twice(ctx: Any) -> Generator[Any, Any, Any]:
        task = ctx.call_activity("a")
        yield wf.when_any([task, task])

    def shared(ctx: Any) -> Generator[Any, Any, Any]:
        task = ctx.call_activity("a")
        wf.when_any([task])
        yield wf.when_all([task])

    def wrong(ctx: Any) -> Generator[Any, Any, Any]:
        yield wf.when_all([1])  # type: ignore[list-item]

    assert "twice" in failure(Live(twice).start()).message
    assert "another pending" in failure(Live(shared).start()).message
    assert "not int" in failure(Live(wrong).start()).message


def test_a_task_tells_what_it_knows() -> None:
    from wfctl.workflow.sdk.tasks import Task

    task: Task[int] = Task()
    assert (task.is_complete, task.is_failed) == (False, False)
    with pytest.raises(ValueError, match="not complete"):
        task.get_result()
    with pytest.raises(ValueError, match="not failed"):
        task.get_exception()
    both = wf.when_all([task, Task()])
    task._settle(1)
    assert (both.pending_tasks, both.get_completed_tasks(), both.get_tasks()[0]) == (1, 1, task)


# -- ends --------------------------------------------------------------------------------------------------------------


def test_a_plain_function_completes_at_once() -> None:
    assert completed(Live(lambda ctx, n: n + 1).start("1")) == "2"
    assert completed(Live(lambda ctx: None).start("1")) is None


def test_what_was_asked_for_and_not_waited_for_is_dropped() -> None:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        ctx.call_activity("a")
        return 1
        yield

    assert only(Live(w).start()) == ExecutionCompleted(2, START, Status.COMPLETED, "1")


def test_an_exception_fails_the_workflow_and_shows_the_users_lines_only() -> None:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        yield ctx.call_activity("a")
        raise KeyError("missing")

    live = Live(w)
    live.start()
    why = failure(live.feed(done(1)))
    assert (why.error_type, why.message) == ("KeyError", "'missing'")
    assert why.stack_trace is not None
    assert 'raise KeyError("missing")' in why.stack_trace
    assert why.stack_trace.count("File ") == 1


@pytest.mark.parametrize("value", [42, None, "text", [1], (1, 2)])
def test_yielding_what_is_no_task(value: Any) -> None:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        yield value

    why = failure(Live(w).start())
    assert why.error_type == "TypeError"
    assert f"yielded {value!r} ({type(value).__name__}), which is not a task" in why.message
    assert why.stack_trace is not None
    assert "yield value" in why.stack_trace


def test_a_result_that_json_cannot_hold() -> None:
    why = failure(Live(lambda ctx: {1, 2}).start())
    assert "'w' returned a value that JSON cannot hold: Object of type set" in why.message
    loop: list[Any] = []
    loop.append(loop)
    assert "Circular" in failure(Live(lambda ctx: loop).start()).message


def test_an_input_that_json_cannot_hold() -> None:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        yield ctx.call_activity("a", input={1, 2})

    assert "Object of type set is not JSON serializable" in failure(Live(w).start()).message


def test_an_input_that_is_not_json() -> None:
    why = failure(Live(lambda ctx, value: value).start("{bad"))
    assert why.error_type == "JSONDecodeError"
    assert why.message.startswith("the input is not JSON")


def test_an_async_workflow() -> None:
    async def w(ctx: Any) -> None:
        pass

    async def g(ctx: Any) -> Any:
        yield 1

    assert "is an async function" in failure(Live(w).start()).message
    assert "is an async function" in failure(Live(g).start()).message


@pytest.mark.parametrize("error", [SystemExit(3), GeneratorExit(), BaseException("x")])
@pytest.mark.parametrize("generator", [True, False])
def test_exceptions_that_end_programs_end_the_workflow_only(error: BaseException, generator: bool) -> None:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        yield ctx.call_activity("a")
        raise error

    def plain(ctx: Any) -> None:
        raise error

    if generator:
        live = Live(w)
        live.start()
        why = failure(live.feed(done(1)))
    else:
        why = failure(Live(plain).start())
    assert why.error_type == type(error).__name__
    assert why.message.startswith("workflow 'w' raised")


def test_ctrl_c_is_not_the_workflows_failure() -> None:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        Live(w).start()


def test_an_unregistered_workflow() -> None:
    live = Live(lambda ctx: 1, "known")
    why = failure(live.run.turn((), [started(), execution("unknown")]))
    assert why.error_type == "OrchestratorNotRegisteredError"
    assert "registered: known" in why.message


def test_terminate() -> None:
    cleaned = []

    def w(ctx: Any) -> Generator[Any, Any, Any]:
        try:
            yield ctx.call_activity("a")
        finally:
            cleaned.append(ctx.call_activity("cleanup"))

    live = Live(w)
    live.start()
    result = live.feed(ExecutionTerminated(NO_ID, START, '"stop"'), done(1))
    assert only(result) == ExecutionCompleted(2, LATER, Status.TERMINATED, '"stop"')
    assert cleaned, "finally blocks run, what they ask for is dropped"
    assert live.feed(done(1)).events == []


def test_a_completion_wins_over_a_request_to_terminate_behind_it() -> None:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        yield ctx.call_activity("a")

    live = Live(w)
    live.start()
    assert completed(live.feed(done(1), ExecutionTerminated(NO_ID, START))) is None


def test_closing_a_run_is_quiet() -> None:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        try:
            yield ctx.call_activity("a")
        finally:
            yield ctx.call_activity("b")

    live = Live(w)
    live.start()
    live.run.close()
    live.run.close()
    assert live.run.ended


# -- continue as new ---------------------------------------------------------------------------------------------------


def test_continue_as_new_with_events() -> None:
    def w(ctx: Any, n: int) -> Generator[Any, Any, Any]:
        yield ctx.call_activity("a")
        ctx.call_activity("dropped")
        ctx.continue_as_new({"n": n + 1}, save_events=True)
        yield ctx.call_activity("dropped too")

    live = Live(w)
    live.start("1", raised("Other", "0"))
    result = live.feed(raised("other", "[1,2]"), done(1), raised("third"))
    assert result.events == []
    again = result.continue_as_new
    assert again is not None
    assert again.input == '{"n": 2}'
    assert [(e.name, e.input) for e in again.carried] == [("other", "0"), ("other", "[1, 2]"), ("third", None)]
    assert live.run.ended


def test_continue_as_new_without_events() -> None:
    def w(ctx: Any) -> None:
        ctx.continue_as_new(None)

    again = Live(w).start(None, raised("e")).continue_as_new
    assert again is not None
    assert (again.event_id, again.input, again.carried) == (1, None, ())


def test_a_request_to_terminate_wins_over_continue_as_new() -> None:
    def w(ctx: Any) -> None:
        ctx.continue_as_new(1)

    result = Live(w).start(None, ExecutionTerminated(NO_ID, START))
    assert result.continue_as_new is None
    assert only(result).status is Status.TERMINATED


def test_the_next_generation_may_come_as_past() -> None:
    """After a crash between the commit of the fresh history and its first turn."""
    live = Live(lambda ctx, n: [n, ctx.is_replaying])
    assert completed(live.run.turn([started(), execution("w", "5")], [started(LATER)])) == "[5, false]"


# -- suspension --------------------------------------------------------------------------------------------------------


def test_a_suspended_workflow_hears_nothing_until_it_is_resumed() -> None:
    live = Live(two_steps)
    live.start()
    assert live.feed(ExecutionSuspended(NO_ID, START)).events == []
    assert live.feed(done(1, "1")).events == []
    assert live.feed(ExecutionSuspended(NO_ID, START)).events == []
    late = LATER + timedelta(seconds=9)
    assert only(live.feed(ExecutionResumed(NO_ID, START), at=late)) == TaskScheduled(
        2, late, "b", None, only_id(live.run, late)
    )


def only_id(run: LiveWorkflow, at: datetime) -> str:
    """The held turn's time, not the resuming one's, goes into the ID, as in the SDK."""
    from wfctl.workflow.sdk.determinism import guid

    return guid(f"i1_{LATER.replace(tzinfo=None).isoformat()}_1")


def test_a_resume_of_a_workflow_that_is_not_suspended_is_ignored() -> None:
    live = Live(two_steps)
    live.start()
    assert live.feed(ExecutionResumed(NO_ID, START)).events == []
    assert only(live.feed(done(1))).name == "b"


def test_terminate_while_suspended() -> None:
    live = Live(two_steps)
    live.start()
    live.feed(ExecutionSuspended(NO_ID, START))
    assert only(live.feed(ExecutionTerminated(NO_ID, START))).status is Status.TERMINATED


def test_actions_of_the_turn_that_suspends_are_not_asked_for_again() -> None:
    live = Live(two_steps)
    first = live.start().events
    new = [started(LATER), done(1), ExecutionSuspended(NO_ID, START)]
    second = live.run.turn((), new).events
    past = [started(), execution("w"), *first, *new, *second]
    replayed = LiveWorkflow(live.registry, "i1")
    assert replayed.turn(past, [started(LATER)]).events == []
    assert completed(replayed.turn((), [started(LATER), done(2), ExecutionResumed(NO_ID, START)])) == "[null, true]"


# -- the rest of the context -------------------------------------------------------------------------------------------


def test_custom_status() -> None:
    def w(ctx: Any) -> Generator[Any, Any, Any]:
        ctx.set_custom_status("one")
        yield ctx.call_activity("a")
        with pytest.warns(DeprecationWarning, match="takes a str"):
            ctx.set_custom_status({"n": 2})
        yield ctx.call_activity("b")

    live = Live(w)
    assert live.start().custom_status == "one"
    assert live.feed(done(1)).custom_status == '{"n": 2}'


def test_random_things_are_the_same_in_every_replay() -> None:
    def w(ctx: Any) -> list[Any]:
        return [
            str(ctx.new_guid()),
            str(ctx.uuid4()),
            ctx.random().random(),
            ctx.random_int(1, 6),
            ctx.random_choice("abc"),
            ctx.random_string(8),
            ctx.random_string(4, alphabet="x"),
        ]

    first = completed(Live(w).start())
    assert first == completed(Live(w).start())
    assert first is not None
    assert "xxxx" in first


def test_random_things_that_cannot_be() -> None:
    from wfctl.workflow.sdk.pending_actions import PendingActions

    ctx = wf.DaprWorkflowContext(PendingActions("i1"))
    for call in (
        lambda: ctx.random_int(2, 1),
        lambda: ctx.random_string(-1),
        lambda: ctx.random_string(1, alphabet=""),
        lambda: ctx.random_choice([]),
    ):
        with pytest.raises((ValueError, IndexError)):
            call()


def test_the_memory_of_a_live_instance_is_small() -> None:
    import tracemalloc

    def w(ctx: Any) -> Generator[Any, Any, Any]:
        for _ in range(500):
            yield ctx.call_activity("a", input=1)

    live = Live(w)
    live.start()
    for n in range(1, 100):
        live.feed(done(n))
    tracemalloc.start()
    for n in range(100, 400):
        live.feed(done(n))
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert grown < 5_000, "nothing of the past is kept"
