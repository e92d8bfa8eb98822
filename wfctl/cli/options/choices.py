"""Options whose value is one of a few words: each list once, for help, for parsing and for completion."""

from __future__ import annotations

from dataclasses import dataclass

from wfctl.errors import InvalidInput
from wfctl.model.choices import IfExists, Sort
from wfctl.render.console import COLORS
from wfctl.render.printer import Format
from wfctl.render.text import clean


@dataclass(frozen=True, slots=True)
class Choice:
    """`metavar` names the choice in help and to completion; `noun` says what a word that is none of them is not."""

    metavar: str
    noun: str
    words: tuple[str, ...]

    @property
    def listed(self) -> str:
        return f"{', '.join(self.words[:-1])} or {self.words[-1]}"

    def parse(self, text: str, flag: str) -> str:
        """Return the word, in lower case. Raises InvalidInput."""
        word = text.strip().lower()
        if word in self.words:
            return word
        raise InvalidInput(f"{flag} {clean(text)!r} is not {self.noun}", hint=f"{flag} {self.listed}")


FORMAT = Choice("FORMAT", "an output format", tuple(one.value for one in Format))
COLOR = Choice("WHEN", "a choice", COLORS)
ORDER = Choice("ORDER", "an order", tuple(one.value for one in Sort))
IF_EXISTS = Choice("WHAT", "a choice", tuple(one.value for one in IfExists))
GROUPS = Choice("GROUPS", "a grouping", ("status", "name", "step", "error"))
EVENT_GROUPS = Choice("BY", "a grouping of events", ("event", "name"))
SHELL = Choice("SHELL", "a shell that has a completion", ("bash", "zsh", "fish", "powershell"))
SHOWN_LEVEL = Choice("LEVEL|off", "a level", ("debug", "info", "warning", "error", "off"))
LEVEL = Choice("LEVEL", "a level", ("debug", "info", "warning", "error"))
THEME = Choice("THEME", "a theme", ("terminal", "dark", "light"))

TAB = Choice("TAB", "a tab", ("instances", "failures", "events", "workers"))
CHECK_FORMAT = Choice("FORMAT|github", "an output format", (*FORMAT.words, "github"))

_ALL = (FORMAT, CHECK_FORMAT, COLOR, ORDER, IF_EXISTS, GROUPS, EVENT_GROUPS, SHELL, SHOWN_LEVEL, LEVEL, THEME, TAB)
BY_METAVAR = {one.metavar: one for one in _ALL}
