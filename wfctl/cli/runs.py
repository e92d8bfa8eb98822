"""Find the runs that the arguments of a command name: by an ID, in a bundle (FILE), or both (FILE:ID)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wfctl.cli.bundles import opened_bundle
from wfctl.cli.parsing.instance_id import check_id
from wfctl.cli.session import Session
from wfctl.errors import InvalidInput, NotFound
from wfctl.model.comparison import Run, run_of
from wfctl.render.text import clean, plural

if TYPE_CHECKING:
    from wfctl.bundle import Exported
    from wfctl.client.port import Workflows


@dataclass(frozen=True, slots=True)
class Named:
    """What an argument names. Without an ID, a bundle's own."""

    file: str | None
    instance_id: str | None


def named(word: str) -> Named:
    """Read an argument. Raises InvalidInput.

    Only a word with a dot or a slash in it is a file, so that a file in a stranger's folder never stands in for an ID;
    an ID may have colons in it.
    """
    ends = [at for at, char in enumerate(word) if char == ":"]
    for end in (len(word), *reversed(ends)):
        file, rest = word[:end], word[end + 1 :]
        if (file == "-" or _is_file(file)) and (rest or end == len(word)):
            return Named(file, check_id(rest) if rest else None)
    if word.count("/") or word.endswith((".jsonl", ".json")):
        raise InvalidInput(f"{clean(word)} cannot be read: there is no such file", hint="FILE, FILE:ID or an ID")
    return Named(None, check_id(word))


def _is_file(word: str) -> bool:
    return ("." in word or os.sep in word) and os.path.isfile(word)


def two_runs(session: Session, a: str, b: str | None) -> tuple[Run, Run]:
    """Return the runs that `a` and `b` name. Raises InvalidInput and NotFound."""
    first = named(a)
    second = named(b) if b is not None else None
    if second is None and first.file is not None and first.instance_id is None:
        raise InvalidInput("diff of what? One bundle is given", hint="wfctl diff FILE:ID FILE:ID, or wfctl diff A B")
    if second is not None and "-" == first.file == second.file:
        raise InvalidInput("stdin can be one of the two only", hint="write one of the bundles to a file")
    if second is None:
        return _with_rerun(session, first)
    one = _run(session, first, second.instance_id)
    return one, _run(session, second, first.instance_id or one.instance.id)


def _run(session: Session, what: Named, other_id: str | None) -> Run:
    if what.file is not None:
        return _in_bundle(session, what.file, what.instance_id, other_id)
    assert what.instance_id is not None
    with session.workflows() as workflows:
        return _of_target(workflows, what.instance_id)


def _of_target(workflows: Workflows, instance_id: str) -> Run:
    return run_of(workflows.get(instance_id), workflows.history(instance_id))


def _with_rerun(session: Session, what: Named) -> tuple[Run, Run]:
    """Return a rerun with its original, or an instance with the latest rerun of it, the older one first."""
    one = _run(session, what, None)
    instance = one.instance
    other = instance.rerun_of or (instance.rerun_as[-1] if instance.rerun_as else None)
    if other is None:
        raise InvalidInput(
            f"'{clean(instance.id)}' is no rerun, and was not rerun", hint=f"wfctl diff {clean(instance.id)} OTHER"
        )
    found = _run(session, Named(what.file, other), None)
    return (found, one) if instance.rerun_of else (one, found)


def _in_bundle(session: Session, file: str, instance_id: str | None, other_id: str | None) -> Run:
    """Read a bundle to its end, since only then it is known to be whole, and pick the instance that is meant."""
    name = "stdin" if file == "-" else clean(file)
    wanted = instance_id or other_id
    there: Exported | None = None
    root: Exported | None = None
    roots = 0
    ids: set[str] = set()
    with opened_bundle(session, file) as bundle:
        for one in bundle:
            ids.add(one.id)
            if one.id == wanted:
                if there is not None:
                    raise InvalidInput(f"{name} has '{clean(one.id)}' in several apps", hint="export one of them")
                there = one
            if one.instance.parent_id not in ids:
                root, roots = root or one, roots + 1
    found = there or (root if instance_id is None and roots == 1 else None)
    if found is not None:
        return run_of(found.instance, found.history, "stdin" if file == "-" else file)
    if instance_id is not None:
        raise NotFound(f"{name} has no instance '{clean(instance_id)}'", instance_id=instance_id)
    raise InvalidInput(f"{name} has {plural(roots, 'instance')}: which?", hint=f"{name}:ID")
