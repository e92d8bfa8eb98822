"""Take out of instances what is not to leave the house: payloads at some paths, or all that an app wrote.

A value that is taken out at a path is taken out wherever else the instance, or a descendant, has it: in other payloads,
in the messages and stack traces of failures, in logs and reasons. What cannot be found like that is a value that the
app has changed, cut up or put into the ID of an instance: who must be sure takes out all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import Any

from wfctl.bundle.exported import Exported
from wfctl.errors import InvalidInput
from wfctl.model.events import Event, OtherEvent
from wfctl.model.failure import Failure

MASK = "[redacted]"
ALL = "all"  # what the header of a bundle says
# A shorter value, as a number of one digit, is everywhere: it is taken out at its path only.
SHORTEST = 4

_PAYLOADS = frozenset({"input", "result"})
_TEXTS = frozenset({"reason", "description"})
_KEPT = frozenset({"instance_id", "name"})  # of events that wfctl does not know

_STEP = re.compile(
    r"(?P<deep>\.\.)?(?:\.?(?P<any>\*)|\[(?P<every>\*)\]|\[(?P<index>-?\d{1,9})\]"
    r"|\[(?P<quote>['\"])(?P<quoted>(?:(?!(?P=quote)).)+)(?P=quote)\]|\.?(?P<name>[^\W\d][\w-]*))"
)
_MOST_STEPS = 50


@dataclass(frozen=True, slots=True)
class _Step:
    """One step of a path: `key` None is any; `deep` is anywhere below."""

    key: str | int | None
    deep: bool


@dataclass(frozen=True, slots=True)
class Path:
    text: str
    steps: tuple[_Step, ...]


def parse_path(text: str) -> Path:
    """Parse a JSON path: `$.card.number`, `$.items[*].price`, `$..email`. Raises InvalidInput."""
    rest = text.removeprefix("$") if text.startswith("$") else f".{text}"
    steps: list[_Step] = []
    at = 0
    while at < len(rest):
        match = _STEP.match(rest, at)
        if match is None or len(steps) == _MOST_STEPS:
            raise _no_path(text)
        key: str | int | None = match["name"] or match["quoted"]
        if match["index"]:
            key = int(match["index"])
        if key is None and not (match["any"] or match["every"]):
            raise _no_path(text)
        if match["name"] and match[0][0] != ".":
            raise _no_path(text)
        steps.append(_Step(key, match["deep"] is not None))
        at = match.end()
    if not steps:
        raise InvalidInput("--redact $ is all of every payload", hint="--redact-all takes out all texts, too")
    return Path(text, tuple(steps))


def _no_path(text: str) -> InvalidInput:
    return InvalidInput(
        f"--redact {text!r} is not a path", hint="$.card.number, $.items[*].price, $['odd name'], $..email (anywhere)"
    )


class Redaction:
    """`paths` None: everything. `unmatched` are the paths at which nothing was found so far."""

    def __init__(self, paths: Sequence[Path] | None) -> None:
        self._paths = paths
        self._values: dict[str, frozenset[str]] = {}  # found in each instance, or in one of its ancestors
        self.unmatched = [] if paths is None else [path.text for path in paths]

    @property
    def words(self) -> tuple[str, ...]:
        """Return what the header of the bundle says."""
        return (ALL,) if self._paths is None else tuple(path.text for path in self._paths)

    def __call__(self, one: Exported) -> Exported:
        if self._paths is None:
            return _each(one, lambda payload: json.dumps(MASK), lambda text: MASK)
        found: set[str] = set(self._values.get(one.instance.parent_id or "", ()))
        one = _each(one, lambda payload: self._at_paths(payload, found), lambda text: text)
        if not found:
            return one
        self._values[one.id] = frozenset(found)
        # The longest first: a value may be part of another.
        pattern = re.compile("|".join(re.escape(value) for value in sorted(found, key=len, reverse=True)))
        return _each(one, lambda payload: _without(pattern, payload), lambda text: pattern.sub(MASK, text))

    def _at_paths(self, payload: str, found: set[str]) -> str:
        """Return the payload without what is at the paths, and add that to `found`."""
        assert self._paths is not None
        any_hits = False
        try:
            value = json.loads(payload)
            for path in self._paths:
                hits: list[Any] = []
                value = _masked(value, path.steps, hits)
                if not hits:
                    continue
                any_hits = True
                if path.text in self.unmatched:
                    self.unmatched.remove(path.text)
                found.update(text for hit in hits for text in _texts_in(hit) if len(text) >= SHORTEST)
            return json.dumps(value) if any_hits else payload
        except json.JSONDecodeError:  # no JSON: it has no paths
            return payload
        except (ValueError, RecursionError):  # too long a number, too deep: it cannot be read
            return json.dumps(MASK)


def _masked(value: Any, steps: tuple[_Step, ...], hits: list[Any]) -> Any:
    """Return a value with MASK in the place of each value that the steps lead to; those are added to `hits`."""
    if not steps:
        if value != MASK:
            hits.append(value)
        return MASK
    step, rest = steps[0], steps[1:]
    if isinstance(value, dict):
        for key, child in value.items():
            if step.key is None or step.key == key:
                child = _masked(child, rest, hits)
            value[key] = _masked(child, steps, hits) if step.deep else child
    elif isinstance(value, list):
        index = step.key + len(value) if isinstance(step.key, int) and step.key < 0 else step.key
        for at, child in enumerate(value):
            if index is None or index == at:
                child = _masked(child, rest, hits)
            value[at] = _masked(child, steps, hits) if step.deep else child
    return value


def _texts_in(value: Any) -> Iterator[str]:
    """Yield the texts of a value, by which it can be found elsewhere."""
    if isinstance(value, dict):
        for child in value.values():
            yield from _texts_in(child)
    elif isinstance(value, list):
        for child in value:
            yield from _texts_in(child)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield json.dumps(value)


def _without(pattern: re.Pattern[str], payload: str) -> str:
    """Return a payload without the values that the pattern finds in its texts and numbers."""
    if pattern.search(payload) is None and "\\" not in payload:
        return payload
    try:
        value = json.loads(payload)
        cleared = _cleared(pattern, value)
        return payload if cleared == value else json.dumps(cleared)
    except ValueError:
        return pattern.sub(MASK, payload)
    except RecursionError:
        return json.dumps(MASK)


def _cleared(pattern: re.Pattern[str], value: Any) -> Any:
    if isinstance(value, dict):
        return {pattern.sub(MASK, key): _cleared(pattern, child) for key, child in value.items()}
    if isinstance(value, list):
        return [_cleared(pattern, child) for child in value]
    if isinstance(value, str):
        return pattern.sub(MASK, value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and pattern.fullmatch(json.dumps(value)):
        return MASK
    return value


# --- where payloads and texts are ------------------------------------------------------------------------------------


def _each(one: Exported, payload: Callable[[str], str], text: Callable[[str], str]) -> Exported:
    """Return the instance with each payload, and each text of the app, as these two return it."""
    instance = one.instance
    return replace(
        one,
        instance=replace(
            instance,
            input=_maybe(payload, instance.input),
            output=_maybe(payload, instance.output),
            custom_status=_maybe(payload, instance.custom_status),
            failure=_failure(text, instance.failure),
            stall=_stall(text, instance.stall),
        ),
        history=tuple(_event(event, payload, text) for event in one.history),
        inbox=None if one.inbox is None else tuple(_event(event, payload, text) for event in one.inbox),
        logs=None if one.logs is None else tuple(replace(line, message=text(line.message)) for line in one.logs),
    )


def _event(event: Event, payload: Callable[[str], str], text: Callable[[str], str]) -> Event:
    if isinstance(event, OtherEvent):
        told = ((name, payload(v) if isinstance(v, str) and name not in _KEPT else v) for name, v in event.fields)
        return replace(event, fields=tuple(told))
    changed: dict[str, Any] = {}
    for name in _OF_EVENTS[type(event)]:
        value = getattr(event, name)
        if isinstance(value, Failure):
            changed[name] = _failure(text, value)
        elif isinstance(value, str) and not isinstance(value, Enum):
            changed[name] = (payload if name in _PAYLOADS else text)(value)
    return replace(event, **changed) if changed else event


def _failure(text: Callable[[str], str], failure: Failure | None) -> Failure | None:
    if failure is None:
        return None
    return replace(
        failure,
        message=text(failure.message),
        stack_trace=_maybe(text, failure.stack_trace),
        inner=_failure(text, failure.inner),
    )


def _stall(text: Callable[[str], str], stall: str | None) -> str | None:
    if stall is None:
        return None
    reason, colon, description = stall.partition(": ")
    return reason + colon + text(description)


def _maybe(change: Callable[[str], str], value: str | None) -> str | None:
    return None if value is None else change(value)


class _Fields(dict[type[Event], tuple[str, ...]]):
    """The fields of each kind of event that may hold what an app wrote."""

    def __missing__(self, kind: type[Event]) -> tuple[str, ...]:
        self[kind] = found = tuple(f.name for f in fields(kind) if f.name in _PAYLOADS | _TEXTS | {"failure"})
        return found


_OF_EVENTS = _Fields()
