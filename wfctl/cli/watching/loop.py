"""The loop behind everything that is watched at a terminal: look, draw, wait for the next frame."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from wfctl.cli.session import Session
from wfctl.cli.watching.interval import STALE, Pace, wait_frame
from wfctl.cli.watching.keyboard import QUIT, keys
from wfctl.client.port import Workflows
from wfctl.errors import InvalidInput, Unreachable
from wfctl.render.live import Screen, Size, can_move
from wfctl.render.printer import Format
from wfctl.render.table import Cell
from wfctl.render.text import clean
from wfctl.render.theme import RED

if TYPE_CHECKING:
    from rich.console import RenderableType

SHARE = 0.04  # of the time may go into looks and frames


class Scene(Protocol):
    """What is watched."""

    @property
    def over(self) -> bool:
        """Whether nothing more can happen."""
        ...

    def look(self, size: Size) -> None:
        """Ask the target for what a screen of this size shows, and for no more."""
        ...

    def draw(self, size: Size, *, hints: bool = True) -> RenderableType:
        """What is shown, as of now. Times go on by themselves, so this is called between two looks too.

        `hints`: with the keys that may be pressed; without, for what stays behind."""
        ...

    def turn(self, key: str) -> None:
        """Show the next page, the one before, or the first."""
        ...


def is_live(session: Session) -> bool:
    """Whether a watch gets a screen: a table was wanted, at a terminal that can show one."""
    return session.format.text and can_move(session.environ, session.console.out_tty)


def check_stream(session: Session) -> None:
    """A watch never ends, so it cannot be one document."""
    if session.format is Format.YAML:
        raise InvalidInput("what is watched is printed as it comes, which YAML cannot be", hint="-o jsonl")


def watch_live(session: Session, workflows: Workflows, scene: Scene, deadline: float | None = None) -> bool:
    """Until it is over (true), the user quits, or the time is over."""
    console = session.console
    with keys(session.stdin) as pressed, Screen(console.out, color=console.out_color, keys=pressed) as screen:
        pace, drawn, looked, changed, trouble = Pace(share=SHARE), -1, 0.0, True, ""
        try:
            while True:
                now = time.monotonic()
                fresh = (changed or now - looked >= STALE) and pace.due()
                if fresh or screen.resized or (int(now) != drawn and pace.due()):
                    with pace.look():
                        if fresh:
                            trouble = _look(scene, screen.size, first=drawn < 0)
                            looked, changed = now, False
                        frame, drawn = scene.draw(screen.size), int(now)
                        screen.paint(_below(trouble, frame) if trouble else frame)
                if scene.over:
                    return True
                if deadline is not None and now >= deadline:
                    return False
                changed |= wait_frame(workflows) or screen.resized
                key = pressed.pressed()
                if key == QUIT:
                    return False
                if key is not None:
                    scene.turn(key)
                    pace, changed = Pace(share=SHARE), True
        finally:
            if drawn >= 0:
                screen.keep(scene.draw(screen.size, hints=False))


def _look(scene: Scene, size: Size, *, first: bool) -> str:
    """Ask the target. Returns what is wrong with it: a sidecar that restarts comes back. Raises at the first look."""
    try:
        scene.look(size)
    except Unreachable as error:
        if first:
            raise
        return f"{clean(error.message)}; trying again"
    return ""


def _below(trouble: str, frame: RenderableType) -> RenderableType:
    from rich.console import Group

    from wfctl.render.drawing import line

    return Group(line([Cell(trouble, RED)]), frame)
