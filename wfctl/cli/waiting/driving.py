"""Have instances executed, and show how far they are where somebody looks."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from wfctl.cli.parsing.condition import COMPLETED
from wfctl.cli.quoting import quoted
from wfctl.cli.session import Session
from wfctl.cli.waiting.loop import LOOK_EVERY, Wait, looks
from wfctl.cli.waiting.progress import wait_progress
from wfctl.cli.waiting.report import tell_if_stopped, tell_state
from wfctl.client.port import Driver, Workflows
from wfctl.errors import WfctlError
from wfctl.model.instance import Skip

SHOW_EVERY = 0.2
MOST_SHOWN = 20  # instances; of more, looking at all of them would take time from executing them


def have_driven(
    session: Session, workflows: Workflows, ids: list[str], hint: Callable[[], str], skip: Skip | None = None
) -> Driver:
    """Have these instances executed, by this process if it may. `hint` is the command to try when interrupted.

    `skip`: how far the time of those with clocks of their own is skipped.
    """
    driver = workflows.drive(ids, skip=skip) if session.may_drive else Driver.ELSEWHERE
    tell_if_stopped(session, driver, hint)
    return driver


def carry_on(
    session: Session, workflows: Workflows, ids: list[str], *, tell: bool = False, skip: Skip | None = None
) -> None:
    """Execute what a batch has set in motion, as far as it goes, if the command may. `tell`: say how far each came."""
    if ids and session.may_drive:
        driver = drive_on(session, workflows, ids, skip)
        if tell:
            tell_state(session, workflows, ids, driver)


def drive_on(session: Session, workflows: Workflows, ids: list[str], skip: Skip | None = None) -> Driver:
    """Have these instances executed. If this process does it, return when none of them can continue by itself."""
    session.recorded = ids
    again = f"wfctl wait {' '.join(quoted(one) for one in ids[:5])}" if skip is None else "wfctl run --skip-time"
    driver = have_driven(session, workflows, ids, lambda: again, skip)
    if driver is not Driver.HERE:
        return driver
    with wait_progress(session, workflows, ids) as tell:
        shown = time.monotonic()
        for _ in looks(workflows, every=LOOK_EVERY if tell is None else SHOW_EVERY):
            if workflows.settled(ids):
                break
            if tell is not None and len(ids) <= MOST_SHOWN and time.monotonic() - shown >= SHOW_EVERY:
                shown = time.monotonic()
                tell(_look(workflows, ids))
    return driver


def _look(workflows: Workflows, ids: list[str]) -> Wait:
    state = Wait(COMPLETED)
    for one in ids:
        with suppress(WfctlError):  # purged meanwhile
            found = state.instances[one] = workflows.get(one, payloads=False)
            if found.status.terminal:
                state.ended[one] = 0
    return state
