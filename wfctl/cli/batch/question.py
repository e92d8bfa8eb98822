"""Word the question before a batch: the verb, how many, of what, on which target."""

from __future__ import annotations

from collections import Counter

from wfctl.cli.batch.select import Chosen, Verb
from wfctl.cli.session import Session
from wfctl.client.connect import Embedded
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
    name, address = session.settings.profile, _address(session)
    if name is None and isinstance(session.target, Embedded):
        name = "embedded"
    return f"the sidecar at {address}" if name is None else f"{clean(name)} ({address})"


def _address(session: Session) -> str:
    target = session.target
    if isinstance(target, Embedded):
        return clean(str(target.store))
    if target.in_cluster:
        parts = [("pod", target.pod), ("namespace", target.namespace), ("context", target.kube_context)]
        return ", ".join(f"{word} {clean(value)}" for word, value in parts if value)
    return clean(target.http or target.grpc or "127.0.0.1:50001")


def target_names(session: Session) -> set[str]:
    """Return the names by which `--confirm` may call the target."""
    settings = session.settings
    names = {settings.profile, settings.protected, settings.target.value}
    if isinstance(session.target, Embedded):
        names.add("embedded")
    return {name for name in names if name}
