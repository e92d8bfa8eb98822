"""Which instances a verb acts on: IDs, `-` for IDs from stdin, or the filters of `list`; and how a batch goes about it.

    @command(app)
    @takes_many
    def pause(session: Session, which: Which, reason: Reason = None) -> None: ...

The decorator puts the argument and the options in the place of `which`, so that every verb has the same ones.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer

from wfctl.cli.batch.stdin_ids import read_ids
from wfctl.cli.options import (
    CreatedAfter,
    CreatedBefore,
    FinishedAfter,
    FinishedBefore,
    IDPrefix,
    Name,
    ParentID,
    Statuses,
    WaitingEvent,
    Yes,
)
from wfctl.cli.parsing.filters import build_filter
from wfctl.cli.parsing.instance_id import check_id
from wfctl.cli.session import Session
from wfctl.errors import InvalidInput
from wfctl.model.instance import Filter, Sort
from wfctl.render.text import clean
from wfctl.render.views.waiting import utc_now

BATCH = "Several instances"
FILTERS: dict[str, Any] = {
    "status": Statuses,
    "name": Name,
    "id_prefix": IDPrefix,
    "created_after": CreatedAfter,
    "created_before": CreatedBefore,
    "finished_after": FinishedAfter,
    "finished_before": FinishedBefore,
    "parent": ParentID,
    "waiting_event": WaitingEvent,
}
_AT_ONCE = 8  # requests to a sidecar
_MOST_AT_ONCE = 64


def _option(flag: str, *more: str, metavar: str | None = None, help: str) -> Any:
    return typer.Option(flag, *more, metavar=metavar, help=help, rich_help_panel=BATCH, show_default=False)


Run = Callable[..., "int | None"]


def _ids(metavar: str) -> Any:
    help = "The instances' IDs; - reads them from stdin: -o jsonl or json of list, or one ID a line."
    return Annotated[list[str] | None, typer.Argument(metavar=metavar, help=help, show_default=False)]


_DryRun = Annotated[bool, _option("--dry-run", help="Only show which instances it would be.")]
_Max = Annotated[str | None, _option("--max", metavar="N", help="At most N of those that match, the oldest first.")]
_Concurrency = Annotated[
    str | None, _option("--concurrency", metavar="N", help="Requests to a sidecar at a time; 8 unless given.")
]
_Continue = Annotated[
    bool,
    _option("--continue-on-error", help="With a filter: go on after a failure. Each ID given is tried in any case."),
]

_ACTING: dict[str, tuple[Any, Any]] = {
    "dry_run": (_DryRun, False),
    "yes": (Yes, False),
    "max_": (_Max, None),
    "concurrency": (_Concurrency, None),
    "continue_on_error": (_Continue, False),
}


@dataclass(frozen=True, slots=True)
class Which:
    """What the user named. `words` are the arguments as given; `filter` is None where no filter option was."""

    words: tuple[str, ...]
    filter: Filter | None
    dry_run: bool = False
    yes: bool = False
    most: int | None = None
    at_once: int = _AT_ONCE
    go_on: bool = False

    def ids(self, session: Session, verb: str) -> list[str] | None:
        """The IDs, each once; None where a filter chooses. Raises InvalidInput for both, and for neither."""
        if self.filter is not None:
            if self.words:
                raise InvalidInput(
                    "IDs and filters exclude each other", hint=f"wfctl {verb} ID..., or wfctl {verb} --status ..."
                )
            return None
        if not self.words:
            raise InvalidInput(
                f"{verb} which instances? Neither an ID nor a filter is given",
                hint=f"wfctl {verb} ID..., wfctl {verb} - for IDs from stdin, or a filter such as --status or --name",
            )
        found = [one for word in self.words for one in (read_ids(session) if word == "-" else [check_id(word)])]
        return list(dict.fromkeys(found))

    @property
    def one(self) -> str | None:
        """The instance's ID where exactly one is named, by hand."""
        if self.filter is None and len(self.words) == 1 and self.words[0] != "-":
            return self.words[0]
        return None

    def named(self, words: Sequence[str]) -> Which:
        return replace(self, words=tuple(words))


def takes_many(run: Run) -> Run:
    """Give a command its argument and options for several instances; it gets them as one `which: Which`."""
    return _with_which(run, "ID...")


def finds_many(run: Run) -> Run:
    """As `takes_many`, for a command that changes nothing: it has nothing to ask, and no dry run."""
    return _with_which(run, "ID...", acts=False)


def takes_many_and(last: str) -> Callable[[Run], Run]:
    """As `takes_many`, where one more word follows the IDs."""
    return lambda run: _with_which(run, f"ID... {last}")


def _with_which(run: Run, metavar: str, *, acts: bool = True) -> Run:
    signature = inspect.signature(run, eval_str=True)

    @functools.wraps(run)
    def with_which(session: Session, **values: Any) -> int | None:
        return run(session, which=_which(values), **values)

    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        parameters += _own(metavar, acts) if parameter.name == "which" else [parameter]
    first, *others = parameters
    kind = inspect.Parameter.KEYWORD_ONLY
    with_which.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[first, *(parameter.replace(kind=kind) for parameter in others)]
    )
    return with_which


def _own(metavar: str, acts: bool) -> list[inspect.Parameter]:
    given: dict[str, tuple[Any, Any]] = {
        "instance_ids": (_ids(metavar), None),
        **{name: (annotation, None) for name, annotation in FILTERS.items()},
    }
    if acts:
        given |= _ACTING
    kind = inspect.Parameter.KEYWORD_ONLY
    return [inspect.Parameter(name, kind, default=default, annotation=kept) for name, (kept, default) in given.items()]


def _which(values: dict[str, Any]) -> Which:
    filters = {name: values.pop(name) for name in FILTERS}
    statuses = filters.pop("status")
    given = bool(statuses) or any(value is not None for value in filters.values())
    filter = build_filter(utc_now(), statuses=statuses, **filters, sort=Sort.CREATED, reverse=True) if given else None
    most = _number(values.pop("max_", None), "--max")
    at_once = _number(values.pop("concurrency", None), "--concurrency") or _AT_ONCE
    if most is not None and filter is None:
        raise InvalidInput("--max is for a filter", hint="give the IDs that you mean, or a filter and --max")
    return Which(
        words=tuple(values.pop("instance_ids") or ()),
        filter=filter,
        dry_run=values.pop("dry_run", False),
        yes=values.pop("yes", False),
        most=most,
        at_once=min(at_once, _MOST_AT_ONCE),
        go_on=values.pop("continue_on_error", False),
    )


def _number(text: str | None, flag: str) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 12 and int(text)):
        raise InvalidInput(f"{flag} {clean(text)!r} is not a count from 1 on", hint=f"{flag} 50")
    return int(text)
