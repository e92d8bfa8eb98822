"""Why something failed, for people: the step, the error, the line that raised it, and whose line waited for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from wfctl.model.failure import FailedStep, Failure, chain, error_text, headline, root, step_name, unwrapped
from wfctl.model.failure_advice import advice
from wfctl.model.trace import Place, own_place, places
from wfctl.render.table import Cell, Drawn
from wfctl.render.text import clean, clean_block, shorten
from wfctl.render.theme import NAME, QUIET, RED
from wfctl.render.times import age, seconds_text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from wfctl.model.instance import Instance

STACK_LINES = 12
AROUND = 3  # lines of the source above and below the one that failed
CODE = 100  # characters of a line of code
LARGEST = 2_000_000  # bytes of a source file

Row = tuple[str, "Cell | Drawn | str"]


def one_line(text: str) -> str:
    """Put a text of several lines on one."""
    return clean(" ".join(text.split())) if "\n" in text else clean(text)


def cause_line(failure: Failure, step: FailedStep | None) -> str:
    """Return the cause for a list: `ChargeCard: card declined`."""
    return one_line(headline(failure, step))


def step_failure(failure: Failure | None) -> str:
    """Return why a step failed, on one line; of a child workflow, what its failure wraps."""
    return "" if failure is None else one_line(error_text(root(unwrapped(failure).failure)))


def failure_rows(one: Instance, wide: bool, now: datetime) -> Iterator[Row]:
    """Yield the rows of a page on an instance that failed, the cause first."""
    if one.failure is None:
        return
    step, bottom = one.failed_step, root(one.failure)
    if step is not None:
        yield "Failed at", _step(step, now)
    yield "Error", Cell(clean_block(error_text(bottom)), RED)
    if (hint := advice(bottom)) is not None:
        yield "", f"try: {clean(hint)}"
    if bottom.stack_trace:
        yield "", _trace(bottom.stack_trace, wide)
    for label, outer in _outer(one.failure):
        if wide and outer.stack_trace:
            yield label, _trace(outer.stack_trace, wide)
        elif (place := own_place(outer.stack_trace)) is not None:
            yield label, _place(place)
        if wide or not outer.message.endswith(bottom.message):
            yield "" if outer.stack_trace else label, clean_block(error_text(outer))


def _outer(failure: Failure) -> Iterator[tuple[str, Failure]]:
    """Yield what wraps the cause, from the inside out: the workflow comes last."""
    wraps = list(chain(failure))[-2::-1]
    for index, outer in enumerate(wraps):
        yield ("In workflow" if index == len(wraps) - 1 else "In child"), outer


def _step(step: FailedStep, now: datetime) -> str:
    words = clean(step_name(step)) + (f" ({step.kind}" if step.name else " (")
    if step.attempt is not None and step.kind != "event":
        attempt = f"attempt {step.attempt}" + (f" of {step.max_attempts}" if step.max_attempts else "")
        words += ", " + attempt if step.attempt > 1 or step.max_attempts else ""
    words = (words + ")").replace(" ()", "").replace("(, ", "(")
    if step.at is not None:
        words += f", {seconds_text(step.at)} ({age(now - step.at)} ago)"
    return words + (f", in child {clean(step.instance_id)}" if step.instance_id else "")


def _place(place: Place) -> Cell:
    text = clean(place.short)
    code = f": {shorten(clean(place.code), CODE)}" if place.code else ""
    return Cell(text + code, "", ((0, len(text), NAME),))


def failure_lines(one: Instance) -> Iterator[str]:
    """Yield what follows `ID FAILED: ` on stderr: the cause, the line that raised it, and the workflow's line."""
    if one.failure is None:
        return
    step, bottom = one.failed_step, root(one.failure)
    head = error_text(bottom)
    if step is not None:
        head = f"{step_name(step)}: {head}"
        if step.attempt is not None and step.attempt > 1:
            head += f" (attempt {step.attempt}" + (f" of {step.max_attempts})" if step.max_attempts else ")")
        if step.instance_id:
            head += f", in child {step.instance_id}"
    yield from clean_block(head).split("\n")
    for failure in list(chain(one.failure))[::-1]:
        place = own_place(failure.stack_trace)
        if place is not None:
            yield _place(place).text


def _trace(trace: str, wide: bool) -> Drawn:
    """A stack trace: whole with `wide`, else what leads to the app's own line."""

    def draw() -> RenderableType:
        from wfctl.render import highlight

        return highlight.trace(trace) if wide else _drawn(trace)

    return Drawn("\n".join(_kept(trace, None if wide else STACK_LINES)), draw)


def _kept(trace: str, most: int | None) -> list[str]:
    """Return the lines of a trace; of a long one those beside the error, which Python puts last, and others first."""
    lines = clean_block(trace.rstrip()).replace("\t", "    ").split("\n")
    if most is None or len(lines) <= most:
        return lines
    more = f"... ({len(lines) - most} more lines: -o wide)"
    python = any(line.lstrip().startswith('File "') for line in lines)
    return [more, *lines[-most:]] if python else [*lines[:most], more]


def _drawn(trace: str) -> RenderableType:
    """Draw the app's own line with the source around it, if the file is here and still has that line."""
    from rich.console import Group
    from rich.text import Text

    from wfctl.render import highlight

    found = places(trace)
    own = own_place(trace)
    source = None if own is None else source_around(own)
    if own is None or source is None:
        return highlight.trace("\n".join(_kept(trace, STACK_LINES)))
    parts: list[RenderableType] = []
    index = found.index(own)
    if index:
        parts.append(Text(f"... {index} calls above: -o wide" if index > 1 else "... 1 call above: -o wide", QUIET))
    parts.append(highlight.trace(own.text.split("\n")[0].strip()))
    first, lines = source
    width = len(str(first + len(lines) - 1))
    for number, line in enumerate(lines, first):
        here = number == own.line
        row = Text(no_wrap=True, overflow="ellipsis")
        row.append(f"{'>' if here else ' '} {number:>{width}}  ", "trace.error" if here else QUIET)
        row.append(clean_block(line), "bold" if here else "")
        parts.append(row)
    below = found[index + 1 :]
    if below:
        words = f"... {len(below)} calls below, the last: {clean(below[-1].short)}"
        parts.append(Text(words if len(below) > 1 else f"... called {clean(below[0].short)}", QUIET))
    return Group(*parts)


def source_around(place: Place) -> tuple[int, list[str]] | None:
    """Return the number of the first line, and the lines around a place.

    None if the file is not here, or no longer has that line: what a trace names may be anything on another machine.
    """
    import os
    import stat

    if not place.code or not os.path.isabs(place.file):
        return None
    try:
        descriptor = os.open(place.file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # it may be a pipe
    except (OSError, ValueError):
        return None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
            return None
        lines = os.read(descriptor, LARGEST).decode("utf-8", "replace").splitlines()
    except OSError:
        return None
    finally:
        os.close(descriptor)
    if place.line > len(lines) or lines[place.line - 1].strip() != place.code:
        return None
    first = max(place.line - AROUND, 1)
    return first, [line.expandtabs(4) for line in lines[first - 1 : place.line + AROUND]]
