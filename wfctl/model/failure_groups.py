"""Group failures by what they have in common: workflow, step, type and message without what varies.

What varies is taken out of a message twice. First everything that looks like a value (an ID, a number, a time, an
address, what stands in quotes) becomes a slot, so that messages with the same words meet. Then each slot in which all
messages of a group agree gets its value back: `HTTP 503` stays `HTTP 503` if nobody got a 502.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from wfctl.model.ids import UNSAFE
from wfctl.model.instance import Failed
from wfctl.model.matching import text_matches

MOST_TEXT = 2000  # characters of a message that are looked at
MOST_KNOWN = 1000
MOST_WANTED = 160  # characters of a text for --error
MOST_COMPARED = 200  # groups of one workflow that are compared with one another
SAMPLES = 20  # messages kept of a group, to see whether other groups' texts fit them

# What is looked at: what stands in quotes, and words with a digit or an @ in them.
_WORDS = re.compile(r"""'[^'\n]*'|"[^"\n]*"|(?<![^\s'"])[^\s'"\d@]*[\d@][^\s'"]*""")
# What a part of such a word is; what comes first wins. The names are what people see in the place of the value.
_VALUES = re.compile(
    r"""
    (?P<id>\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b)
    |(?P<time>\b\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?(?![\w-])
        |\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b)
    |(?P<email>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)
    |(?P<address>\b0x[0-9a-fA-F]+\b|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{1,4})
    |(?P<id_>(?=[\w.:-]*\d)(?=[\w.:-]*[A-Za-z_])\w[\w.:-]*\w)
    |(?P<number>\d+(?:[.,]\d+)*)
    """,
    re.VERBOSE,
)
# What Python quotes in the messages of these is code, and tells one mistake from another.
_CODE = frozenset(
    {
        "AttributeError",
        "ImportError",
        "KeyError",
        "ModuleNotFoundError",
        "NameError",
        "TypeError",
        "UnboundLocalError",
        "OrchestratorNotRegisteredError",
        "ActivityNotRegisteredError",
    }
)
_SPLIT = re.compile(r"^([A-Za-z_][\w.$]*)(?:: |$)")


Template = tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]


@dataclass(slots=True)
class FailureGroup:
    """Failures of one kind. `error` has `<id>`, `<number>` and the like in the place of what varies.

    `wanted` selects the group. `others` are the groups, by their place, of which it selects some as well; `exact` that
    it would without being the whole text.
    """

    name: str | None
    step: str | None
    error_type: str
    parts: tuple[str, ...]
    kinds: tuple[str, ...]
    values: list[str | None]
    count: int = 0
    first: datetime | None = None
    last: datetime | None = None
    example: str = ""
    samples: set[str] = field(default_factory=set)
    others: tuple[int, ...] = ()
    exact: bool = False
    kind: str | None = None
    children: int = 0

    def add(self, failed: Failed, values: tuple[str, ...]) -> None:
        self.count += 1
        self.children += failed.child
        for index, value in enumerate(values):
            if self.values[index] != value:
                self.values[index] = None
        if failed.at is not None:
            self.first = failed.at if self.first is None else min(self.first, failed.at)
            if self.last is None or failed.at >= self.last:
                self.last, self.example = failed.at, failed.id
        self.example = self.example or failed.id
        if len(self.samples) < SAMPLES:
            self.samples.add(failed.error)

    @property
    def error(self) -> str:
        """Return `type: message`, with placeholders."""
        return self._joined([f"<{kind}>" for kind in self.kinds])

    @property
    def message(self) -> str:
        """Return the message alone, with placeholders."""
        return self.error[len(self.error_type) :].removeprefix(": ") if self.error_type else self.error

    @property
    def wanted(self) -> str:
        """Return a text for `--error`: the error itself, or one with `*` in the place of what varies."""
        text = self._joined(["*"] * len(self.kinds))
        if len(text) > MOST_WANTED or any(len(sample) > MOST_TEXT for sample in self.samples):
            text = text[:MOST_WANTED].rsplit(" ", 1)[0] + "*"
        text = re.sub(r"\*[*\s]*\*", "*", UNSAFE.sub("*", text))
        return f"={text}" if self.exact and "*" not in text else text

    def _joined(self, slots: list[str]) -> str:
        filled = (slot if value is None else value for slot, value in zip(slots, self.values, strict=True))
        return "".join(text for pair in zip(self.parts, [*filled, ""], strict=True) for text in pair)


def template(error: str) -> Template:
    """Take the values out of `type: message`. Returns the type, the parts between them, their kinds, and the values."""
    text = error[:MOST_TEXT]
    found = _SPLIT.match(text)
    error_type = found[1] if found else ""
    code = error_type.rsplit(".", 1)[-1] in _CODE
    parts, kinds, values = [], [], []
    end = 0
    for start, stop, kind in _slots(text, len(error_type), code):
        parts.append(text[end:start])
        kinds.append(kind)
        values.append(text[start:stop])
        end = stop
    parts.append(text[end:])
    return error_type, tuple(parts), tuple(kinds), tuple(values)


def _slots(text: str, begin: int, code: bool) -> Iterator[tuple[int, int, str]]:
    """Yield the values in a text: where each begins and ends, and its kind."""
    for word in _WORDS.finditer(text, begin):
        if word[0][0] in "'\"":
            if not code or any(char.isdigit() for char in word[0]):
                yield word.start() + 1, word.end() - 1, "text"
            continue
        for found in _VALUES.finditer(text, word.start(), word.end()):
            yield found.start(), found.end(), (found.lastgroup or "").rstrip("_")


def grouped(failures: Iterable[Failed]) -> list[FailureGroup]:
    """Return the groups, the largest first."""
    groups: dict[object, FailureGroup] = {}
    known: dict[str, Template] = {}  # many fail with the very same text
    for failed in failures:
        made = known.get(failed.error)
        if made is None:
            made = template(failed.error)
            if len(known) < MOST_KNOWN:
                known[failed.error] = made
        error_type, parts, kinds, values = made
        key = (failed.name, failed.step, parts, kinds)
        group = groups.get(key)
        if group is None:
            group = groups[key] = FailureGroup(
                failed.name, failed.step, error_type, parts, kinds, list(values), kind=failed.kind
            )
        group.add(failed, values)
    found = sorted(groups.values(), key=lambda one: (-one.count, one.name or "", one.step or "", one.error))
    _find_overlaps(found)
    return found


def _find_overlaps(groups: list[FailureGroup]) -> None:
    """Note for each group which others its filters select as well: of one workflow, and of one step if it has one."""
    together: dict[object, list[int]] = {}
    for index, group in enumerate(groups):
        together.setdefault(group.name, []).append(index)
    for indices in together.values():
        for index in indices if len(indices) <= MOST_COMPARED else ():
            group = groups[index]
            group.others = _overlaps(groups, index, indices)
            if group.others and "*" not in group.wanted:
                group.exact = True
                group.others = _overlaps(groups, index, indices)


def _overlaps(groups: list[FailureGroup], index: int, indices: list[int]) -> tuple[int, ...]:
    group, wanted = groups[index], groups[index].wanted
    return tuple(
        other
        for other in indices
        if other != index
        and group.step in (None, groups[other].step)
        and any(text_matches(wanted, sample) for sample in groups[other].samples)
    )
