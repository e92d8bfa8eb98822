"""Parse the condition of `wait --for`: a status, `terminal`, `event=NAME`, `custom-status=TEXT`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from wfctl.cli.parsing.filters import parse_status
from wfctl.errors import InvalidInput
from wfctl.model.instance import Instance
from wfctl.model.status import Status
from wfctl.render.json_records import decoded
from wfctl.render.text import clean

WORDS = ("terminal", *(status.name.lower() for status in Status), "event=", "custom-status=")
EXAMPLES = "completed, terminal, suspended, event=approval or custom-status=shipped"


@dataclass(frozen=True, slots=True)
class Condition:
    """`label` finishes the sentence "12345678 is ..."; `status` is the one that is awaited, if it is one;
    `option` asks for it once more, in a command that the user may copy; `advice` tells a user who seems to mean
    something else what it means."""

    label: str
    holds: Callable[[Instance], bool]
    status: Status | None = None
    payloads: bool = False
    option: str = ""
    advice: str = ""


COMPLETED = Condition("COMPLETED", lambda one: one.status is Status.COMPLETED, Status.COMPLETED)
_REGEX = re.compile(r"^\^|\$$|\.[*+]|\\[dwsb.]|\|")  # what people write where they mean a regular expression

TERMINAL = Condition("finished", lambda one: one.status.terminal)


def parse_condition(text: str | None) -> Condition:
    """Parse the value of `--for`; without it, a wait is for COMPLETED."""
    if text is None:
        return COMPLETED
    return replace(_condition(text), option=f" --for {shlex.quote(clean(text))}")


def _condition(text: str) -> Condition:
    kind, equals, value = text.partition("=")
    word = kind.strip().lower()
    if equals and not value:
        raise InvalidInput(f"--for {clean(text)} names nothing", hint=EXAMPLES)
    if word == "event" and equals:
        return _waits_for_event(value)
    if word == "custom-status" and equals:
        return _custom_status(value)
    if word == "status" and equals:
        return _status(value)
    if word == "terminal" and not equals:
        return TERMINAL
    if equals:
        raise InvalidInput(f"--for {clean(kind)}= is not a condition", hint=EXAMPLES)
    return _status(text)


def _status(text: str) -> Condition:
    try:
        status = parse_status(text, "--for")
    except InvalidInput as error:
        raise InvalidInput(f"--for {clean(text)!r} is not a condition", hint=EXAMPLES) from error
    return Condition(status.name, lambda one: one.status is status, status)


def _waits_for_event(name: str) -> Condition:
    wanted = name.casefold()
    return Condition(
        f'waiting for event "{clean(name)}"',
        lambda one: any(w.kind == "event" and (w.name or "").casefold() == wanted for w in one.waiting_for),
        payloads=True,  # a sidecar does not tell what an instance waits for unless all of it is asked for
    )


def _custom_status(wanted: str) -> Condition:
    """TEXT is part of the custom status; with `*`, `?` or `[` it is a glob, which the whole of it must match.

    There are no regular expressions: Python's may take for ever over one short text, and no time-out would end it.
    """
    glob = any(char in wanted for char in "*?[")

    def holds(one: Instance) -> bool:
        value = decoded(one.custom_status)
        text = value if isinstance(value, str) else one.custom_status
        if text is None:
            return False
        return fnmatchcase(text, wanted) if glob else wanted in text

    label = f'at a custom status {"like" if glob else "with"} "{clean(wanted)}"'
    advice = ""
    if _REGEX.search(wanted):
        advice = "custom-status= takes a part of the text or a glob: a regular expression is not one of them"
    return Condition(label, holds, payloads=True, advice=advice)
