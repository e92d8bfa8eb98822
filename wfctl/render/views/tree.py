"""An instance and its descendants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from wfctl.model.instance import Instance
from wfctl.render.json_records import Record, instance_record
from wfctl.render.printer import View
from wfctl.render.table import Cell, Column, Layout, cells_of
from wfctl.render.text import clean
from wfctl.render.theme import QUIET
from wfctl.render.views.instances import instance_view

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True, slots=True)
class Node:
    """`branch` is what is drawn before the ID: it says who is whose child."""

    instance: Instance
    depth: int
    branch: str = ""


def walk(root: Instance, children: Callable[[Instance], list[Instance]], deepest: int | None = None) -> Iterator[Node]:
    """The root, then each child with its own, in the order in which they were made. Streams."""
    stack: list[tuple[Instance, int, str, str]] = [(root, 0, "", "")]
    while stack:
        instance, depth, branch, indent = stack.pop()
        yield Node(instance, depth, branch)
        found = children(instance) if deepest is None or depth < deepest else []
        for index, child in reversed(list(enumerate(found))):
            last = index == len(found) - 1
            stack.append(
                (child, depth + 1, indent + ("└── " if last else "├── "), indent + ("    " if last else "│   "))
            )


def tree_view(now: datetime, *, apps: bool = False) -> View[Node]:
    """The rows of `list`, but for the column PARENT, which the branches say."""
    identity: Column[Node] = Column("ID", lambda node: node.branch + clean(node.instance.id))
    columns = [
        identity if column.title == "ID" else _of_node(column)
        for column in instance_view(now, apps=apps).columns
        if column.title != "PARENT"
    ]
    shown = [column for column in columns if not column.wide]
    return View(
        record=node_record,
        id=lambda node: node.instance.id,
        columns=columns,
        picture=lambda nodes, room: _picture(shown, list(nodes), room),
    )


def _picture(columns: Sequence[Column[Node]], nodes: Sequence[Node], room: int) -> RenderableType:
    """Draw a table of one row: the tree in its first column, a line for each node in the others."""
    from rich.tree import Tree

    from wfctl.render.drawing import frame, stacked, text

    rows = [cells_of(columns, node) for node in nodes]
    layout = Layout(columns, rows, room)
    path: list[Tree] = []
    for node in nodes:
        label = text(Cell(clean(node.instance.id)))
        del path[node.depth :]
        path.append(path[-1].add(label) if path else Tree(label, guide_style=QUIET))
    rows = [layout.row(row) for row in rows]
    made = frame(layout)
    made.add_row(path[0], *(stacked(column) for column in zip(*(row[1:] for row in rows), strict=True)))
    return made


def _of_node(column: Column[Instance]) -> Column[Node]:
    return Column(
        column.title, lambda node: column.cell(node.instance), column.wide, column.shrink, column.right, column.spare
    )


def node_record(node: Node) -> Record:
    """Return the record of one line: the instance, and how deep it stands."""
    return {"depth": node.depth, **instance_record(node.instance)}


def nested_record(nodes: Iterator[Node]) -> Record:
    """Return one document with `children` in each instance."""
    path: list[Record] = []
    for node in nodes:
        record: Record = {**instance_record(node.instance), "children": []}
        del path[node.depth :]
        if path:
            path[-1]["children"].append(record)
        path.append(record)
    return path[0]
