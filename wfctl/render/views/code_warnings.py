"""What there is to say of the code of workflows, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wfctl.model.code_warning import CodeWarning
from wfctl.render.annotations import annotation, workspace
from wfctl.render.json_records import Record
from wfctl.render.printer import View
from wfctl.render.table import Cell, Column
from wfctl.render.text import clean, plural
from wfctl.render.theme import NAME, QUIET
from wfctl.render.views.fits import path_text, place_text

if TYPE_CHECKING:
    from rich.console import RenderableType


def code_warning_record(one: CodeWarning, base: Path) -> Record:
    return {
        "rule": one.rule,
        "workflowName": one.workflow,
        "file": path_text(one.place, base),
        "line": one.place.line,
        "message": one.text,
        "hint": one.hint,
    }


def code_warning_view(base: Path) -> View[CodeWarning]:
    def picture(found: Iterable[CodeWarning], width: int) -> RenderableType:
        from rich.console import Group

        return Group(*(_drawn(one, base) for one in found))

    return View(
        record=lambda one: code_warning_record(one, base),
        picture=picture,
        columns=(
            Column("LINE", lambda one: place_text(one.place, base)),
            Column("RULE", lambda one: Cell(one.rule, "check.warning")),
            Column("WORKFLOW", lambda one: clean(one.workflow), spare=1),
            Column("WARNING", lambda one: clean(one.text), shrink=True),
            Column("INSTEAD", lambda one: clean(one.hint), shrink=True),
        ),
    )


def _drawn(one: CodeWarning, base: Path) -> RenderableType:
    """Draw a warning as a compiler does, with nothing cut off."""
    from rich.text import Text

    head = Text().append(place_text(one.place, base), NAME).append(f" {one.rule} ", "check.warning")
    return head.append(clean(one.text)).append(f"\n    {clean(one.hint)}", QUIET)


def summary(found: Sequence[CodeWarning], workflows: int, app: str) -> str:
    """Return the last line for people."""
    return f"{plural(workflows, 'workflow')} read in {app}: {plural(len(found), 'warning') if found else 'no warnings'}"


def github_lines(found: Sequence[CodeWarning], strict: bool, environ: Mapping[str, str], here: Path) -> Iterator[str]:
    """Yield a line for GitHub Actions for each."""
    base = workspace(environ, here)
    for one in found:
        text = f"{one.text}; instead: {one.hint}"
        yield annotation("error" if strict else "warning", f"{one.rule} in {one.workflow}", text, one.place, base)
