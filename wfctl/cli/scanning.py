"""Show how far a search on a sidecar is, which must look at each instance, and let Ctrl-C end it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from wfctl.cli.session import Session
from wfctl.client.port import Scan
from wfctl.render.text import plural


@contextmanager
def scanning(session: Session, *, partial: bool = False) -> Iterator[Scan | None]:
    """Give a `list` something to tell how far it is. With `partial`, the first Ctrl-C ends the search alone.

    None on a target that does not search.
    """
    if session.target.local:
        yield None
        return
    with _line(session, partial) as scan, _until_ctrl_c(scan) if partial else nullcontext():
        yield scan


@contextmanager
def _line(session: Session, partial: bool) -> Iterator[Scan]:
    from wfctl.render.live import can_move

    console = session.console
    if console.quiet or _rows_come_between(session) or not can_move(session.environ, console.err_tty):
        yield Scan(lambda looked_at, found: None)
        return
    from wfctl.render.progress import Progress

    with Progress(console.err, color=console.err_color) as progress:

        def tell(looked_at: int, found: int) -> None:
            if progress.due:
                shows = "; Ctrl-C shows these" if partial and found else ""
                progress.show([f"{plural(looked_at, 'instance')} read, {found:,} matching{shows}"])

        yield Scan(tell, progress.clear)


@contextmanager
def _until_ctrl_c(scan: Scan) -> Iterator[None]:
    """Stop the scan in order: an exception may hit gRPC where it holds its locks. The second Ctrl-C is an exception."""
    former = signal.getsignal(signal.SIGINT)
    if former is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, former)
        scan.stopped = True

    def end() -> None:
        signal.signal(signal.SIGINT, former)
        ended()

    ended, scan.end = scan.end, end
    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


def _rows_come_between(session: Session) -> bool:
    """Records may be written to the same terminal while the search goes on."""
    return session.console.out_tty and not session.format.text
