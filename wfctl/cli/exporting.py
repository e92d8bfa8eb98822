"""Write instances into a bundle, on stdout or in a file: for `wfctl export` and `wfctl purge --export`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from wfctl.cli.quoting import quoted
from wfctl.cli.session import Session
from wfctl.errors import InvalidInput, NotFound, WfctlError, WrongState
from wfctl.model import refusals
from wfctl.model.choices import Reach
from wfctl.model.instance import Filter, Instance
from wfctl.render.live import can_move
from wfctl.render.printer import View
from wfctl.render.text import clean, plural

if TYPE_CHECKING:
    from wfctl.bundle import Exported, Header
    from wfctl.bundle.destination import Destination
    from wfctl.bundle.redact import Redaction
    from wfctl.client.port import Workflows

Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Written:
    """A bundle that was written to a file. `kept`: so many of its instances were there from before."""

    file: str
    instances: int
    kept: int = 0


VIEW: View[Written] = View(
    record=lambda one: {"file": one.file, "instances": one.instances, "kept": one.kept}, id=lambda one: one.file
)


def redaction(paths: list[str] | None, everything: bool) -> Redaction | None:
    """Return what --redact and --redact-all ask for. Raises InvalidInput."""
    if not paths and not everything:
        return None
    if paths and everything:
        raise InvalidInput("--redact-all leaves nothing for --redact", hint="one of them")
    from wfctl.bundle.redact import Redaction, parse_path

    return Redaction(None if everything else [parse_path(path) for path in paths or ()])


def header_of(session: Session, workflows: Workflows, redact: Redaction | None) -> Header:
    from wfctl import __version__
    from wfctl.bundle import Header
    from wfctl.render.views.waiting import utc_now

    return Header(
        written_by=f"wfctl {__version__}",
        written_at=utc_now(),
        target="embedded" if session.target.local else "sidecar",
        lacks=tuple(workflows.untold()),
        redacted=() if redact is None else redact.words,
    )


def write_file(
    session: Session, file: Path, header: Header, exported: Iterator[Exported], *, force: bool, resume: bool
) -> Written:
    """Write a bundle to a file, which has its name only once it is whole and lies on the disk.

    Raises what `Destination` and the instances raise.
    """
    from wfctl.bundle.destination import Destination

    destination = Destination(file, header, force=force, resume=resume)
    session.stopped = lambda: f"interrupted: {plural(destination.writer.instances, 'instance')} are in {part}"
    session.going_on = lambda: " ".join(["wfctl", *map(quoted, session.argv), *([] if resume else ["--resume"])])
    part = clean(str(destination.part))
    try:
        return _write(session, destination, exported)
    except WfctlError:
        if count := destination.writer.instances:
            session.console.note(f"{plural(count, 'instance')} are in {part}: --resume goes on from there")
        raise


def _write(session: Session, destination: Destination, exported: Iterator[Exported]) -> Written:
    with closing(destination), counting(session, "written") as tell:
        for one in exported:
            destination.add(one)
            tell(destination.writer.instances)
        destination.finish()
    session.stopped, session.going_on = lambda: "interrupted", lambda: None
    return Written(str(destination.file), destination.writer.instances, destination.kept)


class Kept:
    """What is written before it is purged, and purged only as it was written."""

    def __init__(self, session: Session, file: Path, *, recursive: bool) -> None:
        self._session = session
        self._file = file
        self._reach = Reach.BELOW if recursive else Reach.ALONE
        self._trees: dict[str, list[Instance]] = {}  # what goes with each, itself included

    def write(self, workflows: Workflows, ids: Sequence[str]) -> None:
        """Write these instances, and what goes with them, to the file. Raises what `Destination` and the target do."""
        from wfctl.bundle.destination import Destination

        session = self._session
        there = list(ids)
        roots = {one: one for one in ids}

        def noted(exports: Iterator[Exported]) -> Iterator[Exported]:
            for one in exports:
                instance = replace(one.instance, input=None, output=None, custom_status=None, failure=None)
                root = roots.setdefault(one.id, roots.get(instance.parent_id or "", one.id))
                self._trees.setdefault(root, []).append(instance)
                yield one

        header = header_of(session, workflows, None)
        while True:
            destination = Destination(self._file, header, anew=True, other="name another file")
            try:
                with closing(workflows.export(there, Filter(), self._reach)) as found:
                    written = _write(session, destination, noted(found))
                break
            except NotFound as error:  # the batch says so of this one
                if error.instance_id not in there:
                    raise
                there.remove(error.instance_id)
        session.console.note(f"wrote {clean(written.file)}: {plural(written.instances, 'instance')}")

    def check(self, workflows: Workflows, instance_id: str) -> None:
        """Raise WrongState if something would go with this instance that is not in the file as it is now."""
        for one in self._trees.get(instance_id) or (None,):
            now = workflows.get(instance_id if one is None else one.id, payloads=False)
            if one is not None and not one.status.terminal:
                raise refusals.not_purgeable(one.id, one.status)
            if one is None or now.status is not one.status or _differ(now.created_at, one.created_at):
                raise WrongState(
                    f"'{now.id}' has changed since it was written to {clean(str(self._file))}: it was not purged",
                    hint="purge it again, with another --export",
                    instance_id=now.id,
                )


def _differ(one: datetime | None, other: datetime | None) -> bool:
    """Two ways to ask a sidecar may round a time differently."""
    return one is not None and other is not None and abs(one - other) > timedelta(seconds=1)


def write_stdout(session: Session, header: Header, exported: Iterator[Exported]) -> int:
    """Write a bundle to stdout. Returns the number of instances."""
    from wfctl.bundle import BundleWriter

    writer = BundleWriter(lambda line: session.console.data(line.decode("ascii")))
    with counting(session, "written") as tell:
        first = next(exported, None)  # nothing is written before it is known that there is something
        writer.begin(header)
        for one in exported if first is None else chain((first,), exported):
            writer.add(one)
            tell(writer.instances)
    writer.end()
    return writer.instances


@contextmanager
def counting(session: Session, past: str) -> Iterator[Tell]:
    """Count instances at a terminal, unless the bundle itself is written there."""
    console = session.console
    if console.quiet or console.out_tty or not can_move(session.environ, console.err_tty):
        yield lambda count: None
        return
    from wfctl.render.progress import Progress

    with Progress(console.err, color=console.err_color) as progress:

        def tell(count: int) -> None:
            if progress.due:
                progress.show([f"{plural(count, 'instance')} {past}"])

        yield tell
