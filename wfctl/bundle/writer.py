"""Write a bundle, line by line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from wfctl.bundle.codec import exported_out, header_out
from wfctl.bundle.exported import Exported, Header


class BundleWriter:
    """Nothing is a bundle before `end` has been called: whoever reads it finds it cut off."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        """`write` takes each line. The lines are ASCII."""
        self._write = write
        self._sum = hashlib.sha256()
        self.instances = 0

    def begin(self, header: Header) -> None:
        self._line(header_out(header))

    def add(self, one: Exported) -> None:
        self._line(exported_out(one))
        self.instances += 1

    def end(self) -> None:
        self._line({"end": True, "instances": self.instances, "sha256": self._sum.hexdigest()})

    def take_up(self, line: bytes, *, instance: bool) -> None:
        """Take note of a line that is written already, of a bundle that was left off in the middle."""
        self._sum.update(line)
        self.instances += instance

    def _line(self, record: dict[str, Any]) -> None:
        text = json.dumps(record, separators=(",", ":")).replace("\x7f", "\\u007f")  # it may come to a terminal
        line = text.encode() + b"\n"
        self._sum.update(line)
        self._write(line)
