"""What a bundle holds: its header, and instances with all that a target knows of them."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import datetime

from wfctl.model.events import Event
from wfctl.model.instance import Instance
from wfctl.model.logs import LogLine

VERSION = 1


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a bundle.

    written_by  the program and its version
    target      what it was exported from: `embedded` or `sidecar`
    lacks       what that target does not tell, as `logs`, which is None in every instance
    redacted    the paths at which payloads were replaced; `all` alone: every payload, and every text of the app
    """

    written_by: str
    written_at: datetime
    target: str
    lacks: tuple[str, ...] = ()
    redacted: tuple[str, ...] = ()
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class Exported:
    """One instance of a bundle. `instance.waiting_for` is empty: that follows from the history.

    history  the committed events
    inbox    events that no turn has consumed; None where the target does not tell
    logs     what its code logged; None where the target keeps no logs
    line     of the bundle it was read from
    """

    instance: Instance
    history: tuple[Event, ...]
    inbox: tuple[Event, ...] | None = None
    logs: tuple[LogLine, ...] | None = None
    line: int = field(default=0, compare=False)

    @property
    def id(self) -> str:
        return self.instance.id

    @property
    def app_id(self) -> str | None:
        return self.instance.app_id


Exports = Generator[Exported, None, None]  # to be closed
