"""Properties of the core that hold for any history."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from history_strategies import event_strategy, histories
from hypothesis import given
from hypothesis import strategies as st

from wfctl.engine.core import decide
from wfctl.engine.core.folded_state import RESOLVES, State, fold, folded
from wfctl.engine.store.codec import Calls, Known, decode, decode_row, encode, encode_row
from wfctl.engine.store.values import to_micros
from wfctl.model import events as ev
from wfctl.model.awaited import unread_steps
from wfctl.model.events import NO_ID, Event
from wfctl.model.status import Status
from wfctl.model.steps import steps_of
from wfctl.model.turn import TurnResult

T0 = datetime(2026, 1, 1, tzinfo=timezone.utc)

# What can lie in an inbox: never the events that actions make.
ACTIONS = (ev.TaskScheduled, ev.TimerCreated, ev.ChildWorkflowInstanceCreated, ev.ExecutionCompleted)
arrivals = st.lists(event_strategy.filter(lambda event: not isinstance(event, ACTIONS)), max_size=25)


@given(histories, st.integers(0, 25))
def test_a_prefix_folded_and_then_the_rest_is_all_folded(history: list[Event], cut: int) -> None:
    state = folded(history[:cut])
    fold(state, history[cut:])
    assert state == folded(history)


@given(histories)
def test_stored_and_read_back_a_history_is_the_same(history: list[Event]) -> None:
    assert decode(encode(history)) == history


@given(histories, st.integers(0, 25), st.booleans(), st.booleans())
def test_stored_in_rows_that_leave_out_what_stands_elsewhere_it_is_the_same(
    history: list[Event], cut: int, started: bool, completed: bool
) -> None:
    subject = Known("another", "another", "another")
    for event in history:
        if isinstance(event, ev.ExecutionStarted) and started:
            subject = subject._replace(id=event.instance_id, execution_id=event.execution_id)
        if isinstance(event, ev.ExecutionCompleted) and completed:
            subject = subject._replace(output=event.result)
    written: Calls = {}
    read: Calls = {}
    found: list[Event] = []
    for part in (history[:cut], history[cut:]):
        at = to_micros(part[-1].timestamp) if part else 0
        found += decode_row(encode_row(part, at, subject, written), at, subject, read)
    assert found == history


@given(histories, arrivals)
def test_admitting_twice_admits_no_resolution_again(history: list[Event], arrived: list[Event]) -> None:
    state = folded(history)
    before = copy.deepcopy(state)
    admitted = decide.admit(state, arrived)
    assert state == before, "admit looks and does not touch"
    fold(state, admitted)
    again = decide.admit(state, admitted)
    assert not [event for event in again if type(event) in RESOLVES]


@given(histories, arrivals)
def test_duplicates_of_what_arrived_change_nothing(history: list[Event], arrived: list[Event]) -> None:
    unique = [e for e in arrived if not isinstance(e, (ev.EventRaised, ev.ExecutionTerminated, ev.WorkflowStarted))]
    unique = [e for e in unique if type(e) in RESOLVES or isinstance(e, ev.ExecutionStarted)]
    state = folded(history)
    assert decide.admit(state, [*unique, *unique]) == decide.admit(state, unique)


@given(histories, st.lists(event_strategy, max_size=6), st.booleans())
def test_a_turn_never_loses_an_admitted_event_and_completes_at_most_once(
    history: list[Event], asked: list[Event], terminate: bool
) -> None:
    state = folded(history)
    new: list[Event] = [ev.WorkflowStarted(NO_ID, T0)]
    if terminate:
        new.append(ev.ExecutionTerminated(NO_ID, T0, None))
    outcome = decide.conclude(state, new, TurnResult(asked), T0, "x")
    assert outcome.events[: len(new)] == new
    completions = [event for event in outcome.events[len(new) :] if isinstance(event, ev.ExecutionCompleted)]
    assert len(completions) <= 1
    if terminate:
        assert len(completions) == 1


@given(histories)
def test_a_finished_instance_has_no_timer_and_waits_for_no_event(history: list[Event]) -> None:
    state = folded([*history, ev.ExecutionCompleted(9, T0, Status.COMPLETED)])
    assert state.wake_at() is None
    assert state.event_waits() == []
    assert decide.admit(state, history) == []


@given(histories, st.integers(0, 10))
def test_timers_fire_only_once_due_and_only_once(history: list[Event], seconds: int) -> None:
    state = folded(history)
    now = T0 + timedelta(seconds=seconds)
    fired = decide.due_timers(state, now)
    for event in fired:
        assert isinstance(event, ev.TimerFired)
        assert event.fire_at <= now
    fold(state, fired)
    assert decide.due_timers(state, now) == []


def test_the_empty_state_is_what_an_empty_history_folds_to() -> None:
    assert folded([]) == State()
    assert replace(ev.WorkflowStarted(NO_ID, T0)) == ev.WorkflowStarted(NO_ID, T0)


names = st.sampled_from(["go", "Go", "stop"])
moments = st.just(datetime(2026, 1, 1, tzinfo=timezone.utc))
about_events = st.lists(
    st.builds(ev.EventRaised, st.just(NO_ID), moments, names)
    | st.builds(
        ev.TimerCreated, st.integers(1, 9), moments, moments, st.none(), st.just(ev.Origin.EXTERNAL_EVENT), names
    ),
    max_size=12,
    unique_by=lambda event: event.event_id if isinstance(event, ev.TimerCreated) else object(),
)


@given(about_events)
def test_what_came_early_is_the_same_for_the_store_and_for_a_sidecar(history: list[ev.Event]) -> None:
    """The store keeps what the state says, and of a sidecar the steps of the history tell."""
    early = sorted(name for name, _ in folded(history).early_events())
    assert early == sorted(step.name or "" for step in unread_steps(steps_of(history)))
