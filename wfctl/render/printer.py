"""One value, every format. Commands hand over values and never print."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from wfctl.errors import InvalidInput
from wfctl.model import ids
from wfctl.render import plain
from wfctl.render.console import Console
from wfctl.render.json_records import Record
from wfctl.render.table import Cell, Column, Drawn
from wfctl.render.text import clean, plural, safe_json

if TYPE_CHECKING:
    from rich.console import RenderableType

T = TypeVar("T")


class Format(str, Enum):
    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    JSONL = "jsonl"
    YAML = "yaml"
    ID = "id"

    @property
    def text(self) -> bool:
        return self in (Format.TABLE, Format.WIDE)


@dataclass(frozen=True, slots=True)
class View(Generic[T]):
    """How values of one kind look: as a record, as an ID, as a row, and alone as a page of names and values.

    `block` gets the value and whether `-o wide` was asked for. A name of None gives its value the whole width; a value
    may be `Drawn`, which Rich draws at a terminal. `picture` draws all values at a terminal of some width where a
    table of the columns is not what a person wants to see.
    """

    record: Callable[[T], Record]
    columns: Sequence[Column[T]] = ()
    id: Callable[[T], str] | None = None
    block: Callable[[T, bool], Iterable[tuple[str | None, Cell | Drawn | str]]] | None = None
    picture: Callable[[Iterable[T], int], RenderableType] | None = None


def to_json(value: Any, *, indent: int | None = None) -> str:
    return safe_json(json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False))


class Printer:
    def __init__(self, console: Console, format: Format) -> None:
        self.console = console
        self.format = format
        self.headers = True  # of tables

    def one(self, value: T, view: View[T]) -> None:
        console = self.console
        if self.format.text:
            if view.block is None:
                self.many([value], view)
                return
            pairs = view.block(value, self.format is Format.WIDE)
            if console.out_tty:
                from wfctl.render.drawing import page

                console.draw(page(pairs))
                return
            for line in plain.page(pairs, console.paint):
                console.line(line)
        elif self.format is Format.ID:
            self._ids([value], view)
        else:
            self.record(view.record(value))

    def many(self, values: Iterable[T], view: View[T]) -> None:
        """A list; it streams. Nothing at all is `[]` in JSON, and no lines in the other formats."""
        if self.format.text:
            self._table(values, view)
        elif self.format is Format.ID:
            self._ids(values, view)
        else:
            self.records(view.record(value) for value in values)

    def record(self, record: Any) -> None:
        if self.format is Format.YAML:
            self.console.data(_yaml(record))
        else:
            self.console.line(to_json(record, indent=2 if self.format is Format.JSON else None))

    def records(self, records: Iterable[Record]) -> None:
        if self.format is Format.JSONL:
            for record in records:
                self.console.line(to_json(record))
                self.console.flush()
        elif self.format is Format.YAML:
            empty = True
            for record in records:
                self.console.data(_yaml([record]))
                empty = False
            if empty:
                self.console.line("[]")
        else:
            start = "["
            for record in records:
                self.console.data(f"{start}\n{to_json(record)}")
                start = ","
            self.console.line("[]" if start == "[" else "\n]")

    def _table(self, values: Iterable[T], view: View[T]) -> None:
        console = self.console
        columns = [column for column in view.columns if self.format is Format.WIDE or not column.wide]
        if not console.out_tty:
            for line in plain.table(columns, values, console.paint, headers=self.headers):
                console.line(line)
        elif view.picture is not None and self.format is Format.TABLE:
            console.draw(view.picture(values, console.room or 80))
        else:
            from wfctl.render.drawing import tables

            for part in tables(
                columns, values, console.room if self.format is Format.TABLE else None, headers=self.headers
            ):
                console.draw(part)

    def _ids(self, values: Iterable[T], view: View[T]) -> None:
        identify = self._id(view)
        left: list[str] = []
        for value in values:
            if not self.id_line(text := identify(value)):
                left.append(text)
        if left:
            shown = ", ".join(f"'{clean(one)}'" for one in left[:3]) + (", ..." if len(left) > 3 else "")
            self.console.error(
                f"left out {plural(len(left), 'ID')} that cannot stand on a line: {shown}\n"
                "  try: -o jsonl, which has them; a command's - reads it"
            )

    def id_line(self, text: str) -> bool:
        """Write an ID as a line. False, and nothing is written, where the line would be read as something else."""
        if not ids.on_a_line(text):
            return False
        self.console.word(text)
        return True

    def _id(self, view: View[T]) -> Callable[[T], str]:
        if view.id is None:
            raise InvalidInput("-o id does not fit here: these rows have no ID", hint="-o table, json, jsonl or yaml")
        return view.id


def _yaml(value: Any) -> str:
    yaml = import_module("yaml")  # it has no type hints of its own
    try:
        text: str = yaml.safe_dump(value, allow_unicode=True, sort_keys=False, default_flow_style=False, width=4096)
    except RecursionError:
        raise InvalidInput("a payload is nested too deeply for YAML", hint="-o json, or -o jsonl") from None
    return text.removesuffix("...\n")  # the end of a document that is one bare word
