"""The tab of workers: who executes, what each holds, and what waits for one."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from wfctl.cli.ui.grid import Grid
from wfctl.cli.ui.instance import open_instance
from wfctl.cli.ui.pane import Pane
from wfctl.cli.ui.query import typed_words
from wfctl.model.workers import WORKFLOW, AppWorkers, Held
from wfctl.render.drawing import line
from wfctl.render.table import Cell, Column
from wfctl.render.text import clean, plural
from wfctl.render.theme import HINT, NAME, WAITS
from wfctl.render.times import age
from wfctl.render.views.workers import Row, advice, rows, rows_view


class Workers(Pane):
    LABEL = "Workers"
    DEFAULT_CSS = """
    Workers Static { height: auto; }
    Workers #holds { border-top: solid $foreground 30%; }
    """
    BINDINGS = [
        Binding("y", "copy_id", "Copy the ID", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="workers")
        self._apps: Sequence[AppWorkers] = ()

    def compose(self) -> ComposeResult:
        yield Static(id="summary")
        yield Grid[Row](self._columns, _key, empty="no worker, and nothing that waits for one", id="who")
        yield Grid[Held](self._held_columns, _held_key, id="holds")

    @property
    def who(self) -> Grid[Row]:
        return self.query_one("#who", Grid)

    @property
    def holds(self) -> Grid[Held]:
        return self.query_one("#holds", Grid)

    def _columns(self) -> Sequence[Column[Row]]:
        workers = [worker for app in self._apps for worker in app.workers or ()]
        idle = {"OLDEST"}  # what the grid below has, and what has nothing to say here
        if not any(app.app_id for app in self._apps):
            idle.add("APP")
        if all(worker.address is None for worker in workers):
            idle.add("FROM")
        if all(worker.pid is None for worker in workers):
            idle.add("PID")
        return [one for one in rows_view(self.frame.now()).columns if one.title not in idle]

    def _held_columns(self) -> Sequence[Column[Held]]:
        now = self.frame.now()
        return [
            Column("HOLDS", lambda one: Cell(clean(one.name), NAME), shrink=True),
            Column("KIND", lambda one: one.kind),
            Column("FOR", lambda one: Cell(age(now - one.since), HINT)),
            Column("ID", lambda one: clean(one.instance_id), shrink=True),
        ]

    async def look(self) -> None:
        self._apps = await self.frame.links.look.ask(lambda target: target.workers())
        if self.is_mounted:
            self.who.show(rows(self._apps))
            self._show_held()
            self.tick()

    def _show_held(self) -> None:
        row = self.who.current
        held = () if row is None or row.worker is None else row.worker.holds
        self.holds.display = bool(held)
        self.holds.show(held)

    def tick(self) -> None:
        self.who.redraw()
        self.holds.redraw()
        waiting = sum(queued.count for app in self._apps for queued in app.backlog or ())
        connected = sum(app.connected or 0 for app in self._apps)
        parts: list[Cell | str] = [Cell(plural(connected, "worker"), "" if connected else WAITS)]
        if any(app.backlog is not None for app in self._apps):
            parts += [", ", Cell(f"{waiting:,} waiting for one", WAITS if waiting else "")]
        said = dict.fromkeys(advice(self.frame.session.target.local, self._apps))
        about = [line(parts), *(line([Cell(words, HINT)]) for words in said)]
        self.query_one("#summary", Static).update(Text("\n").join(about))

    def command(self) -> Sequence[str]:
        return ["workers"]

    def on_grid_moved(self, event: Grid.Moved) -> None:
        event.stop()
        if event.grid is self.who:
            self._show_held()

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """Show the instance of what is held, or those that a kind of waiting work is of."""
        event.stop()
        row, held = self.who.current, self.holds.current
        if event.grid is self.holds:
            if held is not None:
                open_instance(self, held.instance_id)
        elif row is not None and row.queued is not None and row.queued.name is not None:
            key = "name" if row.queued.kind == WORKFLOW else "step"
            self.frame.show_instances(typed_words({"status": ["running", "pending"], key: row.queued.name}))
        elif self.holds.display:
            self.holds.focus()

    def action_copy_id(self) -> None:
        held = self.holds.current
        if held is not None and self.holds.display:
            self.frame.copy(held.instance_id)


def _held_key(one: Held) -> str:
    return f"{one.kind}\0{one.instance_id}\0{one.name}\0{one.since}"


def _key(row: Row) -> str:
    worker, queued = row.worker, row.queued
    who = f"{worker.name}\0{worker.address}\0{worker.pid}" if worker is not None else ""
    what = f"{queued.kind}\0{queued.name}" if queued is not None else ""
    return f"{row.app.app_id}\0{who}\0{what}"
