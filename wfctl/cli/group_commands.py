"""The commands that act on a group: the filters that were given, and those that tell it from the other groups."""

from __future__ import annotations

from shlex import quote

from wfctl.cli.options.filters import filter_words
from wfctl.model.awaited import EventGroup
from wfctl.model.failure_groups import FailureGroup
from wfctl.model.instance import Filter
from wfctl.render.text import clean


def rerun_command(group: FailureGroup, conditions: Filter) -> str | None:
    """Return the command that reruns a group of failures; None where they are children."""
    if group.children == group.count:
        return None
    words = ["wfctl", "rerun", "--status", "FAILED"]
    if group.name is not None:
        words += ["--name", group.name]
    if group.step is not None:
        words += ["--step", group.step]
    if group.wanted:
        words += ["--error", group.wanted]
    words += filter_words(conditions, besides={"statuses", "name", "step", "error"})
    if group.step is not None:
        # Nothing failed in the history where an event did not come: it is named.
        words += ["--from", group.step] if group.kind == "event" else ["--from-failed"]
    return " ".join(_quoted(word) for word in words)


def raise_command(group: EventGroup, conditions: Filter) -> str | None:
    """Return the command that raises the event to all who wait for it; None where nobody does.

    Nor is there one for a name with control characters, which no command takes.
    """
    if not group.waiting or clean(group.event) != group.event:
        return None
    words = ["wfctl", "raise-event"]
    if group.name is not None:
        words += ["--name", group.name]
    words += filter_words(conditions, besides={"waiting_event", *([] if group.name is None else ["name"])})
    words += ["--waiting-event", group.event, group.event]
    return " ".join(_quoted(word) for word in words)


def _quoted(word: str) -> str:
    """Quote a word for a shell; in double quotes where single ones would have to be taken apart."""
    plain = "'" in word and not any(char in word for char in '"$`\\!')
    return f'"{word}"' if plain else quote(word)
