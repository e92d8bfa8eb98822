"""What is taken out is nowhere in the instance any more."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from bundles import exported
from hypothesis import given, settings

from wfctl.bundle import Exported
from wfctl.bundle.codec import exported_out
from wfctl.bundle.redact import MASK, Redaction, parse_path
from wfctl.errors import InvalidInput
from wfctl.model import events as ev
from wfctl.model.instance import Instance
from wfctl.model.logs import LogLine
from wfctl.model.status import Status

T0 = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
NUMBER = "4111111111111111"
FAILURE = ev.Failure(
    "CardError", f"card {NUMBER} declined", f"raise CardError({NUMBER!r})", inner=ev.Failure("E", NUMBER)
)


def order(payload: Any, **more: Any) -> Exported:
    text = json.dumps(payload)
    history = (
        ev.ExecutionStarted(-1, T0, "Order", text, "order", "e"),
        ev.TaskScheduled(0, T0, "Charge", f'{{"pan": {NUMBER}}}', "x"),
        ev.TaskFailed(-1, T0, 0, FAILURE, "x"),
        ev.EventRaised(-1, T0, "card", f'"{NUMBER}"'),
        ev.ExecutionSuspended(-1, T0, f"ask {NUMBER}"),
        ev.ExecutionStalled(-1, T0, ev.StallReason.NON_DETERMINISTIC, f"fails with {NUMBER}"),
        ev.OtherEvent(-1, T0, "EventSent", (("instance_id", "x"), ("input", text))),
    )
    instance = Instance(
        "order", "Order", Status.STALLED, T0, input=text, custom_status=f"card {NUMBER}", failure=FAILURE,
        stall=f"NON_DETERMINISTIC: {NUMBER}",
    )  # fmt: skip
    return replace(Exported(instance, history, history[3:4], (LogLine(T0, 20, None, None, "l", NUMBER),)), **more)


def text_of(one: Exported) -> str:
    return json.dumps(exported_out(one))


@pytest.mark.parametrize("path", ["$.card.number", "card.number", "$..number", "$['card'][\"number\"]", "$.*.number"])
def test_a_value_at_a_path_is_gone_everywhere(path: str) -> None:
    one = order({"card": {"number": NUMBER, "until": "12/30"}})
    redact = Redaction([parse_path(path), parse_path("$.nosuch")])
    found = redact(one)
    assert NUMBER not in text_of(found)
    assert json.loads(found.instance.input or "") == {"card": {"number": MASK, "until": "12/30"}}
    assert found.instance.failure is not None
    assert found.instance.failure.message == f"card {MASK} declined"
    assert redact.unmatched == ["$.nosuch"]
    child = replace(
        order({"what": NUMBER}), instance=Instance("c", "C", Status.RUNNING, parent_id="order", input=NUMBER)
    )
    assert NUMBER not in text_of(redact(child))


@pytest.mark.parametrize("more", ["9" * 5000, "[" * 5000 + "]" * 5000], ids=["long number", "deep"])
def test_a_payload_that_cannot_be_looked_through_goes_whole(more: str) -> None:
    one = order({})
    one = replace(one, instance=replace(one.instance, input=f'{{"pin": "hidden", "more": {more}}}'))
    assert Redaction([parse_path("$.pin")])(one).instance.input == json.dumps(MASK)


def test_what_has_no_such_path_stays_byte_for_byte() -> None:
    one = order({"a": 1})
    one = replace(one, instance=replace(one.instance, input='{"a" : 1.50}'))
    assert Redaction([parse_path("$.b")])(one) == one


@pytest.mark.parametrize(
    ("path", "value", "left"),
    [
        ("$[0]", [1, 2], [MASK, 2]),
        ("$[-1]", [1, 2], [1, MASK]),
        ("$[*].a", [{"a": 1}, {"b": 2}], [{"a": MASK}, {"b": 2}]),
        ("$.a", {"a": None}, {"a": MASK}),
        ("$.a", {"a": {"deep": ["whole"]}}, {"a": MASK}),
        ("$..a", {"a": {"a": 1}, "b": [{"a": 2}]}, {"a": MASK, "b": [{"a": MASK}]}),
        ("$.a.b", {"a": "b"}, {"a": "b"}),
        ("$.tür", {"tür": 1}, {"tür": MASK}),
        ("$['a.b']", {"a.b": 1}, {"a.b": MASK}),
    ],
)
def test_paths(path: str, value: Any, left: Any) -> None:
    found = Redaction([parse_path(path)])(Exported(Instance("i", "W", Status.RUNNING, input=json.dumps(value)), ()))
    assert json.loads(found.instance.input or "") == left


@pytest.mark.parametrize(
    "path", ["", "$", "$.", "$x", "$.a[", "$.a[?(@.b)]", "$.a[1:2]", "$.a b", "a..", "$" + ".a" * 60]
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput):
        parse_path(path)


def test_all_leaves_names_times_and_types() -> None:
    found = Redaction(None)(order({"name": "Mr Card"}))
    text = text_of(found)
    assert NUMBER not in text
    assert "Mr Card" not in text
    assert "CardError" in text
    assert "Charge" in text
    assert Redaction(None).words == ("all",)


def _texts(value: Any, key: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [found for name, child in value.items() for found in _texts(child, name)]
    if isinstance(value, list):
        return [found for child in value for found in _texts(child, key)]
    return [(key, value)] if isinstance(value, str) else []


@settings(max_examples=40)
@given(exported)
def test_all_leaves_no_payload_and_no_message_of_any_event(one: Exported) -> None:
    """Whoever adds a field to an event decides here whether it may hold what an app wrote."""
    harmless = {
        "type", "timestamp", "instanceID", "appID", "workflowName", "runtimeStatus", "createdAt", "lastUpdatedAt",
        "startedAt", "completedAt", "errorType", "kind", "name", "at", "parentInstanceID", "version", "rerunOf",
        "rerunAs", "taskExecutionID", "status", "origin", "subject", "rerunParent", "fireAt", "scheduledStart",
        "executionID", "patches", "traceParent", "step", "logger",
    }  # fmt: skip
    for key, text in _texts(exported_out(Redaction(None)(one))):
        if key == "stall":
            assert text.partition(": ")[2] in ("", MASK)
        elif key == "reason":
            assert text == MASK or text in ev.StallReason.__members__
        elif key not in harmless:
            assert text in (MASK, json.dumps(MASK)), key
