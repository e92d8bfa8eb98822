"""Say why nothing was found, so that an empty answer is not mistaken for a wrong question, or the other way round."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from wfctl.errors import NotFound
from wfctl.model.instance import Filter
from wfctl.render.text import clean

if TYPE_CHECKING:
    from wfctl.cli.session import Session
    from wfctl.client.port import Workflows

# Instances of a sidecar whose names are looked at: each costs it a request.
SAMPLE = 200


def tell_empty(session: Session, workflows: Workflows, filter: Filter) -> None:
    """Tell on stderr what is there instead of what was asked for, and where was looked."""
    note = session.console.note
    if session.console.quiet:
        return
    where = place(session) + _of_app(session)
    session.store_told = True
    if session.target.local:
        counts = workflows.count(Filter())
        names, total = {one.name for one in counts}, sum(one.count for one in counts)
        there = f"{total:,} in {where}"
    else:
        found = list(islice(workflows.list(Filter(), payloads=False, waiting=False, in_order=False), SAMPLE))
        names, total = {one.name for one in found}, len(found)
        there = f"{total}{' or more' if total == SAMPLE else ''} on {where}"
    if not total:
        note(f"no instances: {_nothing(session, where)}")
    else:
        known = {name for name in names if name}
        note(f"{_why(workflows, filter, known, total < SAMPLE or session.target.local)} ({there})")
    if (reason := automatic(session)) is not None:
        note(f"  {reason}")


def _of_app(session: Session) -> str:
    """Name the app that a store was searched for alone."""
    embedded = session.target.embedded
    return "" if embedded is None or embedded.app_id is None else f", of the app {clean(embedded.app_id)}"


def _nothing(session: Session, where: str) -> str:
    target = session.target
    if target.embedded is not None and not target.embedded.store.exists():
        return f"there is no store yet at {where}"
    return f"there are none {'in' if target.local else 'on'} {where}"


def _why(workflows: Workflows, filter: Filter, names: set[str], all_known: bool) -> str:
    if filter.name is not None and filter.name not in names and not any(char in filter.name for char in "*?["):
        from difflib import get_close_matches

        near = get_close_matches(filter.name.lower(), [name.lower() for name in names], n=1)
        meant = next((name for name in sorted(names) if [name.lower()] == near), None)
        if meant is not None or all_known:
            suggestion = f"; did you mean {clean(meant)}?" if meant is not None else ""
            return f"no workflow is named {clean(filter.name)}{suggestion}"
    if filter.parent_id is not None and not _exists(workflows, filter.parent_id):
        return f"no instance is named {clean(filter.parent_id)}"
    return "no instance matches"


def _exists(workflows: Workflows, instance_id: str) -> bool:
    try:
        workflows.get(instance_id, payloads=False)
    except NotFound:
        return False
    return True


def place(session: Session) -> str:
    """Return the store, or the name and address of the sidecar."""
    target = session.target
    if target.local:
        return short_path(target.address)
    from wfctl.cli.batch.question import target_words

    return target_words(session)


def automatic(session: Session) -> str | None:
    """Say why this target was looked at, if nobody named one."""
    origin = session.chosen.origin
    if not origin.startswith("automatic: "):
        return None
    return f"the target is automatic: {clean(origin.removeprefix('automatic: '))}"


def looked_at(session: Session) -> str | None:
    """Return where an instance was looked for, if nobody named the target or its store; to end a hint with."""
    reason = automatic(session)
    if reason is None and not shared_store(session):
        return None
    return f"looked {'in' if session.target.local else 'on'} {place(session)}" + (f", as {reason}" if reason else "")


def shared_store(session: Session) -> bool:
    """Return True for the store of all folders that have no settings of their own."""
    return session.target.local and session.settings.store.origin == "default"


def short_path(path: Path | str) -> str:
    """Return a path with `~` for the user's home."""
    home = os.path.expanduser("~")
    text = str(path)
    return clean("~" + text[len(home) :] if text.startswith(home + os.sep) else text)
