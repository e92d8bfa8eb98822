"""The places of instances in traces follow from what the store has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from wfctl.engine.execute.port import ActivityTask
from wfctl.engine.store import database
from wfctl.engine.store.codec import encode
from wfctl.engine.store.history_inbox import append_history
from wfctl.gateway.log import Log
from wfctl.gateway.tracing.detect import span_exporter, wanted
from wfctl.gateway.tracing.trace_ids import Span, Traces, parse
from wfctl.model.events import NO_ID, ExecutionStarted, Parent, WorkflowStarted

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "store.db"
    database.open_store(path).close()
    return path


@pytest.fixture
def traces(store: Path) -> Iterator[Traces]:
    made = Traces(store, lambda trace: True)
    yield made
    made.close()


def started(execution: str, parent: Parent | None = None, caller: str | None = None) -> ExecutionStarted:
    return ExecutionStarted(NO_ID, NOW, "W", None, f"i-{execution}", execution, parent, None, caller)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "00",
        CALLER[:-1],
        CALLER + "-more",
        "ff" + CALLER[2:],
        f"00-{0:032x}-{1:016x}-01",
        f"00-{1:032x}-{0:016x}-01",
    ],
)
def test_what_is_no_trace_parent(text: str | None) -> None:
    assert parse(text) is None


def test_a_trace_parent_there_and_back() -> None:
    assert parse(CALLER) == Span(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, True)
    for text in (CALLER, CALLER[:-1] + "0"):
        place = parse(text)
        assert place is not None
        assert place.text() == text


def test_a_tree_is_in_its_callers_trace(traces: Traces) -> None:
    root = traces.note(1, 1, started("a", caller=CALLER))
    child = traces.note(2, 1, started("b", Parent(1, "i-a", "W", "a")))
    assert root.above == parse(CALLER)
    assert child.above == root.own
    assert child.own.trace == root.own.trace
    task = ActivityTask(2, "i-b", 1, "A", None, "x")
    found = traces.activity(task)
    assert found is not None
    assert found[1] == child.own
    # An attempt has a span of its own.
    assert traces.activity(ActivityTask(2, "i-b", 3, "A", None, "x")) != found


def test_a_later_generation_begins_a_trace_of_its_own(traces: Traces) -> None:
    first = traces.note(1, 1, started("a", caller=CALLER))
    second = traces.note(1, 4, started("b", caller=CALLER))
    assert second.above.span == 0
    assert second.own.trace != first.own.trace


def test_another_server_finds_the_same_places(store: Path, traces: Traces) -> None:
    event = started("a", caller=CALLER)
    before = traces.note(7, 1, event)
    db = database.open_store(store)
    append_history(db, [(7, 1, 0, encode([WorkflowStarted(NO_ID, NOW), event]))])
    db.close()
    again = Traces(store, lambda trace: True)
    assert again.of(7) == before
    assert again.of(8) is None
    again.close()


def test_who_asks_for_traces() -> None:
    assert wanted({}) == []
    assert wanted({"OTEL_SERVICE_NAME": "x"}) == []
    assert wanted({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}) == ["otlp"]
    assert wanted({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}) == ["otlp"]
    assert wanted({"OTEL_TRACES_EXPORTER": "console, otlp"}) == ["console", "otlp"]
    assert wanted({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}) == []
    assert wanted({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "TRUE"}) == []


def test_an_exporter_that_is_not_known_is_a_line_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("opentelemetry.sdk", reason="needs the extra otel")
    import sys

    assert span_exporter({"OTEL_TRACES_EXPORTER": "carrier-pigeon"}, "wfctl", Log(sys.stderr)) is None
    assert "'carrier-pigeon' is neither otlp nor console" in capsys.readouterr().err
