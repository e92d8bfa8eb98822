"""Make and read the IDs of reruns: `ORIGINAL-rerun-1`, `ORIGINAL-rerun-2`, ...

The ID is the lock: whoever reruns an instance for the first time, on whatever target, asks for the same new ID, and
only one of them gets it. A rerun of a rerun counts from the original.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from wfctl.model.ids import MAX_BYTES, fault_of_new

_SUFFIX = re.compile(r"-rerun-([1-9]\d{0,5})\Z", re.ASCII)
_ROOM = len("-rerun-9999")
_STEM = MAX_BYTES - _ROOM
_HASH = 8
_SHORTENED = re.compile(r"-[0-9a-f]{8}\Z")


def stem(instance_id: str) -> str:
    """Return the prefix of the IDs of this instance's reruns, the same for a rerun as for its original.

    An original that is too long for a suffix, or has characters that no new ID may have, is shortened: its beginning,
    then a hash of the whole.
    """
    original = _SUFFIX.sub("", instance_id) or instance_id
    if len(original.encode(errors="surrogatepass")) <= _STEM and fault_of_new(original) is None:
        return original
    import hashlib

    plain = "".join(char if char.isascii() and (char.isalnum() or char in "-_") else "-" for char in original)
    digest = hashlib.sha256(original.encode(errors="surrogatepass")).hexdigest()[:_HASH]
    return f"{plain[: _STEM - _HASH - 1]}-{digest}"


def number(instance_id: str) -> int:
    """Return the number in a rerun's ID; 0 if the ID is not that of a rerun."""
    found = _SUFFIX.search(instance_id)
    return 0 if found is None or not found.start() else int(found[1])


def rerun_id(instance_id: str, number: int) -> str:
    """Return the ID of rerun NUMBER of an instance, or of its original if it is a rerun itself."""
    return f"{stem(instance_id)}-rerun-{number}"


def original(instance_id: str) -> str | None:
    """Return the original's ID from a rerun's ID; None if that is not a rerun's, or was shortened."""
    begins = instance_id[: -len(f"-rerun-{count}")] if (count := number(instance_id)) else None
    return None if begins is None or (len(begins) == _STEM and _SHORTENED.search(begins)) else begins


class Family:
    """Find the reruns among many IDs, for a target that knows reruns by their IDs alone."""

    def __init__(self) -> None:
        self._numbers: dict[str, list[int]] = {}

    def watch(self, ids: Iterable[str]) -> None:
        """Add the reruns among these IDs."""
        for one in ids:
            if "-rerun-" in one and (count := number(one)):
                self._numbers.setdefault(stem(one), []).append(count)

    def later(self, instance_id: str) -> tuple[str, ...]:
        """Return the reruns that were made after this instance, in their order."""
        if not self._numbers:
            return ()
        own = number(instance_id)
        numbers = self._numbers.get(stem(instance_id), ())
        return tuple(rerun_id(instance_id, one) for one in sorted(numbers) if one > own)
