"""What `wait --for` may name: a status, `terminal`, `event=NAME`, `custom-status=REGEX`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace

from wfctl.cli.filters import parse_status
from wfctl.errors import InvalidInput
from wfctl.model.instance import Instance
from wfctl.model.status import Status
from wfctl.render.record import decoded
from wfctl.render.text import clean

EXAMPLES = "completed, terminal, suspended, event=approval or custom-status=REGEX"


@dataclass(frozen=True, slots=True)
class Condition:
    """`label` finishes the sentence "12345678 is ..."; `status` is the one that is awaited, if it is one;
    `option` asks for it once more, in a command that the user may copy."""

    label: str
    holds: Callable[[Instance], bool]
    status: Status | None = None
    payloads: bool = False
    option: str = ""


COMPLETED = Condition("COMPLETED", lambda one: one.status is Status.COMPLETED, Status.COMPLETED)
TERMINAL = Condition("finished", lambda one: one.status.terminal)


def parse_condition(text: str | None) -> Condition:
    """Without `--for`, a wait is for COMPLETED."""
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


def _custom_status(pattern: str) -> Condition:
    try:
        regex = re.compile(pattern)
    except re.error as error:
        raise InvalidInput(f"--for custom-status: {clean(pattern)!r} is not a regular expression: {error}") from None

    def holds(one: Instance) -> bool:
        value = decoded(one.custom_status)
        text = value if isinstance(value, str) else one.custom_status
        return text is not None and regex.search(text) is not None

    return Condition(f"at a custom status like {clean(pattern)}", holds, payloads=True)
