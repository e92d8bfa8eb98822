"""The tab of events: who waits for which, what has arrived unread; and an event for one of them, or for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from wfctl.cli.batch.options import Which
from wfctl.cli.ui.doing import Acting, Deed, raise_deed
from wfctl.cli.ui.forms import EventForm
from wfctl.cli.ui.grid import Grid
from wfctl.cli.ui.instance import open_instance
from wfctl.cli.ui.scans import READING, Scanned
from wfctl.client.port import Workflows
from wfctl.model.awaited import AwaitedEvent, EventGroup, EventState
from wfctl.model.instance import Filter
from wfctl.render.drawing import line
from wfctl.render.table import Cell, Column
from wfctl.render.text import clean, plural
from wfctl.render.theme import HINT, NAME, WAITS
from wfctl.render.views.awaited import NONE, ShownGroup, events_view, groups_view

MOST = 500  # waits that are shown one by one, the oldest: the groups count them all


@dataclass(frozen=True, slots=True)
class Row:
    """A group, or one of its waits and events. Exactly one is there."""

    group: EventGroup | None = None
    one: AwaitedEvent | None = None


class Events(Scanned, Acting):
    """Groups first; Enter shows the waits and events of one, and Escape the groups again."""

    LABEL = "Events"
    DEFAULT_CSS = "Events Static { height: 1; }"
    BINDINGS = [
        Binding("e", "act('raise')", "Raise event"),
        Binding("space", "select", "Select", show=False),
        Binding("escape,backspace", "back", "All events", show=False),
        Binding("y", "copy_id", "Copy the ID", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="events")
        self.group: EventGroup | None = None  # whose waits are shown
        self._groups: list[EventGroup] = []

    def compose(self) -> ComposeResult:
        yield Static(id="summary")
        yield Grid[Row](self._columns, _key, empty=READING)

    @property
    def grid(self) -> Grid[Row]:
        return self.query_one(Grid)

    def _columns(self) -> Sequence[Column[Row]]:
        now = self.frame.now()
        if self.group is None:
            return [_of_group(column) for column in groups_view(now, by_name=True).columns]
        return [_of_event(column) for column in events_view(now).columns]

    async def costs(self) -> bool:
        """A `wfctl serve` answers by its indexes: it is what tells its workers one by one."""
        if self.frame.session.target.local:
            return False
        apps = await self.frame.links.scan.ask(lambda target: target.workers())
        return all(app.workers is None for app in apps)

    async def scan(self) -> None:
        group = self.group
        self._groups = list(await self.frame.links.scan.ask(lambda target: target.event_groups(Filter())))
        if group is None:
            rows = [Row(group=each) for each in self._groups]
        else:
            found = await self.frame.links.scan.ask(partial(_events, group))
            rows = [Row(one=each) for each in found]
        if group is self.group:
            self.grid.empty = NONE
            self.grid.show(rows)

    def tick(self) -> None:
        self.grid.redraw()
        waits, unread = sum(each.waiting + each.received for each in self._groups), sum(g.unread for g in self._groups)
        parts: list[Cell | str] = [plural(waits, "wait"), ", "]
        parts.append(Cell(plural(unread, "unread event"), WAITS if unread else ""))
        if self.group is not None:
            name = f" of {clean(self.group.name)}" if self.group.name else ""
            parts += ["  ", Cell(clean(self.group.event), NAME), name, Cell("  Escape: all events", HINT)]
            if len(self.grid.rows) == MOST:
                parts.append(Cell(f"  the oldest {MOST}", HINT))
        if selected := len(self.grid.selected):
            parts += ["  ", Cell(f"{selected:,} selected", NAME)]
        parts.append(Cell(f"  {self.state()}", HINT))
        self.query_one("#summary", Static).update(line(parts))

    def command(self) -> Sequence[str]:
        if self.group is None:
            return ["waiting", "--by", "event,name"]
        name = [] if self.group.name is None else ["--name", self.group.name]
        return ["waiting", *name, *(["--waiting-event", self.group.event] if _waits(self.group) else [])]

    # --- moving -----------------------------------------------------------------------------------------------------

    def on_grid_opened(self, event: Grid.Opened) -> None:
        event.stop()
        row = self.grid.current
        if row is not None and row.group is not None:
            self._show(row.group)
        elif row is not None and row.one is not None:
            open_instance(self, row.one.id)

    def action_back(self) -> None:
        if self.grid.selected:
            self.grid.selected.clear()
            self.tick()
        elif self.group is not None:
            self._show(None)

    def _show(self, group: EventGroup | None) -> None:
        before, self.group = self.group, group
        grid = self.grid
        grid.selected.clear()
        grid.cursor = 0
        grid.show([Row(group=each) for each in self._groups] if group is None else [], follow=False)
        if before is not None and group is None:
            keys = [_key(Row(group=each)) for each in self._groups]
            grid.go(keys.index(_key(Row(group=before))) if _key(Row(group=before)) in keys else 0)
        self.acted()

    # --- doing ------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "act" and parameters[0] in ("rerun", "purge"):  # what lives is neither rerun nor purged
            return False
        return super().check_action(action, parameters)

    def action_select(self) -> None:
        row = self.grid.current
        if row is not None and row.one is not None:
            self.grid.selected ^= {_key(row)}
            self.grid.action_move(1)
            self.tick()

    def chosen(self) -> Which | None:
        grid = self.grid
        if grid.selected:
            ids = [row.one.id for row in grid.rows if row.one is not None and _key(row) in grid.selected]
            return Which(tuple(dict.fromkeys(ids)), None)
        row = grid.current
        if row is None:
            return None
        if row.one is not None:
            return Which((row.one.id,), None)
        assert row.group is not None
        if not _waits(row.group):
            return Which((row.group.example or "",), None) if row.group.count == 1 else None
        return Which((), Filter(name=row.group.name, waiting_event=row.group.event))

    async def asked(self, verb: str, which: Which) -> Deed | None:
        row = self.grid.current
        event = ""
        if row is not None and row.group is not None and _waits(row.group):
            event = row.group.event
        elif row is not None and row.one is not None and row.one.state is not EventState.UNREAD:
            event = row.one.event
        given = await self.frame.push_screen_wait(EventForm(which, self.frame.links, event=event))
        return None if given is None else raise_deed(*given)

    def action_copy_id(self) -> None:
        row = self.grid.current
        if row is not None:
            self.frame.copy(row.one.id if row.one is not None else (row.group and row.group.example) or "")


def _waits(group: EventGroup) -> bool:
    return bool(group.waiting or group.received)


def _events(group: EventGroup, target: Workflows) -> list[AwaitedEvent]:
    """Return what is in a group: by the event where somebody waits for it, else by the workflow."""
    wanted = Filter(name=group.name, waiting_event=group.event if _waits(group) else None, limit=MOST)
    return [one for one in target.events(wanted) if one.event.casefold() == group.event.casefold()]


def _key(row: Row) -> str:
    if row.group is not None:
        return f"{row.group.event.casefold()}\0{row.group.name or ''}"
    assert row.one is not None
    return f"{row.one.id}\0{row.one.event}\0{row.one.state.value}\0{row.one.at}"


def _of_group(column: Column[ShownGroup]) -> Column[Row]:
    def cell(row: Row) -> Cell | str:
        return "" if row.group is None else column.cell(ShownGroup(row.group, None))

    return _as(column, cell)


def _of_event(column: Column[AwaitedEvent]) -> Column[Row]:
    return _as(column, lambda row: "" if row.one is None else column.cell(row.one))


def _as(column: Column[object] | Column[ShownGroup] | Column[AwaitedEvent], cell: object) -> Column[Row]:
    return Column(
        column.title,
        cell,  # type: ignore[arg-type]
        wide=column.wide,
        shrink=column.shrink,
        right=column.right,
        spare=column.spare,
    )
