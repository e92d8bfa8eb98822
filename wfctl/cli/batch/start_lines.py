"""Start many instances, `wfctl start NAME --each`: one for each JSON object `{"id": ..., "input": ...}` on a line."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from wfctl.cli.batch.options import Which
from wfctl.cli.batch.outcome import Done, Outcome
from wfctl.cli.batch.run import Batch, Result
from wfctl.cli.batch.select import Verb
from wfctl.cli.parsing.instance_id import check_new_id
from wfctl.cli.parsing.json_input import checked_json
from wfctl.cli.session import Session
from wfctl.cli.waiting.driving import carry_on
from wfctl.client.port import Workflows
from wfctl.errors import Conflict, InvalidInput
from wfctl.model import refusals
from wfctl.model.instance import Skip, StartRequest
from wfctl.render.text import clean

SHAPE = """each line is {"id": "order-1", "input": ...}; jq makes them: jq -c '{id: .orderId, input: .}' orders.jsonl"""
VERB = Verb("start", "started", asks=False, prints=True, continues=True)
_ID = ("id", "instanceID")  # the second as list -o jsonl has it
_SPACE = re.compile(r"\s*")
_DECODER = json.JSONDecoder()


def start_each(session: Session, request: StartRequest, source: str, skip: Skip | None) -> None:
    """Start an instance for each line of `source`. Raises PartFailed."""
    if skip is not None and not session.target.local:
        raise refusals.no_skipping_on_sidecar()
    inputs = read_lines(session, source)

    def begin(target: Workflows, instance_id: str) -> Result:
        try:
            target.start(replace(request, id=instance_id, input=inputs[instance_id]))
        except Conflict:
            return Done(instance_id, VERB.past, Outcome.SKIPPED, why="it exists already")
        return None

    if not inputs:
        session.console.note("no lines, nothing to do")
        return
    batch = Batch(session, VERB, Which(tuple(inputs), None))
    with session.workflows() as workflows:
        first = next(iter(inputs))
        known = {first: begin(workflows, first)}  # alone, so that what is wrong with all of them is told once
        worked = batch.run(workflows, lambda target, one: known[one] if one in known else begin(target, one))
        carry_on(session, workflows, worked, skip=skip)
    batch.finish()


def read_lines(session: Session, source: str) -> dict[str, str | None]:
    """Return the input of each ID, as the JSON text that it is, in order. `source` is a file, or `-` for stdin.

    Raises InvalidInput, before anything is started, for the first line that is wrong.
    """
    if source == "-" and session.stdin.isatty():
        session.console.note('reading {"id": ..., "input": ...} from the terminal, one a line; end with Ctrl-D')
    found: dict[str, str | None] = {}
    lines: dict[str, int] = {}
    for number, line in enumerate(_text(session, source).split("\n"), 1):
        if not line.strip():
            continue
        where = f"line {number} of {'stdin' if source == '-' else clean(source)}"
        instance_id, payload = _parsed(line, where)
        if instance_id in found:
            raise InvalidInput(f"{where} has the ID {clean(instance_id)!r} of line {lines[instance_id]}", hint=SHAPE)
        found[instance_id], lines[instance_id] = payload, number
    return found


def _text(session: Session, source: str) -> str:
    try:
        if source != "-":
            return Path(source).read_text(encoding="utf-8")
        buffer = getattr(session.stdin, "buffer", None)
        return session.stdin.read() if buffer is None else buffer.read().decode()
    except UnicodeDecodeError:
        raise InvalidInput(f"{clean(source)} is not UTF-8 text") from None
    except OSError as error:
        raise InvalidInput(f"--each {clean(source)} cannot be read: {error.strerror or error}") from None


def _parsed(line: str, where: str) -> tuple[str, str | None]:
    checked_json(line, where)
    members = _members(line)
    if members is None:
        raise InvalidInput(f"{where} is no JSON object", hint=SHAPE)
    ids = [json.loads(members[name]) for name in _ID if name in members]
    if not ids or not isinstance(ids[0], str):
        raise InvalidInput(f"{where} has no id", hint=SHAPE)
    if "instanceID" not in members and (other := sorted(members.keys() - {"id", "input"})):
        raise InvalidInput(f"{where} has {clean(other[0])!r} besides id and input", hint=SHAPE)
    payload = members.get("input")
    return check_new_id(ids[0]), payload


def _members(text: str) -> dict[str, str] | None:
    """Return the members of a JSON object that is valid, each value as the text that it is. None for other values."""
    at = _skip(text, 0)
    if text[at] != "{":
        return None
    found: dict[str, str] = {}
    at = _skip(text, at + 1)
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        start = _skip(text, _skip(text, at) + 1)
        _, end = _DECODER.raw_decode(text, start)
        found[name] = text[start:end]
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return found


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
