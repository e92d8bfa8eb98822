"""Word the question before a batch: the verb, how many, of what, on which target."""

from __future__ import annotations

from collections import Counter

from wfctl.cli.batch.select import Chosen, Verb
from wfctl.cli.session import Session
from wfctl.render.text import clean, plural


def sentence(session: Session, verb: Verb, chosen: Chosen) -> str:
    """Return `Rerun 37 CheckoutWorkflow from ChargeCard on prod (https://...)`, without an end."""
    words = [verb.asked or verb.word, _whom(chosen), *([f"from {verb.beginning}"] if verb.beginning else [])]
    text = " ".join(words)
    return f"{text[:1].upper()}{text[1:]} on {target_words(session)}"


def _whom(chosen: Chosen) -> str:
    if chosen.filter is None and len(chosen.ids) == 1:
        return clean(chosen.ids[0])
    names = Counter(chosen.known[one].name if one in chosen.known else None for one in chosen.ids)
    if len(names) == 1 and (name := next(iter(names))) is not None:
        return f"{len(chosen.ids):,} {clean(name)}"
    return plural(len(chosen.ids), "instance")


def target_words(session: Session) -> str:
    """Return the target's name and address: `prod (https://...)`, `embedded (store.db)`."""
    name, address = session.settings.profile or session.target.name, clean(session.target.address)
    return f"the sidecar at {address}" if name is None else f"{clean(name)} ({address})"


def target_names(session: Session) -> set[str]:
    """Return the names by which `--confirm` may call the target."""
    settings = session.settings
    names = {settings.profile, settings.protected, settings.target.value, session.target.name}
    return {name for name in names if name}
