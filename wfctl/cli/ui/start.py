"""Begin `wfctl ui`: the tabs that there are, on the target of a session."""

from __future__ import annotations

from collections.abc import Sequence

from wfctl.cli.session import Session
from wfctl.cli.ui.awaited import Events
from wfctl.cli.ui.failures import Failures
from wfctl.cli.ui.frame import Frame
from wfctl.cli.ui.instances import Instances
from wfctl.cli.ui.pane import Pane
from wfctl.cli.ui.workers import Workers


def panes() -> Sequence[Pane]:
    """Return the tabs, in their order."""
    return [Instances(), Failures(), Events(), Workers()]


def start(session: Session, *, read_only: bool, theme: str) -> Frame:
    """Return the whole screen, ready to run. Raises what the settings of the target raise."""
    return Frame(session, panes, read_only=read_only, theme=theme)
