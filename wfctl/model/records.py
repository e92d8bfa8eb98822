"""Records that are made by the dozen in every step: immutable for the type checker, quick to make when it runs.

A frozen dataclass sets each of its fields through `object.__setattr__`, which takes five times as long as to set it:
of the CPU time of a chain of activities that was a tenth.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

__all__ = ["record"]

if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:

    def record(*, frozen, slots):
        """Make a dataclass; that nobody changes one is left to the type checker."""
        return dataclasses.dataclass(slots=slots, unsafe_hash=frozen)
