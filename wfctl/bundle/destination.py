"""Write a bundle to a file that has its name only once the bundle is whole.

Until then it is FILE.part, readable to its owner alone, from which an interrupted export is resumed. No file is
written over, and no link is followed, that somebody may have put there.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, cast

from wfctl.bundle.codec import Malformed, header_in
from wfctl.bundle.exported import Exported, Header
from wfctl.bundle.writer import BundleWriter
from wfctl.errors import Conflict, InvalidInput, StoreError, WfctlError
from wfctl.files import lock_alone, open_new, open_own, sync_folder
from wfctl.model.status import LIVE

_LIVE = frozenset(status.name for status in LIVE)


class Destination:
    """`kept` is how many instances an earlier export has written already. To be closed."""

    def __init__(
        self,
        file: Path,
        header: Header,
        *,
        force: bool = False,
        resume: bool = False,
        anew: bool = False,
        other: str = "--force replaces it; or name another file",
    ) -> None:
        """Open the file. With `anew`, what an interrupted export has left is begun anew.

        `other` says what to do where there is such a file. Raises Conflict (there is one), InvalidInput (it can be
        none) and StoreError.
        """
        self.file = file
        self.part = file.with_name(f"{file.name}.part")
        self._force = force
        self._anew = anew or force
        self._other = other
        self._there: set[tuple[str | None, str]] = set()
        with self._in_words():
            self._check_place(resume)
            self._stream = self._open(resume)
            self.writer = BundleWriter(self._stream.write)
            try:
                if not lock_alone(self._stream):
                    raise Conflict(f"another export writes {self.part} now", hint="name another file")
                if not (resume and self._take_up(header)):
                    self.writer.begin(header)
            except BaseException:
                self._stream.close()
                raise
        self.kept = len(self._there)

    def add(self, one: Exported) -> None:
        """Write an instance, unless it is there from before. Raises StoreError."""
        if (one.app_id, one.id) not in self._there:
            with self._in_words():
                self.writer.add(one)

    def finish(self) -> None:
        """End the bundle, and give it its name once it lies on the disk. Raises StoreError and Conflict."""
        with self._in_words():
            self.writer.end()
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._stream.close()
            if not self._force and os.path.lexists(self.file):
                raise self._exists()
            os.replace(self.part, self.file)
            sync_folder(self.file)

    def close(self) -> None:
        """Leave what is written. A bundle without any instance is not worth keeping."""
        with contextlib.suppress(OSError):
            self._stream.close()
        if not self.writer.instances:
            with contextlib.suppress(OSError):
                os.unlink(self.part)

    def _check_place(self, resume: bool) -> None:
        if self.file.is_dir():
            raise InvalidInput(f"{self.file} is a folder", hint="name the file that the bundle is to be")
        if not self.file.absolute().parent.is_dir():
            raise InvalidInput(f"there is no folder {self.file.absolute().parent} for the bundle", hint="make it first")
        if self.file.exists() and not self.file.is_file():  # /dev/null would be replaced by the bundle
            raise InvalidInput(f"{self.file} is no ordinary file", hint="name the file that the bundle is to be")
        if os.path.lexists(self.file) and not self._force:
            raise self._exists()
        if os.path.lexists(self.part) and not (resume or self._anew):
            raise Conflict(
                f"{self.part} is there: an export was interrupted, or is under way",
                hint="--resume continues it, --force begins anew",
            )

    def _exists(self) -> Conflict:
        return Conflict(f"{self.file} exists", hint=self._other)

    def _open(self, resume: bool) -> BinaryIO:
        if os.path.lexists(self.part):
            stream = open_own(self.part)
            if stream is None:
                raise Conflict(f"{self.part} is not a file of yours alone", hint="see who put it there, and remove it")
            if resume:
                return stream
            with stream:
                if not lock_alone(stream):
                    raise Conflict(f"another export writes {self.part} now", hint="name another file")
                os.unlink(self.part)
        return cast(BinaryIO, open_new(self.part, "w+b"))

    def _take_up(self, header: Header) -> bool:
        """Go on behind the last whole instance that had ended when it was written; from there on all is read again.

        Returns False where there is not even a header. Raises Conflict: it was begun in another way.
        """
        end = 0
        for record, line in self._lines():
            if not end:
                self._check_header(record, header)
            elif not isinstance(record.get("history"), list) or record.get("runtimeStatus") in _LIVE:
                break
            else:
                self._there.add((record.get("appID"), str(record.get("instanceID"))))
            self.writer.take_up(line, instance=end > 0)
            end += len(line)
        self._stream.seek(end)
        self._stream.truncate()
        return end > 0

    def _lines(self) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Yield the whole lines, up to where an export was stopped."""
        for line in self._stream:
            try:
                record = json.loads(line) if line.endswith(b"\n") else None
            except (ValueError, RecursionError):
                return
            if not isinstance(record, dict):
                return
            yield record, line

    def _check_header(self, record: dict[str, Any], header: Header) -> None:
        try:
            begun = header_in(record)
        except Malformed:
            begun = None
        if begun is None or replace(begun, written_at=header.written_at, written_by=header.written_by) != header:
            raise Conflict(
                f"{self.part} was begun from another target, or with another --redact",
                hint="repeat the command that began it, or --force begins anew",
            )

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except WfctlError:
            raise
        except OSError as error:
            raise StoreError(
                f"cannot write {self.file}: {error.strerror or error}",
                hint="check the permissions and the free space of its folder",
            ) from error
