"""Find the instances that a batch acts on, from what the user named, each with what is known of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from wfctl.cli.scanning import scanning
from wfctl.cli.session import Session
from wfctl.client.port import Scan, Workflows
from wfctl.errors import InvalidInput, NotFound
from wfctl.model.instance import Filter, Instance
from wfctl.model.matching import matches
from wfctl.model.status import Status

# Why one is not acted on by itself.
GOES, STAYS, AGAIN = "it goes with", "it is left to its parent", "rerun already as"


@dataclass(frozen=True, slots=True)
class Verb:
    """Describe what is done: `end`, `ended`.

    `able`         the statuses in which it can be done at all; a filter never finds others
    `recursive`    children go with their parents
    `with_parent`  a child is never taken without its parent (as long as it has one)
    `once`         one that was rerun already is left out
    `repeatable`   to act on an instance twice is to act on it once
    `continues`    the same command again leaves out what is done
    `asks`         something changes
    """

    word: str
    past: str
    able: frozenset[Status] | None = None
    recursive: bool = False
    with_parent: bool = False
    once: bool = False
    repeatable: bool = True
    continues: bool = False
    asks: bool = True
    told: str | None = None  # how one is told, if not by `past`
    asked: str | None = None  # how all of them are asked about, if not by `word`
    beginning: str | None = None  # of a rerun: the step, for the question
    prints: bool = False  # the ID of each that worked is data: it goes to stdout
    counted: Callable[[int], str] | None = None  # how many are told, if not by their number and `past`
    effect: str = ""  # what follows, as a sentence without its end

    def summed(self, count: int) -> str:
        return f"{count:,} {self.past}" if self.counted is None else self.counted(count)


@dataclass(slots=True)
class Chosen:
    """Hold the instances to act on, in order.

    `known` has what a filter found of them; `left` has, for those that are not acted on by themselves, the reason.
    `more`: others match besides, beyond --max.
    """

    ids: list[str]
    known: dict[str, Instance] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    filter: Filter | None = None
    more: bool = False

    @property
    def all(self) -> list[str]:
        return [*self.ids, *self.left]


def narrowed(filter: Filter, verb: Verb) -> Filter:
    """Return the filter for those with which the verb can do something. Raises InvalidInput if there is none."""
    if verb.able is None:
        return filter
    statuses = filter.statuses & verb.able if filter.statuses else verb.able
    if not statuses:
        wrong = ", ".join(status.name for status in sorted(filter.statuses))
        able = ", ".join(status.name for status in sorted(verb.able))
        raise InvalidInput(f"an instance that is {wrong} cannot be {verb.past}", hint=f"one that is {able} can")
    return replace(filter, statuses=statuses)


def choose(
    session: Session, workflows: Workflows, verb: Verb, ids: list[str] | None, filter: Filter | None, most: int | None
) -> Chosen:
    """Find what matches, or take the IDs as they are; set apart children that go with a parent."""
    if ids is not None:
        chosen = Chosen([])
        _set_apart(chosen, workflows, verb, ids, alone=True)
        return chosen
    assert filter is not None
    wanted = narrowed(filter, verb)
    chosen = Chosen([], filter=wanted)
    alone = not verb.with_parent or filter.parent_id is not None
    with scanning(session) as scan:
        _collect(chosen, workflows, verb, wanted, most, alone, scan)
    return chosen


def _collect(
    chosen: Chosen,
    workflows: Workflows,
    verb: Verb,
    filter: Filter,
    most: int | None,
    alone: bool,
    scan: Scan | None,
) -> None:
    """Take what matches, the oldest first, until there are `most` that are acted on by themselves."""
    found = iter(_slim(workflows.list(filter, payloads=False, waiting=False, scan=scan)))
    while part := list(islice(found, None if most is None else most + 1 - len(chosen.ids))):
        chosen.known.update((one.id, one) for one in part)
        new = [one.id for one in part if not (verb.once and _left_once(chosen, one))]
        _set_apart(chosen, workflows, verb, new, alone=alone)
    if most is not None and len(chosen.ids) > most:
        chosen.more = True
        del chosen.ids[most:]


def _left_once(chosen: Chosen, one: Instance) -> bool:
    """Move one that was rerun already to `left`."""
    if one.rerun_as:
        chosen.left[one.id] = f"{AGAIN} {one.rerun_as[-1]}"
    return bool(one.rerun_as)


def _slim(found: Iterable[Instance]) -> Iterable[Instance]:
    """Drop the payloads: there may be a million instances."""
    for one in found:
        if one.input or one.output or one.custom_status or one.failure is not None:
            one = replace(one, input=None, output=None, custom_status=None, failure=None)
        yield one


class _Family:
    """Find whose child each instance is: ask the target for many at a time, and for each only once."""

    def __init__(self, workflows: Workflows, chosen: Chosen) -> None:
        self._workflows = workflows
        self._there = dict.fromkeys(chosen.known, True)
        self._parents: dict[str, str | None] = {
            one.id: one.parent_id for one in chosen.known.values() if one.parent_id is not None
        }

    def parent(self, instance_id: str) -> str | None:
        """Return the parent's ID. None too for one that has not been looked up."""
        return self._parents.get(instance_id)

    def look_up(self, ids: Iterable[str]) -> None:
        new = [one for one in dict.fromkeys(ids) if one not in self._parents]
        found = self._workflows.parents(new) if new else {}
        self._parents.update((one, found.get(one)) for one in new)

    def look_further(self, ids: Iterable[str], end: set[str]) -> None:
        """Look up the ancestors of these too, each line as far as to one of `end`."""
        above = set(ids)
        while above:
            parents = {self._parents.get(one) for one in above} - {None} - end
            above = {one for one in parents if one is not None and one not in self._parents}
            self.look_up(above)

    def is_there(self, instance_id: str) -> bool:
        if instance_id not in self._there:
            try:
                self._workflows.get(instance_id, payloads=False)
            except NotFound:
                self._there[instance_id] = False
            else:
                self._there[instance_id] = True
        return self._there[instance_id]


