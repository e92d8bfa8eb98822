"""What a verb needs to know: which event with which data, and from which step to run again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeGuard

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from wfctl.cli.batch.options import Which
from wfctl.cli.batch.rerun import Rerun
from wfctl.cli.parsing.instance_id import check_name
from wfctl.cli.parsing.json_input import BadJson, checked_json
from wfctl.cli.rerun_plan import Beginning, plan
from wfctl.cli.ui.dialogs import Choice, Dialog
from wfctl.cli.ui.grid import Grid
from wfctl.cli.ui.link import Links
from wfctl.client.port import Workflows
from wfctl.errors import InvalidInput, WfctlError
from wfctl.model.events import Event
from wfctl.model.instance import Instance
from wfctl.model.steps import failed_step
from wfctl.render.drawing import line
from wfctl.render.table import Cell, Column
from wfctl.render.text import clean, plural
from wfctl.render.theme import BOLD, DIM, HINT, NAME, RED
from wfctl.render.views.timeline import Bar, Timeline, timeline_of, timeline_view
from wfctl.render.views.waiting import utc_now

MOST_ASKED = 50  # instances whose waits are looked at, for the names of events


class EventForm(Dialog[tuple[str, "str | None"]]):
    """The event: one that they wait for, or any name; and its data as JSON, checked at each key."""

    DEFAULT_CSS = """
    EventForm > Vertical { width: 72; }
    EventForm TextArea { height: 6; }
    """
    BINDINGS = [Binding("ctrl+s,f2", "raise", "Raise", priority=True)]

    def __init__(self, which: Which, links: Links, *, event: str = "") -> None:
        super().__init__()
        self._which = which
        self._links = links
        self._event = event if _can_be_typed(event) else ""
        self._names: list[str] = []

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(Text("Raise an event", NAME))
            yield OptionList()
            yield Static(Text("Event", HINT))
            yield Input(self._event, placeholder="name", compact=True)
            yield Static(Text("Data as JSON; empty for none", HINT))
            yield TextArea(show_line_numbers=False, compact=True)
            yield Static(id="wrong")
            with Horizontal(classes="buttons"):
                yield Button("Raise (Ctrl-S)", id="raise", compact=True)
                yield Button("Cancel (Esc)", id="cancel", compact=True)

    async def on_mount(self) -> None:
        options = self.query_one(OptionList)
        options.display = False
        self.query_one(Input).focus()
        try:
            waits = await self._links.look.ask(self._waits)
        except WfctlError:
            return  # the form does without
        self._names = list(waits)
        for name, number in waits.most_common():
            who = "waited for" if number == 1 else f"{plural(number, 'instance')} wait for it"
            options.add_option(Option(Text(clean(name), NAME).append(f"  {who}", HINT)))
        options.display = bool(waits)
        if waits and not self.query_one(Input).value:
            self.query_one(Input).value = self._names[0]
        if waits:
            self.set_focus(options)

    def _waits(self, target: Workflows) -> Counter[str]:
        found: Counter[str] = Counter()
        if self._which.filter is not None:
            first = replace(self._which.filter, limit=MOST_ASKED)
            instances = [*target.list(first, payloads=False)]
        else:
            instances = [target.get(one) for one in self._which.words[:MOST_ASKED]]
        for one in instances:
            found.update({wait.name for wait in one.waiting_for if wait.kind == "event" and _can_be_typed(wait.name)})
        return found

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self.query_one(Input).value = self._names[event.option_index]

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.query_one(TextArea).focus()

    def on_input_submitted(self) -> None:
        self.query_one(TextArea).focus()

    def on_text_area_changed(self) -> None:
        self._check()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "raise":
            self.action_raise()
        else:
            self.action_close()

    def _check(self) -> str | None:
        """Return what is wrong with the data, and say it; None where it can be sent."""
        text = self.query_one(TextArea).text
        wrong: str | None = None
        if text.strip():
            try:
                checked_json(text, "the data")
            except InvalidInput as error:
                wrong = error.message + (f"\n{error.detail}" if isinstance(error, BadJson) and error.detail else "")
        self.query_one("#wrong", Static).update(Text(wrong or "", RED))
        return wrong

    def action_raise(self) -> None:
        try:
            name = check_name(self.query_one(Input).value, "event's name")
        except InvalidInput as error:
            self.query_one("#wrong", Static).update(Text(clean(error.message), RED))
            return
        if self._check() is None:
            text = self.query_one(TextArea).text
            self.dismiss((name, text if text.strip() else None))


def _can_be_typed(name: str | None) -> TypeGuard[str]:
    """Return False for a name that no command takes, and that may not stand in a field: it could drive the terminal."""
    return name is not None and clean(name) == name


class RerunForm(Dialog[Rerun]):
    """Choose the step on the timeline: what is before it keeps its result, the rest runs again."""

    DEFAULT_CSS = """
    RerunForm > Vertical { width: 90%; }
    RerunForm Grid { height: auto; min-height: 4; max-height: 16; }
    """

    def __init__(self, instance_id: str, links: Links) -> None:
        super().__init__()
        self._instance_id = instance_id
        self._links = links
        self._timeline: Timeline | None = None
        self._history: Sequence[Event] = ()
        self._again: set[int] = set()

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(line([Cell(f"Rerun {clean(self._instance_id)} from which step?", NAME)]))
            yield Grid[Bar](self._columns, lambda bar: str(bar.step.event_id), empty="its steps are not known yet")
            yield Static(Text("Enter chooses the step; Escape leaves it", HINT))

    async def on_mount(self) -> None:
        grid: Grid[Bar] = self.query_one(Grid)
        grid.focus()
        try:
            instance, self._history = await self._links.look.ask(self._read)
        except WfctlError as error:
            grid.empty = clean(error.message)
            grid.redraw()
            return
        self._timeline = timeline_of(instance, self._history, utc_now())
        bars = [bar for bar in self._timeline.bars if bar.step.event_id >= 0]
        grid.empty = "it has no step to run again from"
        grid.styles.height = min(max(len(bars), 1), 15) + 1
        grid.show(bars)
        failed = failed_step([bar.step for bar in bars])
        grid.go(next((index for index, bar in enumerate(bars) if bar.step == failed), 0))
        self._plan()

    def _read(self, target: Workflows) -> tuple[Instance, Sequence[Event]]:
        return target.get(self._instance_id, payloads=False), target.history(self._instance_id)

    def _columns(self) -> Sequence[Column[Bar]]:
        if self._timeline is None:
            return []
        shown = timeline_view(self._timeline, max(self.query_one(Grid).size.width - 10, 20)).columns
        return [*shown, Column("PLAN", self._word)]

    def _word(self, bar: Bar) -> Cell:
        return Cell("again", BOLD) if bar.step.event_id in self._again else Cell("kept", DIM)

    def on_grid_moved(self, event: Grid.Moved) -> None:
        event.stop()
        self._plan()

    def _plan(self) -> None:
        bar = self.query_one(Grid).current
        if bar is not None:
            self._again = {one.step.event_id for one in plan(self._history, bar.step) if one.again}
            self.query_one(Grid).redraw()

    def on_grid_opened(self, event: Grid.Opened) -> None:
        event.stop()
        bar = self.query_one(Grid).current
        if bar is not None:
            self.dismiss(Rerun(Beginning(event_id=str(bar.step.event_id))))


FAILED, FIRST = "the step that failed", "the first step"


def rerun_of_several() -> Choice:
    """Return the question from which step each of several instances is to run again."""
    names = [(FAILED, "each from its own"), (FIRST, "each from its beginning")]
    return Choice("Rerun them from which step?", names, other="or the step with this name")


def beginning(choice: str) -> Beginning:
    """Return what was chosen there."""
    if choice == FAILED:
        return Beginning(failed=True)
    return Beginning() if choice == FIRST else Beginning(name=choice)
