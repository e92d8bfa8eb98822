"""The tab of instances."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult

from wfctl.cli.ui.grid import Grid
from wfctl.cli.ui.pane import Pane
from wfctl.model.instance import Filter, Instance
from wfctl.render.table import Column
from wfctl.render.views.instances import instance_view


class Instances(Pane):
    LABEL = "Instances"

    def __init__(self) -> None:
        super().__init__(id="instances")
        self.filter = Filter()

    def compose(self) -> ComposeResult:
        yield Grid[Instance](self._columns, lambda one: one.id, empty="no instances")

    @property
    def grid(self) -> Grid[Instance]:
        return self.query_one(Grid)

    def _columns(self) -> Sequence[Column[Instance]]:
        return instance_view(self.frame.now()).columns

    async def look(self) -> None:
        wanted = Filter(limit=self.grid.height_of_rows)
        found = await self.frame.links.look.ask(lambda target: list(target.list(wanted, payloads=False)))
        self.grid.show(found)

    def tick(self) -> None:
        self.grid.redraw()

    def command(self) -> Sequence[str]:
        return ["list"]