def _set_apart(chosen: Chosen, workflows: Workflows, verb: Verb, new: Sequence[str], *, alone: bool) -> None:
    """Add these, in their order: descendants of other chosen ones to `left`, the others to `ids`.

    Where a child is not taken `alone`, children of others go to `left` too.
    """
    if not (verb.recursive and (len(new) > 1 or chosen.ids)) and alone:
        chosen.ids += new
        return
    mine = {*chosen.ids, *chosen.left, *new}
    family = _Family(workflows, chosen)
    family.look_up(new)
    if verb.recursive:
        family.look_further(new, mine)
    for instance_id in new:
        ancestor = _ancestor(instance_id, mine, family.parent) if verb.recursive else None
        parent = None if alone else family.parent(instance_id)
        if ancestor is not None:
            chosen.left[instance_id] = f"{GOES} {ancestor}"
        elif parent is not None and family.is_there(parent):
            chosen.left[instance_id] = f"{STAYS} {parent}"
        else:
            chosen.ids.append(instance_id)


def _ancestor(instance_id: str, mine: set[str], parent_of: Callable[[str], str | None]) -> str | None:
    """Return the nearest ancestor that is acted on as well."""
    seen = {instance_id}
    parent = parent_of(instance_id)
    while parent is not None and parent not in seen:
        if parent in mine:
            return parent
        seen.add(parent)
        parent = parent_of(parent)
    return None


def no_more(chosen: Chosen, instance_id: str, now: Instance | None) -> str | None:
    """Return why an instance that a filter found does not match any more as it is now; None where it does still.

    What a target does not tell of one instance, as its parent, is as it was found.
    """
    found, filter = chosen.known.get(instance_id), chosen.filter
    if found is None or filter is None:
        return None
    if now is None:
        return "it is gone by now"
    parent_id, name = now.parent_id or found.parent_id, now.name or found.name
    if (parent_id, name) != (now.parent_id, now.name):
        now = replace(now, parent_id=parent_id, name=name)
    if matches(filter, now):
        return None
    if now.status is not found.status:
        return f"it is {now.status.name} by now"
    return "it does not match any more"


def sample(chosen: Chosen, size: int) -> Sequence[Instance]:
    """Return the first of them, as far as they are known."""
    return [chosen.known[one] for one in chosen.ids[:size] if one in chosen.known]
