"""Watch instances: the one loop, and what it shows at a terminal. `change_lines` is what it shows elsewhere."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Protocol

from wfctl.cli.session import Session
from wfctl.cli.watching.interval import STALE, Pace, wait_frame
from wfctl.cli.watching.keyboard import QUIT, Keys, keys
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


class Display(Protocol):
    """Show what is watched: on a screen, or as a line for each change."""

    pace: Pace

    @property
    def over(self) -> bool:
        """Return True if nothing more can happen."""
        ...

    @property
    def left(self) -> bool:
        """Return True if the user has quit."""
        ...

    @property
    def outdated(self) -> bool:
        """Return True if it has to be shown again though nothing was asked: the clock went on, the screen resized."""
        ...

    def look(self) -> None:
        """Ask the target. Raises Unreachable."""
        ...

    def show(self, trouble: str) -> None:
        """Show what was found last. `trouble`: what is wrong with the target, if anything."""
        ...

    def heard(self) -> bool:
        """Take in what the user did in the meantime. Returns True if the target is to be asked because of it."""
        ...


class Scene(Protocol):
    """Draw what is watched on a screen."""

    @property
    def over(self) -> bool:
        """Return True if nothing more can happen."""
        ...

    def look(self, size: Size) -> None:
        """Ask the target for what a screen of this size shows, and for no more."""
        ...

    def draw(self, size: Size, *, hints: bool = True) -> RenderableType:
        """Return what is shown, as of now. Times go on by themselves, so this is called between two looks too.

        `hints`: with the keys that may be pressed; without, for what stays behind.
        """
        ...

    def turn(self, key: str) -> None:
        """Show the next page, the one before, or the first."""
        ...


def is_live(session: Session) -> bool:
    """Return True if a watch gets a screen: a table was asked for, at a terminal that can show one."""
    return session.format.text and can_move(session.environ, session.console.out_tty)


def check_stream(session: Session) -> None:
    """Refuse YAML, which is one document: a watch does not end. Raises InvalidInput."""
    if session.format is Format.YAML:
        raise InvalidInput("what is watched is printed as it comes, which YAML cannot be", hint="-o jsonl")


def watch(workflows: Workflows, display: Display, deadline: float | None = None) -> bool:
    """Look, show, wait for the next frame, as long as there is something to see.

    Returns True when nothing more can happen, False when the user quits or the time is over.
    """
    looked, changed, trouble = -math.inf, True, ""
    while True:
        now = time.monotonic()
        fresh = (changed or now - looked >= STALE) and display.pace.due()
        if fresh or display.outdated:
            with display.pace.look():
                if fresh:
                    trouble = _look(display, first=looked == -math.inf)
                    looked, changed = now, False
                display.show(trouble)
        if display.over:
            return True
        if display.left or (deadline is not None and now >= deadline):
            return False
        changed |= wait_frame(workflows)
        changed |= display.heard()


def _look(display: Display, *, first: bool) -> str:
    """Ask the target. Returns what is wrong with it: a sidecar that restarts comes back. Raises at the first look."""
    try:
        display.look()
    except Unreachable as error:
        if first:
            raise
        return f"{clean(error.message)}; trying again"
    return ""


def watch_live(session: Session, workflows: Workflows, scene: Scene, deadline: float | None = None) -> bool:
    """Watch on a screen; what stands there at the end stays behind. Returns as `watch` does."""
    console = session.console
    with keys(session.stdin) as pressed, Screen(console.out, color=console.out_color, keys=pressed) as screen:
        display = _OnScreen(screen, scene, pressed)
        try:
            return watch(workflows, display, deadline)
        finally:
            display.keep()


class _OnScreen:
    """Show a scene on a screen, again every second, and turn its pages."""

    def __init__(self, screen: Screen, scene: Scene, pressed: Keys) -> None:
        self._screen = screen
        self._scene = scene
        self._keys = pressed
        self._drawn = -1  # the second in which the screen was painted last
        self.pace = Pace(share=SHARE)
        self.left = False

    @property
    def over(self) -> bool:
        return self._scene.over

    @property
    def outdated(self) -> bool:
        return self._screen.resized or (int(time.monotonic()) != self._drawn and self.pace.due())

    def look(self) -> None:
        self._scene.look(self._screen.size)

    def show(self, trouble: str) -> None:
        frame, self._drawn = self._scene.draw(self._screen.size), int(time.monotonic())
        self._screen.paint(_below(trouble, frame) if trouble else frame)

    def heard(self) -> bool:
        key = self._keys.pressed()
        self.left = key == QUIT
        if key is None or self.left:
            return self._screen.resized
        self._scene.turn(key)
        self.pace = Pace(share=SHARE)
        return True

    def keep(self) -> None:
        if self._drawn >= 0:
            self._screen.keep(self._scene.draw(self._screen.size, hints=False))


def _below(trouble: str, frame: RenderableType) -> RenderableType:
    from rich.console import Group

    from wfctl.render.drawing import line

    return Group(line([Cell(trouble, RED)]), frame)
