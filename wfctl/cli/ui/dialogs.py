"""Small windows before a board: the keys, a choice. Nothing in them is ever parsed as markup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from wfctl.render.text import clean
from wfctl.render.theme import HINT, NAME, TITLE

R = TypeVar("R")


class Dialog(ModalScreen[R]):
    """A window in the middle; Escape closes it without an answer."""

    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog > Vertical {
        width: auto; max-width: 90%; height: auto; max-height: 90%;
        border: round $foreground 50%; padding: 0 1; background: $background;
    }
    Dialog .buttons { height: 1; width: auto; margin-top: 1; }
    Dialog Button { margin-right: 2; }
    Dialog OptionList, Dialog OptionList:focus { height: auto; max-height: 12; border: none; padding: 0; }
    Dialog Input, Dialog Input:focus { border: none; height: 1; padding: 0; }
    Dialog TextArea, Dialog TextArea:focus { border: none; padding: 0; }
    Dialog Static { width: auto; max-width: 100%; }
    Dialog VerticalScroll { width: auto; height: auto; max-height: 100%; }
    """
    BINDINGS = [Binding("escape", "close", "Close")]

    def action_close(self) -> None:
        self.dismiss(None)


class Keys(Dialog[None]):
    """What keys do where one is."""

    BINDINGS = [Binding("q,question_mark,enter", "close", "Close", show=False)]

    def __init__(self, keys: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._keys = keys

    def compose(self) -> ComposeResult:
        wide = max((len(key) for key, _ in self._keys), default=0)
        text = Text("Keys here\n", TITLE)
        for key, does in self._keys:
            text.append(f"{key:>{wide}}", NAME).append(f"  {does}\n")
        text.append("Escape closes this", HINT)
        with Vertical(), VerticalScroll():
            yield Static(text)


class Choice(Dialog[str]):
    """One of several names, each with what it is; `other` is said where one may be typed instead."""

    DEFAULT_CSS = """
    Choice OptionList { width: 70; max-width: 100%; }
    Choice Input { width: 70; max-width: 100%; }
    """

    def __init__(self, question: str, names: Sequence[tuple[str, str]], *, other: str = "") -> None:
        super().__init__()
        self._question = question
        self._names = names
        self._other = other

    def compose(self) -> ComposeResult:
        wide = max((len(name) for name, _ in self._names), default=0)
        with Vertical():
            yield Static(Text(self._question, NAME))
            yield OptionList(
                *(Option(Text(f"{clean(name):<{wide}}  ").append(clean(what), HINT)) for name, what in self._names)
            )
            if self._other:
                yield Input(placeholder=self._other)

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._names[event.option_index][0])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.dismiss(event.value.strip())
