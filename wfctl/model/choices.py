"""The choices that a user names by a word. Apart, so that help loads no instances."""

from __future__ import annotations

from enum import Enum


class IfExists(str, Enum):
    """The choices of `start` for an ID that exists: refuse, use the instance, or replace a finished one."""

    FAIL = "fail"
    USE = "use"
    REPLACE = "replace"


class Sort(str, Enum):
    """The orders of `list`: times from the newest, names and IDs from A to Z; ANY as a target finds them.

    DUE: by what comes next, then what waits for no time, from the newest."""

    CREATED = "created"
    UPDATED = "updated"
    FINISHED = "finished"
    NAME = "name"
    ID = "id"
    DUE = "due"
    ANY = "any"


class Reach(Enum):
    """How far an export goes from the instances that are meant."""

    ALONE = "alone"
    BELOW = "below"  # with their descendants
    TREE = "tree"  # with whatever is in the same tree
