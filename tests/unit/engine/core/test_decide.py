"""The rules of a turn, from histories written by hand."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from wfctl.engine.core import decide
from wfctl.engine.core.folded_state import State, folded
from wfctl.model import events as ev
from wfctl.model.events import NEVER, NO_ID, Event, Origin, StallReason
from wfctl.model.status import Status
from wfctl.model.turn import ContinueAsNew, Stall, TurnResult

T0 = datetime(2026, 1, 1, tzinfo=timezone.utc)
STARTED = ev.ExecutionStarted(NO_ID, T0, "Order", '{"n":1}', "o1", "x1")
TURN = ev.WorkflowStarted(NO_ID, T0)
TASK = ev.TaskScheduled(1, T0, "Pay", '"in"', "x1:1")
PAID = ev.TaskCompleted(NO_ID, T0, 1, '"ok"', "x1:1")
FAILED = ev.TaskFailed(NO_ID, T0, 1, ev.Failure("E", "no"), "x1:1")
DONE = ev.ExecutionCompleted(2, T0, Status.COMPLETED, '"out"')
PAUSE = ev.ExecutionSuspended(NO_ID, T0, "why")
RESUME = ev.ExecutionResumed(NO_ID, T0)
END = ev.ExecutionTerminated(NO_ID, T0, '"stop"')
RUNNING = [TURN, STARTED, TASK]


def state(*history: Event) -> State:
    return folded(history)


class TestStatus:
    def test_nothing_yet_is_pending(self) -> None:
        assert state().status() is Status.PENDING

    def test_started_is_running(self) -> None:
        assert state(*RUNNING).status() is Status.RUNNING

    def test_suspended_until_resumed(self) -> None:
        assert state(*RUNNING, PAUSE).status() is Status.SUSPENDED
        assert state(*RUNNING, PAUSE, RESUME).status() is Status.RUNNING

    def test_completed_beats_suspended(self) -> None:
        assert state(*RUNNING, PAUSE, DONE).status() is Status.COMPLETED

    def test_stalled_until_anything_else_happens(self) -> None:
        stalled = ev.ExecutionStalled(NO_ID, T0, StallReason.VERSION_NOT_AVAILABLE, "v1")
        assert state(*RUNNING, stalled).status() is Status.STALLED
        assert state(*RUNNING, stalled, TURN).status() is Status.RUNNING

    def test_a_second_completion_changes_nothing(self) -> None:
        other = ev.ExecutionCompleted(3, T0, Status.FAILED)
        assert state(*RUNNING, DONE, other).status() is Status.COMPLETED


class TestOpenOperations:
    def test_an_operation_is_open_until_its_first_resolution(self) -> None:
        assert list(state(*RUNNING).open) == [1]
        assert not state(*RUNNING, PAID).open

    def test_an_event_closes_the_oldest_timer_of_its_name_whatever_the_case(self) -> None:
        first = ev.TimerCreated(1, T0, NEVER, None, Origin.EXTERNAL_EVENT, "Approval")
        second = ev.TimerCreated(2, T0, NEVER, None, Origin.EXTERNAL_EVENT, "approval")
        raised = ev.EventRaised(NO_ID, T0, "APPROVAL", "1")
        assert list(state(TURN, STARTED, first, second, raised).open) == [2]

    def test_the_next_wake_is_the_earliest_timer_that_ever_fires(self) -> None:
        late = ev.TimerCreated(1, T0, T0 + timedelta(hours=2))
        soon = ev.TimerCreated(2, T0, T0 + timedelta(hours=1))
        never = ev.TimerCreated(3, T0, NEVER, None, Origin.EXTERNAL_EVENT, "x")
        assert state(TURN, STARTED, never).wake_at() is None
        assert state(TURN, STARTED, late, soon, never).wake_at() == T0 + timedelta(hours=1)
        assert state(TURN, STARTED, late, soon, DONE).wake_at() is None

    def test_due_timers_fire_in_due_order(self) -> None:
        later = ev.TimerCreated(1, T0, T0 + timedelta(seconds=2))
        sooner = ev.TimerCreated(2, T0, T0 + timedelta(seconds=1))
        now = T0 + timedelta(seconds=3)
        fired = decide.due_timers(state(TURN, STARTED, later, sooner), now)
        assert [event.timer_id for event in fired if isinstance(event, ev.TimerFired)] == [2, 1]


class TestAdmit:
    def test_a_finished_instance_admits_nothing(self) -> None:
        assert decide.admit(state(*RUNNING, DONE), [END, PAID]) == []

    def test_only_the_first_of_two_resolutions(self) -> None:
        assert decide.admit(state(*RUNNING), [PAID, FAILED]) == [PAID]
        assert decide.admit(state(*RUNNING, PAID), [PAID, FAILED]) == []

    def test_a_resolution_must_be_of_the_operations_kind(self) -> None:
        assert decide.admit(state(*RUNNING), [ev.TimerFired(NO_ID, T0, 1, T0)]) == []

    def test_a_resume_only_when_suspended(self) -> None:
        assert decide.admit(state(*RUNNING), [RESUME]) == []
        assert decide.admit(state(*RUNNING), [PAUSE, RESUME]) == [PAUSE, RESUME]
        assert decide.admit(state(*RUNNING, PAUSE), [RESUME]) == [RESUME]

    def test_a_second_start_is_dropped(self) -> None:
        assert decide.admit(state(), [STARTED, STARTED]) == [STARTED]
        assert decide.admit(state(*RUNNING), [STARTED]) == []

    def test_events_of_one_name_are_all_kept(self) -> None:
        raised = [ev.EventRaised(NO_ID, T0, "e", "1"), ev.EventRaised(NO_ID, T0, "e", "1")]
        assert decide.admit(state(*RUNNING), raised) == raised


class TestConclude:
    def test_new_events_then_actions(self) -> None:
        outcome = decide.conclude(state(), [TURN, STARTED], TurnResult([TASK]), T0, "x2")
        assert outcome.events == [TURN, STARTED, TASK]
        assert outcome.scheduled == [TASK]

    def test_actions_stand_before_the_pause_that_the_turn_ends_with(self) -> None:
        """What follows a suspension waits, for the Python SDK, until the resume: recorded there, an action would not
        count as recorded in a replay."""
        waits = ev.TimerCreated(1, T0, NEVER, None, Origin.EXTERNAL_EVENT, "go")
        raised = ev.EventRaised(NO_ID, T0, "go", "1")
        before, task = state(TURN, STARTED, waits), ev.TaskScheduled(2, T0, "Pay")

        def events(*new: Event) -> list[Event]:
            return decide.conclude(before, [TURN, *new], TurnResult([task]), T0, "x2").events

        assert events(raised, PAUSE) == [TURN, raised, task, PAUSE]
        assert events(raised, PAUSE, raised) == [TURN, raised, task, PAUSE, raised]
        assert events(raised, PAUSE, RESUME, raised) == [TURN, raised, PAUSE, RESUME, raised, task]
        assert events(PAUSE, RESUME, raised, PAUSE) == [TURN, PAUSE, RESUME, raised, task, PAUSE]

    def test_a_completion_stands_last(self) -> None:
        outcome = decide.conclude(state(*RUNNING), [TURN, PAID, PAUSE], TurnResult([DONE]), T0, "x2")
        assert outcome.events == [TURN, PAID, PAUSE, DONE]

    def test_the_first_completion_wins(self) -> None:
        other = ev.ExecutionCompleted(3, T0, Status.FAILED)
        outcome = decide.conclude(state(*RUNNING), [TURN, PAID], TurnResult([DONE, other]), T0, "x2")
        assert outcome.completed is DONE
        assert other not in outcome.events

    def test_terminate_wins_over_a_worker_that_ignores_it(self) -> None:
        more = ev.TaskScheduled(2, T0, "Ship")
        outcome = decide.conclude(state(*RUNNING), [TURN, END], TurnResult([more]), T0, "x2")
        assert outcome.completed == ev.ExecutionCompleted(NO_ID, T0, Status.TERMINATED, '"stop"')
        assert outcome.events == [TURN, END, outcome.completed]
        assert outcome.scheduled == []
        assert outcome.terminated is END

    def test_terminate_loses_to_a_completion_of_the_same_turn(self) -> None:
        outcome = decide.conclude(state(*RUNNING), [TURN, PAID, END], TurnResult([DONE]), T0, "x2")
        assert outcome.completed is DONE
        assert outcome.terminated is None

    def test_continue_as_new_makes_a_fresh_history(self) -> None:
        carried = ev.EventRaised(NO_ID, T0, "e", "0")
        result = TurnResult([TASK], continue_as_new=ContinueAsNew(2, '{"n":2}', (carried,)))
        later = T0 + timedelta(seconds=1)
        outcome = decide.conclude(state(*RUNNING), [TURN, PAID], result, later, "x2")
        assert outcome.again
        assert outcome.scheduled == []
        started = outcome.events[1]
        assert isinstance(started, ev.ExecutionStarted)
        assert (started.input, started.execution_id, started.instance_id) == ('{"n":2}', "x2", "o1")
        assert outcome.events[2] == ev.EventRaised(NO_ID, later, "e", "0")

    def test_terminate_wins_over_continue_as_new(self) -> None:
        result = TurnResult([], continue_as_new=ContinueAsNew(2, None))
        outcome = decide.conclude(state(*RUNNING), [TURN, END], result, T0, "x2")
        assert not outcome.again
        assert outcome.completed is not None
        assert outcome.completed.status is Status.TERMINATED

    def test_new_patches_are_recorded_once(self) -> None:
        known = ev.WorkflowStarted(NO_ID, T0, None, ("a",))
        before = state(known, STARTED, TASK)
        outcome = decide.conclude(before, [TURN, PAID], TurnResult([], patches=("a", "b")), T0, "x2")
        assert outcome.events[0] == ev.WorkflowStarted(NO_ID, T0, None, ("b",))

    def test_patches_must_continue_the_recorded_ones(self) -> None:
        before = state(ev.WorkflowStarted(NO_ID, T0, None, ("a",)), STARTED)
        assert decide.patch_mismatch(before, TurnResult(patches=("a", "b"))) is None
        mismatch = decide.patch_mismatch(before, TurnResult(patches=("b",)))
        assert mismatch is not None
        assert mismatch.reason is StallReason.PATCH_MISMATCH


class TestStall:
    def test_the_same_stall_is_recorded_once(self) -> None:
        stall = Stall(StallReason.NON_DETERMINISTIC, "differs at 1")
        first = decide.stalled(state(*RUNNING), stall, T0)
        assert len(first) == 1
        assert decide.stalled(state(*RUNNING, *first), stall, T0) == []
        other = Stall(StallReason.NON_DETERMINISTIC, "differs at 2")
        assert len(decide.stalled(state(*RUNNING, *first), other, T0)) == 1


class TestChildResolution:
    def test_completed(self) -> None:
        assert decide.child_resolution(DONE, 4, T0) == ev.ChildWorkflowInstanceCompleted(NO_ID, T0, 4, '"out"')

    def test_a_terminated_child_is_a_failed_one(self) -> None:
        ended = ev.ExecutionCompleted(NO_ID, T0, Status.TERMINATED, '"stop"')
        told = decide.child_resolution(ended, 4, T0)
        assert isinstance(told, ev.ChildWorkflowInstanceFailed)
        assert told.failure is not None


class TestActionsWithOneId:
    TIMER = ev.TimerCreated(1, T0, T0, None, Origin.TIMER)
    OTHER = ev.TaskScheduled(2, T0, "Ship", None, "x1:2")

    def test_two_in_one_turn(self) -> None:
        assert decide.repeated(state(TURN, STARTED), [TURN], TurnResult([TASK, self.OTHER])) is None
        assert decide.repeated(state(TURN, STARTED), [TURN], TurnResult([TASK, self.OTHER, self.TIMER])) == 1

    def test_one_that_is_open_still(self) -> None:
        assert decide.repeated(state(*RUNNING), [TURN], TurnResult([self.TIMER])) == 1

    def test_an_id_may_come_back_once_it_is_resolved(self) -> None:
        """The Python SDK tries an activity again under the ID of the first attempt."""
        assert decide.repeated(state(*RUNNING, FAILED), [TURN], TurnResult([TASK])) is None
        assert decide.repeated(state(*RUNNING), [TURN, FAILED], TurnResult([TASK])) is None

    def test_a_completion_has_whatever_id(self) -> None:
        done = ev.ExecutionCompleted(1, T0, Status.COMPLETED)
        assert decide.repeated(state(*RUNNING), [TURN], TurnResult([done])) is None

    def test_a_new_generation_begins_anew(self) -> None:
        result = TurnResult([self.TIMER], continue_as_new=ContinueAsNew(1, None, ()))
        assert decide.repeated(state(*RUNNING), [TURN], result) is None
