"""The pages of one step and of one event of a history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import Static

from wfctl.cli.ui.frame import Page
from wfctl.cli.ui.json_view import Searched, beginning
from wfctl.cli.ui.pane import Pane
from wfctl.errors import NotFound, Unsupported
from wfctl.model.events import Event
from wfctl.model.failure import Failure, chain, error_text
from wfctl.model.logs import WORKFLOW, LogLine
from wfctl.model.steps import Attempt, Step, steps_of
from wfctl.render.drawing import line, page
from wfctl.render.highlight import trace
from wfctl.render.history_records import event_record
from wfctl.render.printer import to_json
from wfctl.render.table import Cell, Drawn
from wfctl.render.text import clean, clean_block
from wfctl.render.theme import NAME, RED, step_style
from wfctl.render.times import millis_text, span
from wfctl.render.views.logs import stored_parts
from wfctl.render.views.payload import payload_value

Row = tuple["str | None", "Cell | Drawn | str"]


class StepPane(Pane):
    """A step: its attempts, what went in and what came out, why it failed, what it logged."""

    LABEL = "Step"
    DEFAULT_CSS = """
    StepPane Static { width: 100%; height: auto; }
    StepPane VerticalScroll { height: 1fr; }
    """
    BINDINGS = [
        Binding("i", "json('input')", "Input"),
        Binding("o", "json('result')", "Output"),
        Binding("enter", "child", "Go to the child", show=False),
    ]

    def __init__(self, instance_id: str, step: Step) -> None:
        super().__init__()
        self.instance_id = instance_id
        self.step = step
        self._logs: Sequence[LogLine] = ()

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(id="step")

    def command(self) -> Sequence[str]:
        return ["steps", self.instance_id, "-o", "json"]

    async def look(self) -> None:
        ask = self.frame.links.look.ask
        number, name = self.step.event_id, self.step.name
        steps = steps_of(await ask(lambda target: target.history(self.instance_id)))
        self.step = next((one for one in steps if (one.event_id, one.name) == (number, name)), self.step)
        if self.step.kind == "activity":
            try:
                found = await ask(lambda target: target.logs(self.instance_id, step=name))
            except (Unsupported, NotFound):
                found = ()
            mine = {attempt.event_id for attempt in self.step.attempts}
            self._logs = [one for one in found if one.event_id is None or one.event_id in mine]
        self.query_one("#step", Static).update(page(self._rows()))

    def _rows(self) -> Iterator[Row]:
        step = self.step
        yield "Step", Cell(clean(step.name or step.kind), NAME)
        yield "Instance", clean(self.instance_id)
        yield "Kind", step.kind + (f", event {step.event_id}" if step.event_id >= 0 else "")
        yield "Status", Cell(step.status.value, step_style(step.status))
        if step.child_id is not None:
            yield "Child", f"{clean(step.child_id)} (Enter goes there)"
        for number, attempt in enumerate(step.attempts, 1):
            yield f"Attempt {number}", _attempt(attempt)
        if step.until is not None and step.status.open:
            yield "Until", millis_text(step.until)
        if step.failure is not None:
            yield from _failure(step.failure)
        if self._logs:
            yield "Logs", Drawn("", lambda: log_text(self._logs))
        if step.input is not None:
            yield "Input", payload_value(beginning(step.input, "i"), wide=True)
        if step.result is not None:
            yield "Output", payload_value(beginning(step.result, "o"), wide=True)

    def action_json(self, what: str) -> None:
        payload = self.step.input if what == "input" else self.step.result
        title = f"{self.step.name or self.step.kind}: {'input' if what == 'input' else 'output'}"
        self.app.push_screen(Page(JsonPane(title, payload, self.command())))

    def action_child(self) -> None:
        if self.step.child_id is not None:
            from wfctl.cli.ui.instance import open_instance  # whose page leads here

            open_instance(self, self.step.child_id)


def _attempt(attempt: Attempt) -> str:
    words = millis_text(attempt.scheduled_at)
    if attempt.completed_at is not None:
        words += f", took {span(attempt.completed_at - attempt.scheduled_at)}"
    return words + (f", failed: {clean(error_text(attempt.failure))}" if attempt.failure is not None else "")


def _failure(failure: Failure) -> Iterator[Row]:
    for one in [*chain(failure)][::-1]:
        yield "Error", Cell(clean_block(error_text(one)), RED)
        if one.stack_trace:
            yield "", Drawn(clean_block(one.stack_trace), partial(trace, one.stack_trace))


def log_text(lines: Sequence[LogLine]) -> Text:
    """Return logged lines as `wfctl logs` prints them."""
    width = min(24, max([len(WORKFLOW), *(len(clean(one.step or "")) for one in lines)]))
    return Text("\n").join(line(stored_parts(one, width)) for one in lines)


class JsonPane(Pane):
    """One payload on a page of its own."""

    LABEL = "JSON"

    def __init__(self, title: str, payload: str | None, words: Sequence[str]) -> None:
        super().__init__()
        self._title = title
        self._payload = payload
        self._words = words

    def compose(self) -> ComposeResult:
        yield Static(line([Cell(clean(self._title), NAME)]))
        yield Searched(empty="there is none")

    def on_mount(self) -> None:
        self.query_one(Searched).json.show(self._payload)

    async def look(self) -> None:
        """It does not change."""

    def command(self) -> Sequence[str]:
        return self._words


class EventPane(JsonPane):
    """One event of a history, as `wfctl history -o json` has it."""

    LABEL = "Event"

    def __init__(self, instance_id: str, event: Event) -> None:
        record = event_record(event)
        title = f"{record['type']} of {instance_id}"
        super().__init__(title, to_json(record), ["history", instance_id, "-o", "json"])
