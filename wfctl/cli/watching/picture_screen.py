"""A screen that shows one picture of a target, again and again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from wfctl.render.live import Size
from wfctl.render.printer import View
from wfctl.render.theme import HINT

if TYPE_CHECKING:
    from rich.console import RenderableType

T = TypeVar("T")


class Picture(Generic[T]):
    """`ask` asks the target; `view` makes the view of what it returned, as of now."""

    over = False

    def __init__(self, ask: Callable[[], Sequence[T]], view: Callable[[], View[T]]) -> None:
        self._ask = ask
        self._view = view
        self._found: Sequence[T] = ()

    def look(self, size: Size) -> None:
        self._found = self._ask()

    def draw(self, size: Size, *, hints: bool = True) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        picture = self._view().picture
        assert picture is not None
        drawn = picture(self._found, size.columns)
        return Group(drawn, "", Text("q quit", HINT)) if hints else drawn

    def turn(self, key: str) -> None:
        pass
