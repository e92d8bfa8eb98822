"""Random and hand-made bundles."""

from __future__ import annotations

import io
from datetime import datetime, timezone

from history_strategies import failures, histories, payloads, texts, times
from hypothesis import strategies as st

from wfctl.bundle import BundleWriter, Exported, Header, read_bundle
from wfctl.model import events as ev
from wfctl.model.failure import FailedStep
from wfctl.model.instance import Instance
from wfctl.model.logs import LogLine
from wfctl.model.status import Status

T0 = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
HEADER = Header("wfctl 0.0", T0, "embedded", ("logs",), ("$.card",))

maybe_times = st.none() | times
maybe_texts = st.none() | texts
instances = st.builds(
    Instance,
    id=texts,
    name=maybe_texts,
    status=st.sampled_from(Status),
    created_at=maybe_times,
    updated_at=maybe_times,
    started_at=maybe_times,
    completed_at=maybe_times,
    input=payloads,
    output=payloads,
    custom_status=payloads,
    failure=st.none() | failures | st.builds(ev.Failure, texts, texts, payloads, st.booleans(), failures),
    failed_step=st.none() | st.builds(FailedStep, texts, maybe_texts, st.integers(0, 9), at=maybe_times),
    parent_id=maybe_texts,
    version=maybe_texts,
    stall=maybe_texts,
    rerun_of=maybe_texts,
    rerun_as=st.none() | st.lists(texts, max_size=2).map(tuple),
    app_id=maybe_texts,
)
log_lines = st.builds(LogLine, times, st.integers(0, 50), maybe_texts, st.none() | st.integers(0, 9), texts, texts)
exported = st.builds(
    Exported,
    instances,
    histories.map(tuple),
    st.none() | histories.map(tuple),
    st.none() | st.lists(log_lines, max_size=3).map(tuple),
)


def written(*all_of_them: Exported, header: Header = HEADER) -> bytes:
    stream = io.BytesIO()
    writer = BundleWriter(stream.write)
    writer.begin(header)
    for one in all_of_them:
        writer.add(one)
    writer.end()
    return stream.getvalue()


def read(text: bytes) -> list[Exported]:
    return list(read_bundle(io.BytesIO(text), "b.jsonl"))


def finished(instance_id: str) -> Exported:
    history = (
        ev.WorkflowStarted(-1, T0),
        ev.ExecutionStarted(-1, T0, "W", '{"a": 1.0}', instance_id, "e"),
        ev.ExecutionCompleted(0, T0, Status.COMPLETED, "2"),
    )
    return Exported(Instance(instance_id, "W", Status.COMPLETED, T0, input='{"a": 1.0}', output="2"), history)
