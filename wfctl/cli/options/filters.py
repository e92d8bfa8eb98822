"""The options that say which instances are meant: one table for `list`, `count`, `wait`, the verbs and completion."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from wfctl.cli.options.group import OptionGroup
from wfctl.cli.parsing.duration import is_local, parse_duration, parse_moment
from wfctl.cli.parsing.filters import parse_statuses
from wfctl.model.instance import Filter
from wfctl.render.text import clean
from wfctl.render.times import rfc3339, seconds_text
from wfctl.render.views.waiting import utc_now

PANEL = "Which instances"


@dataclass(frozen=True)
class FilterOption:
    """An option, the condition of `Filter` that it sets, and how its value is read: from what was given, and now."""

    condition: str
    annotation: Any
    read: Callable[[Any, datetime], Any] = lambda value, now: value


def _option(flag: str, *more: str, metavar: str, help: str) -> Any:
    return typer.Option(flag, *more, metavar=metavar, help=help, rich_help_panel=PANEL, show_default=False)


def _text(condition: str, flag: str, *more: str, metavar: str, help: str) -> FilterOption:
    return FilterOption(condition, Annotated[str | None, _option(flag, *more, metavar=metavar, help=help)])


def _moment(flag: str, help: str) -> FilterOption:
    return FilterOption(
        flag[2:].replace("-", "_"),
        Annotated[str | None, _option(flag, metavar="TIME|AGE", help=help)],
        lambda text, now: parse_moment(text, flag, now),
    )


def _detector(flag: str, help: str) -> FilterOption:
    option = typer.Option(flag, help=help, rich_help_panel=PANEL, show_default=False)
    return FilterOption(flag[2:], Annotated[bool | None, option])


FILTER_OPTIONS: dict[str, FilterOption] = {
    "status": FilterOption(
        "statuses",
        Annotated[
            list[str] | None,
            _option("--status", "-s", metavar="STATUS", help="Only instances with this status (repeatable)."),
        ],
        lambda texts, now: parse_statuses(texts),
    ),
    "name": _text("name", "--name", "-n", metavar="WORKFLOW", help="Only instances of this workflow; * is any text."),
    "id_prefix": _text("id_prefix", "--id-prefix", metavar="TEXT", help="Only instances whose ID begins with this."),
    "created_after": _moment("--created-after", "Only instances created at this time or later."),
    "created_before": _moment("--created-before", "Only instances created before this time; 7d is seven days ago."),
    "finished_after": _moment("--finished-after", "Only instances that finished at this time or later."),
    "finished_before": _moment("--finished-before", "Only instances that finished before this time."),
    "updated_after": _moment("--updated-after", "Only instances whose last event is of this time or later."),
    "updated_before": _moment("--updated-before", "Only instances that have not moved since; 1h is for an hour."),
    "parent": _text("parent_id", "--parent", metavar="ID", help="Only children of this instance."),
    "waiting_event": _text(
        "waiting_event", "--waiting-event", metavar="EVENT", help="Only instances waiting for this event."
    ),
    "error": _text(
        "error", "--error", metavar="TEXT", help="Only failed instances with this in the error; * is any text."
    ),
    "step": _text("step", "--step", metavar="STEP", help="Only instances that failed at this step, or are at it now."),
    "custom_status": _text(
        "custom_status", "--custom-status", metavar="TEXT", help="Only instances with this in the custom status."
    ),
    "stuck": FilterOption(
        "stuck",
        Annotated[
            str | None,
            _option("--stuck", metavar="AGE", help="Only instances that have not moved for AGE, and wait for nothing."),
        ],
        lambda text, now: parse_duration(text, "--stuck"),
    ),
    "retrying": _detector("--retrying", "Only instances with a step that failed and is tried again."),
    "orphans": _detector("--orphans", "Only live children whose parent is gone or finished."),
}
DECLARED: dict[str, tuple[Any, Any]] = {name: (one.annotation, None) for name, one in FILTER_OPTIONS.items()}


def read_filter(**values: Any) -> Filter | None:
    """Return the conditions that the options set; None if no option was given. Raises InvalidInput."""
    now = utc_now()
    given = {name: value for name, value in values.items() if value not in (None, [], (), False)}
    if not given:
        return None
    return Filter(
        **{FILTER_OPTIONS[name].condition: FILTER_OPTIONS[name].read(value, now) for name, value in given.items()}
    )


def moments_told(**values: Any) -> Iterator[str]:
    """Yield the times in UTC that were understood from local or short ones. Raises InvalidInput."""
    now = utc_now()
    for name in _MOMENTS:
        text = values.get(name)
        if text is not None and is_local(text):
            flag = f"--{name.replace('_', '-')}"
            yield f"{flag} {clean(text)}: {seconds_text(parse_moment(text, flag, now))}"


def filter_words(filter: Filter, besides: Collection[str] = ()) -> list[str]:
    """Return the options that set the conditions of a filter, but for some; times are absolute."""
    words: list[str] = []
    for option, one in FILTER_OPTIONS.items():
        value, flag = getattr(filter, one.condition), f"--{option.replace('_', '-')}"
        if one.condition in besides or value in (None, False, frozenset()):
            continue
        if isinstance(value, datetime):
            value = rfc3339(value)
        elif isinstance(value, timedelta):
            value = f"{value.total_seconds():g}s"
        words += [flag] if value is True else [flag, str(value)]
    return words


_MOMENTS = tuple(name for name in FILTER_OPTIONS if name.endswith(("_after", "_before")))
Conditions = Annotated[Filter, OptionGroup(DECLARED, lambda **values: read_filter(**values) or Filter(), moments_told)]
FailIfAny = Annotated[
    bool, typer.Option("--fail-if-any", help="Exit with 9 if anything is found: for a check by cron.")
]
