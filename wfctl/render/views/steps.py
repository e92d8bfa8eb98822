"""Show the steps of an instance: their status, attempts and times."""

from __future__ import annotations

from datetime import datetime

from wfctl.model.steps import Step, StepStatus
from wfctl.render.history_records import step_record
from wfctl.render.printer import View
from wfctl.render.table import Cell, Column
from wfctl.render.text import clean, shorten
from wfctl.render.theme import DIM, RED, step_style
from wfctl.render.times import age, rfc3339, seconds_text, span
from wfctl.render.views.failure import step_failure
from wfctl.render.views.history import DETAIL_MOST, failure_text
from wfctl.render.views.payload import payload_cell


def _tries(step: Step) -> str:
    if step.kind not in ("activity", "child"):
        return ""
    number = len(step.attempts)
    return f"{number}/{step.max_attempts}" if step.max_attempts else str(number)


def _took(step: Step, now: datetime) -> Cell:
    if step.duration is not None:
        return Cell(span(step.duration) if step.status is not StepStatus.RECEIVED else "")
    return Cell(age(now - step.scheduled_at), DIM) if step.status.open else Cell("")


def _step_detail(step: Step, now: datetime) -> Cell:
    if step.status is StepStatus.FAILED:
        return Cell(shorten(step_failure(step.failure), DETAIL_MOST), RED)
    errors = [attempt.failure for attempt in step.attempts if attempt.failure is not None]
    if step.status is StepStatus.RETRYING:
        following = f"next try in {age(step.until - now)}, " if step.until is not None else ""
        return Cell(following + (failure_text(errors[-1]) if errors else ""))
    if step.status.open and step.until is not None:
        return Cell(f"until {seconds_text(step.until)}")
    if step.status.open and errors:
        return Cell("after " + failure_text(errors[-1]))
    return Cell(payload_cell(step.result))


def step_view(now: datetime, begun: datetime | None = None, *, apps: bool = False) -> View[Step]:
    """Return the view of steps. The column AT counts from `begun`, the start of the first step.

    `apps`: some of them were asked for in another app.
    """
    return View(
        record=step_record,
        columns=(
            Column("EVENT", lambda step: str(step.event_id) if step.event_id >= 0 else "-", right=True, spare=4),
            Column("KIND", lambda step: step.kind, spare=3),
            Column("NAME", lambda step: clean(step.name or ""), shrink=True),
            Column("APP", lambda step: clean(step.app_id or ""), wide=not apps),
            Column("STATUS", lambda step: Cell(step.status.value, step_style(step.status))),
            Column("TRIES", _tries, spare=1),
            Column(
                "AT", lambda step: "" if begun is None else "+" + span(step.scheduled_at - begun), spare=2, right=True
            ),
            Column("STARTED AT", lambda step: rfc3339(step.scheduled_at), wide=True),
            Column("TOOK", lambda step: _took(step, now), right=True),
            Column("CHILD", lambda step: clean(step.child_id or ""), wide=True),
            Column("INPUT", lambda step: payload_cell(step.input), wide=True),
            Column("DETAIL", lambda step: _step_detail(step, now), shrink=True),
        ),
    )
