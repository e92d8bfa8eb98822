"""Random events and histories, for Hypothesis."""

from __future__ import annotations

from datetime import datetime, timezone

from hypothesis import strategies as st

from wfctl.model import events as ev
from wfctl.model.events import NEVER, NO_ID, Event, Failure, Origin, Parent, StallReason
from wfctl.model.status import Status

times = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 30)).map(lambda t: t.replace(tzinfo=timezone.utc))
ids = st.integers(1, 6)
texts = st.text(max_size=8)
payloads = st.none() | texts
failures = st.builds(Failure, texts, texts, payloads, st.booleans())
anywhere = st.just(NO_ID)

event_strategy: st.SearchStrategy[Event] = st.one_of(
    st.builds(ev.WorkflowStarted, anywhere, times, payloads, st.lists(texts, max_size=2).map(tuple)),
    st.builds(
        ev.ExecutionStarted,
        anywhere,
        times,
        texts,
        payloads,
        texts,
        texts,
        st.none() | st.builds(Parent, ids, texts, payloads, payloads, payloads),
        st.none() | times,
        payloads,
        payloads,
    ),
    st.builds(ev.ExecutionCompleted, ids, times, st.sampled_from(Status), payloads, st.none() | failures),
    st.builds(ev.ExecutionTerminated, anywhere, times, payloads, st.booleans(), payloads),
    st.builds(
        ev.TaskScheduled, ids, times, texts, payloads, texts, st.none() | ids, payloads, payloads, st.integers(0, 2)
    ),
    st.builds(ev.TaskCompleted, anywhere, times, ids, payloads, texts, st.booleans()),
    st.builds(ev.TaskFailed, anywhere, times, ids, failures, texts),
    st.builds(
        ev.ChildWorkflowInstanceCreated,
        ids,
        times,
        texts,
        texts,
        payloads,
        st.none() | ids,
        payloads,
        payloads,
        st.integers(0, 2),
    ),
    st.builds(ev.ChildWorkflowInstanceCompleted, anywhere, times, ids, payloads, st.booleans()),
    st.builds(ev.ChildWorkflowInstanceFailed, anywhere, times, ids, st.none() | failures),
    st.builds(
        ev.TimerCreated, ids, times, times | st.just(NEVER), payloads, st.sampled_from(Origin), payloads, payloads
    ),
    st.builds(ev.TimerFired, anywhere, times, ids, times, st.integers(0, 9)),
    st.builds(ev.EventRaised, anywhere, times, texts, payloads),
    st.builds(ev.ExecutionSuspended, anywhere, times, payloads),
    st.builds(ev.ExecutionResumed, anywhere, times, payloads),
    st.builds(ev.ExecutionStalled, anywhere, times, st.sampled_from(StallReason), texts),
)
histories = st.lists(event_strategy, max_size=25)
