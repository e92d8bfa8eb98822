"""Parse `--columns id,status,output`: which columns of a table, in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from wfctl.errors import InvalidInput
from wfctl.render.table import Column
from wfctl.render.text import clean

T = TypeVar("T")


def parse_columns(text: str, columns: Sequence[Column[T]]) -> list[Column[T]]:
    """Return the columns that are named, each to be shown whatever the width. Raises InvalidInput."""
    known = dict(zip(names(columns), columns, strict=True))
    chosen: list[Column[T]] = []
    for word in text.split(","):
        name = word.strip().lower().replace("_", "-").replace(" ", "-")
        if name not in known:
            raise InvalidInput(f"--columns: there is no column {clean(word.strip())!r}", hint=", ".join(known))
        chosen.append(replace(known[name], wide=False, spare=0))
    return chosen


def names(columns: Sequence[Column[T]]) -> list[str]:
    """Return the columns' titles as words: `created-at` for CREATED AT."""
    return [column.title.lower().replace(" ", "-") for column in columns]
