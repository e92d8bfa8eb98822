"""Write a bundle to a stream, line by line."""

from __future__ import annotations

import hashlib
import json
from typing import Any, BinaryIO

from wfctl.bundle.codec import exported_out, header_out
from wfctl.bundle.exported import Exported, Header


class BundleWriter:
    """Nothing is a bundle before `end` has been called: whoever reads it finds it cut off."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._sum = hashlib.sha256()
        self.instances = 0

    def begin(self, header: Header) -> None:
        self._line(header_out(header))

    def add(self, one: Exported) -> None:
        self._line(exported_out(one))
        self.instances += 1

    def end(self) -> None:
        self._line({"end": True, "instances": self.instances, "sha256": self._sum.hexdigest()})
        self._stream.flush()

    def _line(self, record: dict[str, Any]) -> None:
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        self._sum.update(line)
        self._stream.write(line)
