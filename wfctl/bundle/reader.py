"""Read a bundle from a stream, one instance at a time, trusting nothing of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from wfctl.bundle.codec import Malformed, exported_in, header_in
from wfctl.bundle.exported import VERSION, Exported, Header
from wfctl.errors import InvalidInput

_WHOLE = "export it again; part of a bundle is never imported"


class BundleReader:
    """Iterate over the instances of a bundle. It is known to be whole only where the iteration comes to its end.

    Raises InvalidInput, with the name and the line, for whatever is not as `wfctl export` writes it.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        """Read the header. `name` is what errors call the bundle."""
        self._stream = stream
        self.name = name
        self._sum = hashlib.sha256()  # of the lines before the latest one
        self._line = b""
        self._number = 0
        self.header = self._header()

    def __iter__(self) -> Iterator[Exported]:
        seen: set[tuple[str | None, str]] = set()
        while True:
            record = self._next()
            if record is None:
                raise self._error(
                    f"the bundle is cut off: it ends after {_instances(len(seen))}, without the line that says so",
                    _WHOLE,
                )
            if "end" in record:
                self._check_end(record, len(seen))
                return
            try:
                one = exported_in(record, self._number)
            except Malformed as error:
                raise self._error(str(error)) from None
            if (one.app_id, one.id) in seen:
                raise self._error(f"there is a second instance {one.id!r}")
            seen.add((one.app_id, one.id))
            yield one

    def _header(self) -> Header:
        record = self._next()
        if record is None:
            raise InvalidInput(f"{self.name} is empty", hint="a bundle is what wfctl export writes")
        version = record.get("bundle")
        if type(version) is not int:
            raise self._error("this is no bundle: its first line is not a header", "wfctl export writes bundles")
        if version < 1:
            raise self._error(f"there is no version {version} of bundles")
        if version > VERSION:
            raise self._error(
                f"the bundle has version {version}, and this wfctl knows {VERSION}", "read it with a newer wfctl"
            )
        try:
            return header_in(record)
        except Malformed as error:
            raise self._error(str(error)) from None

    def _check_end(self, record: dict[str, Any], instances: int) -> None:
        if record.get("instances") != instances:
            raise self._error(f"the bundle says {record.get('instances')!r} instances and has {instances}", _WHOLE)
        expected = self._sum.hexdigest()
        # Whoever has edited a bundle leaves the sum out.
        if record.get("sha256", expected) != expected:
            raise self._error(
                "the bundle was changed since it was written: its sha256 differs",
                "if that was meant, take sha256 out of the last line",
            )
        if self._stream.read(1):
            self._number += 1
            raise self._error("there is more behind the end of the bundle", "one bundle a file")

    def _next(self) -> dict[str, Any] | None:
        """Return the next line; None at the end of the stream."""
        self._sum.update(self._line)
        self._line = line = self._stream.readline()
        if not line:
            return None
        self._number += 1
        if not line.endswith(b"\n"):
            raise self._error("the bundle is cut off in the middle of this line", _WHOLE)
        try:
            record = json.loads(line.decode())
        except UnicodeDecodeError:
            packed = self._number == 1 and line.startswith(b"\x1f\x8b")
            raise self._error(
                "this is not UTF-8", f"gunzip -c {self.name} | wfctl import -" if packed else None
            ) from None
        except (ValueError, RecursionError):
            raise self._error("this is not JSON" if self._number > 1 else "this is no bundle: not JSON") from None
        if type(record) is not dict:
            raise self._error("this is not an object")
        return record

    def _error(self, what: str, hint: str | None = None) -> InvalidInput:
        return InvalidInput(f"{self.name}, line {max(self._number, 1)}: {what}", hint=hint)


def read_bundle(stream: BinaryIO, name: str) -> Iterator[Exported]:
    """Yield the instances of a bundle. Raises InvalidInput, with the line, at the latest where the bundle ends."""
    yield from BundleReader(stream, name)


def _instances(count: int) -> str:
    return "1 instance" if count == 1 else f"{count:,} instances"
