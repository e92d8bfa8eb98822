"""Tabs whose content costs a target much: they ask less often, and say how old it is."""

from __future__ import annotations

import time

from wfctl.cli.ui.book import SCAN_SECONDS
from wfctl.cli.ui.pane import Pane

READING = "reading ..."  # where there are no rows yet


class Scanned(Pane):
    """A pane that reads many instances. A sidecar is asked at most every half minute, or by Ctrl-R."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._read_at: float | None = None
        self._costs: bool | None = None  # None: not known yet

    async def scan(self) -> None:
        """Ask the target, and take what it says. Raises WfctlError."""
        raise NotImplementedError

    async def costs(self) -> bool:
        """Return True if the target has to look at each of its instances. Raises WfctlError."""
        return not self.frame.session.target.local

    async def look(self) -> None:
        if self._costs is None:
            self._costs = await self.costs()
        fresh = self._read_at is not None and time.monotonic() - self._read_at < SCAN_SECONDS
        if not (self._costs and fresh):
            await self.scan()
            self._read_at = time.monotonic()
        if self.is_mounted:
            self.tick()

    def state(self) -> str:
        """Return how old it is, where that is more than a moment."""
        if self._read_at is None:
            return "reading"
        if not self._costs:
            return ""
        return f"all read {int(time.monotonic() - self._read_at)}s ago"

    def acted(self) -> None:
        """Read anew what has changed."""
        self._read_at = None
        self.look_soon()
