"""Which instances a verb acts on: IDs, `-` for IDs from stdin, or the filters of `list`; and how a batch goes about it.

@command(app)
def pause(session: Session, which: Several, reason: Reason = None) -> None: ...
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer

from wfctl.cli.batch.stdin_ids import named_ids
from wfctl.cli.options.common import Yes
from wfctl.cli.options.filters import DECLARED, moments_told, read_filter
from wfctl.cli.options.group import Option, OptionGroup
from wfctl.cli.session import Session
from wfctl.errors import InvalidInput
from wfctl.model.instance import Filter, Sort
from wfctl.render.text import clean

BATCH = "Several instances"
_AT_ONCE = 8  # requests to a sidecar


def _option(flag: str, *more: str, metavar: str | None = None, help: str) -> Any:
    return typer.Option(flag, *more, metavar=metavar, help=help, rich_help_panel=BATCH, show_default=False)


def _ids(metavar: str) -> Any:
    help = "The instances' IDs; - reads them from stdin: -o jsonl or json of list, or one ID a line."
    return Annotated[list[str] | None, typer.Argument(metavar=metavar, help=help, show_default=False)]


_DryRun = Annotated[bool, _option("--dry-run", help="Show which instances match; change nothing.")]
_Confirm = Annotated[
    str | None,
    _option("--confirm", metavar="NAME", help="Do not ask, if the target has this name. A protected one needs it."),
]
_Max = Annotated[str | None, _option("--max", metavar="N", help="At most N of the instances that match, oldest first.")]
_Concurrency = Annotated[
    str | None, _option("--concurrency", metavar="N", help="Concurrent requests to a sidecar (default 8).")
]
_Continue = Annotated[
    bool,
    _option("--continue-on-error", help="With a filter: continue after a failure. Given IDs are all tried anyway."),
]

_ACTING: dict[str, Option] = {
    "dry_run": (_DryRun, False),
    "yes": (Yes, False),
    "confirm": (_Confirm, None),
    "max_": (_Max, None),
    "concurrency": (_Concurrency, None),
    "continue_on_error": (_Continue, False),
}


@dataclass(frozen=True, slots=True)
class Which:
    """Hold what the user named. `words` are the arguments as given; `filter` is None if no filter option was."""

    words: tuple[str, ...]
    filter: Filter | None
    dry_run: bool = False
    yes: bool = False
    confirm: str | None = None
    most: int | None = None
    at_once: int = _AT_ONCE
    go_on: bool = False

    def ids(self, session: Session, verb: str) -> list[str] | None:
        """Return the IDs, each once; None if a filter chooses. Raises InvalidInput for both, and for neither."""
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
        return named_ids(session, self.words)

    @property
    def one(self) -> str | None:
        """Return the instance's ID if exactly one is named, not through stdin. Else None."""
        if self.filter is None and len(self.words) == 1 and self.words[0] != "-":
            return self.words[0]
        return None

    def named(self, words: Sequence[str]) -> Which:
        return replace(self, words=tuple(words))


def _which(
    *,
    instance_ids: list[str] | None,
    dry_run: bool = False,
    yes: bool = False,
    confirm: str | None = None,
    max_: str | None = None,
    concurrency: str | None = None,
    continue_on_error: bool = False,
    **filters: Any,
) -> Which:
    filter = read_filter(**filters)
    most = _number(max_, "--max")
    if most is not None and filter is None:
        raise InvalidInput("--max is for a filter", hint="give the IDs that you mean, or a filter and --max")
    return Which(
        words=tuple(instance_ids or ()),
        filter=None if filter is None else replace(filter, sort=Sort.CREATED, reverse=True),
        dry_run=dry_run,
        yes=yes,
        confirm=confirm,
        most=most,
        at_once=_number(concurrency, "--concurrency") or _AT_ONCE,
        go_on=continue_on_error,
    )


def _number(text: str | None, flag: str) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 12 and int(text)):
        raise InvalidInput(f"{flag} {clean(text)!r} is not a count from 1 on", hint=f"{flag} 50")
    return int(text)


def _group(metavar: str, acting: dict[str, Option]) -> OptionGroup:
    return OptionGroup({"instance_ids": (_ids(metavar), None), **DECLARED, **acting}, _which, moments_told)


Several = Annotated[Which, _group("ID...", _ACTING)]
SeveralAndEvent = Annotated[Which, _group("ID... EVENT", _ACTING)]
# For a command that changes nothing: it has nothing to ask, and no dry run.
SeveralToRead = Annotated[Which, _group("ID...", {})]
