"""What is typed behind `/`: the very filters of `list`, as words such as `status:failed error:declined older:1h`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from textual.suggester import Suggester

from wfctl.cli.options.filters import FILTER_OPTIONS, read_filter
from wfctl.errors import InvalidInput
from wfctl.model.ids import UNSAFE
from wfctl.model.instance import Filter
from wfctl.model.status import Status
from wfctl.render.text import clean

# Shorter words for the filters that are typed most.
SHORT = {
    "id": "id_prefix",
    "waiting": "waiting_event",
    "older": "created_before",
    "newer": "created_after",
    "custom": "custom_status",
}
_INSIDE = r'(?:[^"\\]|\\.)*'  # of double quotes
_QUOTES = re.compile(rf'"({_INSIDE})(?:"|\\?$)')
_WORD = re.compile(rf'(?:[^\s"]|"{_INSIDE}(?:"|\\?$))+')
_ESCAPE = re.compile(r"\\(.)")
_FLAGS = frozenset({"retrying", "orphans"})
EXAMPLE = "status:failed error:declined waiting:approval older:1h name:Checkout* ID"


@dataclass(frozen=True)
class Query:
    """The filters that were typed. Ages are read anew at each look, so that `older:1h` stays an hour."""

    values: dict[str, Any] = field(default_factory=dict)

    def filter(self) -> Filter:
        return read_filter(**self.values) or Filter()

    def words(self) -> list[str]:
        """Return them as options of `list`."""
        found: list[str] = []
        for name, value in self.values.items():
            flag = f"--{name.replace('_', '-')}"
            for one in value if isinstance(value, list) else [value]:
                found += [flag] if one is True else [flag, one]
        return found


def parse_query(text: str, names: Iterable[str] = ()) -> Query:
    """Read what was typed. A word without a key is a workflow's name, or the beginning of one, where there is such a
    workflow among `names`; else the beginning of an ID. Raises InvalidInput.
    """
    values: dict[str, Any] = {}
    for word in _split(text):
        key, colon, value = word.partition(":")
        name = SHORT.get(key.lower(), key.lower().replace("-", "_"))
        if word.lower() in _FLAGS:
            values[word.lower()] = True
        elif not colon or name not in FILTER_OPTIONS:
            values |= _bare(word, names)
        elif name in _FLAGS:
            values[name] = True
        elif not value:
            raise InvalidInput(f"{clean(key)}: what?")
        elif name == "status":
            values.setdefault(name, []).append(value)
        else:
            values[name] = value
    query = Query(values)
    query.filter()  # raises, where a value is none
    return query


def typed_words(values: Mapping[str, Any]) -> str:
    """Return what would be typed for these filters; None and empty ones are left out.

    Control characters are not typed: `*` stands for them.
    """
    words = []
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            if one:
                one = UNSAFE.sub("*", one)
                words.append(f"{name}:{one if one.isalnum() else _quoted(one)}")
    return " ".join(words)


def _split(text: str) -> list[str]:
    """Split at spaces that stand in no double quotes; a quote that is still open is closed by the end."""
    return [_QUOTES.sub(lambda found: _ESCAPE.sub(r"\1", found[1]), word) for word in _WORD.findall(text)]


def _quoted(value: str) -> str:
    """Return a value as it is typed, so that `_split` gives it back."""
    return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'


def _bare(word: str, names: Iterable[str]) -> dict[str, str]:
    if "*" in word:
        return {"name": word}
    found = [name for name in names if name.casefold().startswith(word.casefold())]
    if not found:
        return {"id_prefix": word}
    first, *others = found
    if not others:
        return {"name": first}
    same = len(first)
    while not all(one.startswith(first[:same]) for one in others):
        same -= 1
    return {"name": first[:same] + "*"}


class Completes(Suggester):
    """Complete the last word: a key, a status, a workflow."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self.names = names

    async def get_suggestion(self, value: str) -> str | None:
        start, _, word = value.rpartition(" ")
        if not word:
            return None
        lead = f"{start} " if start else ""
        return next((lead + one for one in self._known() if one.startswith(word) and one != word), None)

    def _known(self) -> Iterator[str]:
        yield from ("status:", "error:", "waiting:", "older:", "newer:", "name:", "id:", *sorted(_FLAGS))
        yield from (f"status:{status.name.lower()}" for status in Status)
        yield from (f"name:{name}" for name in self.names)
        yield from (f"{name.replace('_', '-')}:" for name in FILTER_OPTIONS)
