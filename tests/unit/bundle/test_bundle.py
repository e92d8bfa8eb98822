"""A bundle gives back what was written into it, and tells of every cut and every change."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bundles import HEADER, T0, exported, finished, read, written
from hypothesis import given, settings
from hypothesis import strategies as st

from wfctl.bundle import BundleReader, Exported
from wfctl.errors import InvalidInput
from wfctl.model import events as ev

SCHEMA = Path(__file__).parents[3] / "docs" / "schemas" / "bundle.json"

BUNDLE = written(finished("a"), finished("b"))
LINES = BUNDLE.splitlines(keepends=True)


@settings(max_examples=40)
@given(st.lists(exported, max_size=3, unique_by=lambda one: (one.app_id, one.id)))
def test_there_and_back(all_of_them: list[Exported]) -> None:
    text = written(*all_of_them)
    reader = BundleReader(io.BytesIO(text), "b.jsonl")
    assert reader.header == HEADER
    found = list(reader)
    assert found == all_of_them
    assert [one.line for one in found] == list(range(2, len(found) + 2))
    assert written(*found) == text


@settings(max_examples=40)
@given(exported)
def test_every_line_is_as_the_schema_says(one: Exported) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    for line in written(one).splitlines():
        assert [error.message for error in validator.iter_errors(json.loads(line))] == []


def test_the_format_is_pinned() -> None:
    """Bundles are kept for years: what is written today must be read by every later version."""
    pinned = Path(__file__).with_name("pinned.jsonl").read_bytes()
    reader = BundleReader(io.BytesIO(pinned), "pinned.jsonl")
    found = list(reader)
    assert written(*found, header=reader.header) == pinned
    kinds = {type(event).__name__ for one in found for event in (*one.history, *(one.inbox or ()))}
    assert kinds == {kind.__name__ for kind in ev.Event.__subclasses__()}


def test_an_event_of_a_newer_version_is_kept() -> None:
    line = json.loads(LINES[1])
    line["history"].append({"type": "Teleported", "timestamp": "2026-01-31T12:00:00.000000Z", "to": "Mars"})
    found = read(LINES[0] + json.dumps(line).encode() + b'\n{"end": true, "instances": 1}\n')
    assert found[0].history[-1] == ev.OtherEvent(-1, T0, "Teleported", (("to", "Mars"),))


def test_cut_anywhere_it_names_the_line() -> None:
    for size in range(len(BUNDLE)):
        line = BUNDLE[:size].count(b"\n") + (size > 0 and BUNDLE[size - 1] != ord("\n"))
        with pytest.raises(InvalidInput) as error:
            read(BUNDLE[:size])
        where = f"b.jsonl, line {line}: " if size else "b.jsonl is empty"
        assert error.value.message.startswith(where)
        assert size == 0 or "cut off" in error.value.message


def test_a_byte_that_differs_is_found() -> None:
    changed = BUNDLE.replace(b'"output":"2"', b'"output":"3"', 1)
    with pytest.raises(InvalidInput, match="line 4: the bundle was changed"):
        read(changed)
    end = json.loads(LINES[-1])
    del end["sha256"]
    edited = b"".join(changed.splitlines(keepends=True)[:-1]) + json.dumps(end).encode() + b"\n"
    assert read(edited)[0].instance.output == "3"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([b"<html>\n"], "line 1: this is no bundle: not JSON"),
        ([b"[1]\n"], "line 1: this is not an object"),
        ([b'{"instanceID": "a"}\n'], "line 1: this is no bundle: its first line is not a header"),
        ([b'{"bundle": 99}\n'], "line 1: the bundle has version 99, and this wfctl knows 1"),
        ([b'{"bundle": 0}\n'], "line 1: there is no version 0 of bundles"),
        ([b'{"bundle": 1}\n'], "line 1: writtenBy is missing"),
        ([LINES[0], b"{\n"], "line 2: this is not JSON"),
        ([LINES[0], b'"\xff"\n'], "line 2: this is not UTF-8"),
        ([LINES[0], b"[" * 100_000 + b"\n"], "line 2: this is not JSON"),
        ([LINES[0], b"{}\n"], "line 2: instanceID is missing"),
        ([LINES[0], LINES[0]], "line 2: instanceID is missing"),
        ([LINES[0], LINES[1], LINES[1]], "line 3: there is a second instance 'a'"),
        ([LINES[0], LINES[1], LINES[-1]], "line 3: the bundle says 2 instances and has 1"),
        ([*LINES, b"\n"], "line 5: there is more behind the end"),
    ],
)
def test_what_is_no_bundle(lines: list[bytes], message: str) -> None:
    with pytest.raises(InvalidInput) as error:
        read(b"".join(lines))
    assert error.value.message.startswith(f"b.jsonl, {message}")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["instanceID"], None, "instanceID: not a string"),
        (["instanceID"], "\ud800", "instanceID: not valid Unicode"),
        (["runtimeStatus"], "DONE", "runtimeStatus: not a status"),
        (["createdAt"], "yesterday", "createdAt: not a time"),
        (["createdAt"], 5, "createdAt: not a time"),
        (["input"], {"a": 1}, "input: not a string"),
        (["failure"], [], "failure: not an object"),
        (["failure"], {"errorType": "E"}, "failure: errorMessage is missing"),
        (["history"], None, "history: not a list"),
        (["history", 0], 1, "history: an event is not an object"),
        (["history", 0, "timestamp"], None, "history: timestamp: not a time"),
        (["history", 1, "name"], None, "history: ExecutionStarted: name is missing"),
        (["history", 2, "status"], "DONE", "history: ExecutionCompleted: status: not a status"),
        (["history", 2, "eventID"], 2**70, "history: eventID: not a whole number"),
        (["logs"], [{"at": 1}], "logs: at: not a time"),
    ],
)
def test_what_has_another_type(path: list[Any], value: Any, message: str) -> None:
    record: Any = json.loads(LINES[1])
    place = record
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(InvalidInput) as error:
        read(LINES[0] + json.dumps(record).encode() + b"\n")
    assert error.value.message.startswith(f"b.jsonl, line 2: {message}")


def test_one_id_may_live_in_two_apps() -> None:
    one = finished("a")
    apps = [replace(one, instance=replace(one.instance, app_id=app)) for app in ("x", "y")]
    assert len(read(written(*apps))) == 2
