"""Which targets there are to go to, and the session of each."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import fields, replace

from wfctl.cli.batch.question import target_words
from wfctl.cli.empty import short_path
from wfctl.cli.options.common import Flags
from wfctl.cli.session import Session
from wfctl.config.settings import EMBEDDED, SIDECAR, is_address
from wfctl.render.console import Console
from wfctl.render.text import clean

# Of the options of every command, those that say nothing of the target.
_LOOKS = frozenset({"format", "color", "quiet", "debug"})


def muted(session: Session) -> Session:
    """Return a session on the same target that prints nothing and asks nobody: the screen is taken."""
    silent = Session(io.StringIO(), io.StringIO(), io.StringIO(), session.environ)
    silent.flags = session.flags
    silent.console = Console(silent.stdout, silent.stderr, color="never", quiet=True, environ={})
    return silent


def switched(session: Session, name: str) -> Session:
    """Return a session on another target. Raises InvalidInput and NotTrusted."""
    flags = session.flags
    kept = Flags(**{field.name: getattr(flags, field.name) for field in fields(Flags) if field.name in _LOOKS})
    other = Session(session.stdin, session.stdout, session.stderr, session.environ)
    other.flags = replace(kept, target=name)
    if name == EMBEDDED:  # which store that is was said on the command line
        other.flags = replace(other.flags, store=flags.store, app=flags.app, python=flags.python)
    other.target  # noqa: B018 - raises, before anything is left
    return other


def where(session: Session) -> str:
    """Return the target's name and address, short enough for a line: a store in the current folder by its name."""
    embedded, here = session.target.embedded, session.here
    if embedded is None:
        return target_words(session).removeprefix("the ")
    store = embedded.store
    path = str(store.relative_to(here)) if store.is_relative_to(here) else short_path(store)
    return f"{clean(session.settings.profile or EMBEDDED)} ({clean(path)})"


def targets(session: Session) -> list[tuple[str, str]]:
    """Return the names of targets that are known, each with what it is: profiles first."""
    settings = session.settings
    found: dict[str, str] = {}
    for file in (settings.project, settings.user):
        for name, values in file.profiles.items() if file is not None else ():
            found.setdefault(name, values.get("target") or values.get("store") or "")
    found.setdefault(EMBEDDED, settings.store.value if settings.target.value == EMBEDDED else "the local store")
    if is_address(settings.target.value):
        found.setdefault(settings.target.value, "")
    found.setdefault(SIDECAR, "Dapr's own port, or the pod in the settings")
    return list(found.items())


def command_flags(flags: Flags) -> Sequence[str]:
    """Return the options that name the target, as they were given."""
    words: list[str] = []
    for field in fields(Flags):
        value = getattr(flags, field.name)
        if value and field.name not in _LOOKS:
            words += [f"--{field.name.replace('_', '-')}", str(value)]
    return words
