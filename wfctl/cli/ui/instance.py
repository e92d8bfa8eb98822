"""The page of one instance: how it stands and why, its steps, its history, its children, its payloads, its logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from wfctl.cli.batch.options import Which
from wfctl.cli.descendants import descendants
from wfctl.cli.ui.doing import Acting
from wfctl.cli.ui.frame import Page
from wfctl.cli.ui.grid import Grid
from wfctl.cli.ui.json_view import Searched, beginning
from wfctl.cli.ui.pane import Pane
from wfctl.cli.ui.step import EventPane, StepPane, log_text
from wfctl.cli.ui.tabs import Tabs
from wfctl.errors import Unsupported
from wfctl.model.events import Event
from wfctl.model.instance import Instance
from wfctl.model.steps import Step, steps_of
from wfctl.render.drawing import line, page
from wfctl.render.table import Cell, Column
from wfctl.render.text import clean
from wfctl.render.theme import HINT, NAME
from wfctl.render.views.history import event_view
from wfctl.render.views.instances import instance_view, status_cell
from wfctl.render.views.steps import step_view
from wfctl.render.views.timeline import Bar, Timeline, timeline_of, timeline_view
from wfctl.render.views.tree import Node, tree_view

SECTIONS = ("Overview", "Timeline", "Steps", "History", "Tree", "Input", "Output", "Logs")
OVERVIEW, TIMELINE, STEPS, HISTORY, TREE, INPUT, OUTPUT, LOGS = range(len(SECTIONS))
MOST_NODES = 1_000  # of a tree
MOST_LOGS = 1_000


def open_instance(pane: Pane, instance_id: str) -> None:
    """Go to the page of an instance; Backspace leads back."""
    pane.app.push_screen(Page(InstancePane(instance_id)))


class InstancePane(Acting):
    LABEL = "Instance"
    DEFAULT_CSS = """
    InstancePane Static { width: 100%; height: auto; }
    InstancePane #who { height: 1; text-wrap: nowrap; }
    InstancePane VerticalScroll { height: 1fr; }
    """
    BINDINGS = [
        *(Binding(str(at + 1), f"section({at})", name, show=False) for at, name in enumerate(SECTIONS)),
        Binding("right_square_bracket,ctrl+right,tab", "turn(1)", "Next section", key_display="]", show=False),
        Binding("left_square_bracket,ctrl+left,shift+tab", "turn(-1)", "Section before", key_display="[", show=False),
        Binding("w", "wide", "All of a traceback", show=False),
        Binding("P", "parent", "Go to the parent", show=False),
        Binding("y", "copy_id", "Copy the ID", show=False),
    ]

    def __init__(self, instance_id: str) -> None:
        super().__init__()
        self.instance_id = instance_id
        self.section = OVERVIEW
        self.wide = False
        self._instance: Instance | None = None
        self._history: Sequence[Event] = ()
        self._steps_now: Sequence[Step] = ()
        self._no_history = ""
        self._read: tuple[object, object] | None = None
        self._timeline: Timeline | None = None
        self._family: list[Node] = []

    def compose(self) -> ComposeResult:
        yield Static(id="who")
        yield Tabs(SECTIONS)
        with ContentSwitcher(initial="section-0"):
            yield self._made(OVERVIEW)

    def _made(self, section: int) -> Widget:
        """Return the widget of a section. Each is made when it is first looked at: a page is there at once."""
        name = f"section-{section}"
        if section in (OVERVIEW, LOGS):
            return VerticalScroll(Static(id="overview" if section == OVERVIEW else "logs"), id=name)
        if section in (INPUT, OUTPUT):
            return Searched(empty="it has no input" if section == INPUT else "it has no output", id=name)
        if section == TIMELINE:
            return Grid[Bar](self._bars, lambda bar: f"{bar.instance_id} {bar.step.event_id} {bar.step.name}", id=name)
        if section == STEPS:
            return Grid[Step](self._steps, lambda step: f"{step.event_id} {step.name}", id=name)
        if section == HISTORY:
            return Grid[Event](lambda: event_view().columns, lambda event: str(id(event)), id=name)
        return Grid[Node](self._tree, lambda node: node.instance.id, id=name)

    def on_mount(self) -> None:
        self.query_one(Tabs).mark(self.section)

    def enter(self) -> None:
        shown = self.query_one(f"#section-{self.section}")
        (shown.json if isinstance(shown, Searched) else shown).focus()

    def command(self) -> Sequence[str]:
        words = {
            OVERVIEW: ["get"],
            TIMELINE: ["steps", "--timeline"],
            STEPS: ["steps"],
            HISTORY: ["history"],
            TREE: ["tree"],
            INPUT: ["get", "-o", "json"],
            OUTPUT: ["get", "-o", "json"],
            LOGS: ["logs"],
        }
        first, *options = words[self.section]
        return [first, self.instance_id, *options]

    def chosen(self) -> Which:
        return Which((self.instance_id,), None)

    # --- looking ----------------------------------------------------------------------------------------------------

    async def look(self) -> None:
        ask = self.frame.links.look.ask
        one = await ask(lambda target: target.get(self.instance_id))
        read = (one.updated_at, one.status)
        if read != self._read or one.updated_at is None:
            try:
                self._history, self._no_history = await ask(lambda target: target.history(self.instance_id)), ""
            except Unsupported as error:
                self._history, self._no_history = (), clean(error.message)
            self._steps_now = steps_of(self._history)
        self._read, self._instance = read, one
        if self.section == TREE:
            self._family = await ask(lambda t: [*islice(descendants(t, one, payloads=False), MOST_NODES)])
        if self.section == LOGS:
            await self._look_at_logs()
        self._draw()

    async def _look_at_logs(self) -> None:
        shown = self.query_one("#logs", Static)
        try:
            found = await self.frame.links.look.ask(lambda target: target.logs(self.instance_id, limit=MOST_LOGS))
        except Unsupported as error:
            shown.update(Text(clean(error.message), HINT))
        else:
            shown.update(log_text(found) if found else Text("it has logged nothing", HINT))

    def _draw(self) -> None:
        """Draw the section that is shown, as of now."""
        one, section = self._instance, self.section
        if one is None:
            return
        self.query_one("#who", Static).update(line(_head(one)))
        if section == OVERVIEW:
            block = instance_view(self.frame.now()).block
            assert block is not None
            self.query_one("#overview", Static).update(page(block(_slim(one), self.wide)))
        elif section == TIMELINE:
            self._timeline = timeline_of(one, self._history, self.frame.now())
            self._show(self._timeline.bars)
        elif section == STEPS:
            self._show(self._steps_now)
        elif section == HISTORY:
            self._show(self._history)
        elif section == TREE:
            self._show(self._family)
        elif section in (INPUT, OUTPUT):
            self.query_one(f"#section-{section}", Searched).json.show(one.input if section == INPUT else one.output)

    def _show(self, rows: Sequence[Any]) -> None:
        grid = self._grid(self.section)
        assert self._instance is not None
        grid.empty = self._no_history or ("it has no steps" if self._instance.status.terminal else "nothing yet")
        grid.show(rows)

    def tick(self) -> None:
        if self._instance is not None and not self._instance.status.terminal:
            self._draw()

    def _grid(self, section: int) -> Grid[Any]:
        return self.query_one(f"#section-{section}", Grid)

    def _bars(self) -> Sequence[Column[Bar]]:
        if self._timeline is None:
            return []
        return timeline_view(self._timeline, max(self.size.width - 2, 40)).columns

    def _steps(self) -> Sequence[Column[Step]]:
        begun = min((step.scheduled_at for step in self._steps_now), default=None)
        return step_view(self.frame.now(), begun, apps=any(step.app_id for step in self._steps_now)).columns

    def _tree(self) -> Sequence[Column[Node]]:
        return tree_view(self.frame.now(), apps=any(node.instance.app_id for node in self._family)).columns

    # --- keys -------------------------------------------------------------------------------------------------------

    async def on_tabs_chosen(self, event: Tabs.Chosen) -> None:
        event.stop()
        await self.action_section(event.number - 1)

    async def action_section(self, section: int) -> None:
        sections = self.query_one(ContentSwitcher)
        if not sections.query(f"#section-{section}"):
            await sections.mount(self._made(section))
        self.section = section
        sections.current = f"section-{section}"
        self.query_one(Tabs).mark(section)
        self._draw()
        self.enter()
        self.look_soon()

    async def action_turn(self, by: int) -> None:
        await self.action_section((self.section + by) % len(SECTIONS))

    def action_wide(self) -> None:
        self.wide = not self.wide
        self._draw()

    def action_parent(self) -> None:
        parent = None if self._instance is None else self._instance.parent_id
        if parent is None:
            self.frame.say("it has no parent, as far as the target tells")
        else:
            open_instance(self, parent)

    def action_copy_id(self) -> None:
        self.frame.copy(self.instance_id)

    def on_grid_opened(self, event: Grid.Opened) -> None:
        event.stop()
        row = event.grid.current
        if isinstance(row, Node):
            if row.instance.id != self.instance_id:
                open_instance(self, row.instance.id)
        elif isinstance(row, Bar):
            self.app.push_screen(Page(StepPane(row.instance_id, row.step)))
        elif isinstance(row, Step):
            self.app.push_screen(Page(StepPane(self.instance_id, row)))
        elif row is not None:
            self.app.push_screen(Page(EventPane(self.instance_id, row)))


def _slim(one: Instance) -> Instance:
    """Return an instance with the beginning of what is too long for its overview."""
    return replace(
        one,
        input=None if one.input is None else beginning(one.input, "6"),
        output=None if one.output is None else beginning(one.output, "7"),
    )


def _head(one: Instance) -> Iterator[Cell | str]:
    yield Cell(clean(one.id), NAME)
    yield f"  {clean(one.name or '')}  "
    yield status_cell(one.status)
