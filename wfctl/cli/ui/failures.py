"""The tab of failures: the groups of `wfctl failures`, and the rerun of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from wfctl.cli.batch.options import Which
from wfctl.cli.batch.rerun import Rerun
from wfctl.cli.group_commands import rerun_command
from wfctl.cli.rerun_plan import Beginning
from wfctl.cli.ui.doing import Acting, Deed, rerun_deed
from wfctl.cli.ui.grid import Grid
from wfctl.cli.ui.query import typed_words
from wfctl.cli.ui.scans import READING, Scanned
from wfctl.client.port import Workflows
from wfctl.model.failure_groups import FailureGroup, grouped
from wfctl.model.instance import Filter
from wfctl.model.status import Status
from wfctl.render.drawing import line
from wfctl.render.table import Cell, Column
from wfctl.render.theme import HINT, LABEL
from wfctl.render.times import age
from wfctl.render.views.failure_groups import Shown, error, failures_view, labelled, summary, title

# Of the columns of the command; the line below the rows has the others.
COLUMNS = ("COUNT", "LAST", "WORKFLOW", "STEP", "ERROR")


class Failures(Scanned, Acting):
    LABEL = "Failures"
    DEFAULT_CSS = """
    Failures #summary { height: 1; }
    Failures #about { height: auto; max-height: 10; border-top: solid $foreground 30%; }
    """
    BINDINGS = [
        Binding("y", "copy_id", "Copy the ID of the example", show=False),
        Binding("r", "act('rerun')", "Rerun the group"),
        Binding("d", "act('purge')", "Purge the group", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="failures")
        self._total = 0

    def compose(self) -> ComposeResult:
        yield Static(id="summary")
        yield Grid[FailureGroup](self._columns, _key, empty=READING)
        yield Static(id="about")

    @property
    def grid(self) -> Grid[FailureGroup]:
        return self.query_one(Grid)

    def _columns(self) -> Sequence[Column[FailureGroup]]:
        shown = {column.title: column for column in failures_view(self.frame.now()).columns}

        def of(title: str) -> Column[FailureGroup]:
            column = shown[title]
            return Column(
                title,
                lambda group: column.cell(Shown(group, None)),
                right=column.right,
                shrink=title in ("WORKFLOW", "STEP", "ERROR"),
                spare={"STEP": 1, "LAST": 2}.get(title, 0),
            )

        return [of(title) for title in COLUMNS]

    async def scan(self) -> None:
        groups = await self.frame.links.scan.ask(_groups)
        self._total = sum(group.count for group in groups)
        self.grid.empty = "nothing has failed"
        self.grid.show(groups)

    def tick(self) -> None:
        grid = self.grid
        grid.redraw()
        words = summary(self._total, len(grid.rows))
        self.query_one("#summary", Static).update(line([words, Cell(f"  {self.state()}", HINT)]))
        group, about = grid.current, self.query_one("#about", Static)
        about.display = group is not None
        if group is not None:
            about.update(Text("\n").join(self._about(group)))

    def _about(self, group: FailureGroup) -> Iterator[Text]:
        """Yield lines about the group under the cursor."""
        now = self.frame.now()
        head = title(group)
        if group.last is not None and group.first is not None:
            head.append(f"  last {age(now - group.last)} ago, first {age(now - group.first)} ago", HINT)
        yield head
        yield error(group)
        for label, value in labelled(Shown(group, rerun_command(group, Filter()))):
            yield Text().append(label, LABEL).append(value)

    def on_grid_moved(self) -> None:
        self.tick()

    def command(self) -> Sequence[str]:
        return ["failures"]

    # --- doing ------------------------------------------------------------------------------------------------------

    def on_grid_opened(self, event: Grid.Opened) -> None:
        event.stop()
        group = self.grid.current
        if group is not None:
            values = {"status": ["failed"], "name": group.name, "step": group.step, "error": group.wanted}
            self.frame.show_instances(typed_words(values))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "act" and parameters[0] not in ("rerun", "purge"):
            return False
        return super().check_action(action, parameters)

    def chosen(self) -> Which | None:
        group = self.grid.current
        return None if group is None else Which((), group_filter(group))

    async def asked(self, verb: str, which: Which) -> Deed | None:
        """Rerun as the command of the group does, which asks for no step."""
        group = self.grid.current
        if group is None:
            return None
        if group.children == group.count:
            self.frame.say("these are children, which are rerun with their parents", wrong=True)
            return None
        if group.step is None:
            return rerun_deed(Rerun(Beginning()))
        return rerun_deed(Rerun(Beginning(name=group.step) if group.kind == "event" else Beginning(failed=True)))

    def action_copy_id(self) -> None:
        if self.grid.current is not None:
            self.frame.copy(self.grid.current.example)


def group_filter(group: FailureGroup) -> Filter:
    """Return the conditions that the command of the group has."""
    return Filter(statuses=frozenset({Status.FAILED}), name=group.name, step=group.step, error=group.wanted or None)


def _groups(target: Workflows) -> list[FailureGroup]:
    """Group in the thread that asks: of many failures that takes long, and keys are to be answered meanwhile."""
    return grouped(one for one in target.failures(Filter()) if not one.below)


def _key(group: FailureGroup) -> str:
    return "\0".join((group.name or "", group.step or "", *group.parts))
