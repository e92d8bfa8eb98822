"""What keys do to instances: the verbs of the commands, with their question, their refusals and their results."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static

from wfctl.cli.batch.confirm import SAMPLE, besides, columns, is_typed, to_be_typed
from wfctl.cli.batch.options import Which
from wfctl.cli.batch.outcome import VIEW, Done, Outcome, told
from wfctl.cli.batch.question import sentence
from wfctl.cli.batch.rerun import Rerun
from wfctl.cli.batch.run import Act, Batch
from wfctl.cli.batch.select import Chosen, Verb, sample
from wfctl.cli.batch.verbs import PAUSE, PURGE, RESUME, TERMINATE, raising
from wfctl.cli.session import Session
from wfctl.cli.ui.dialogs import Dialog
from wfctl.cli.ui.forms import EventForm, RerunForm, beginning, rerun_of_several
from wfctl.cli.ui.grid import Grid
from wfctl.cli.ui.pane import Pane
from wfctl.errors import AlreadyRerun, WfctlError
from wfctl.render.drawing import line, table
from wfctl.render.table import Cell, Layout, cells_of
from wfctl.render.text import clean, plural
from wfctl.render.theme import HINT, NAME
from wfctl.render.views.waiting import utc_now

KEPT = 2_000  # outcomes that are shown, the failures first


@dataclass(frozen=True, slots=True)
class Deed:
    """A verb, and how it is done to one instance. `runs`: workflow code may follow."""

    verb: Verb
    act: Act
    runs: bool = True
    rerun: Rerun | None = None


PAUSING = Deed(PAUSE, lambda target, one: target.pause(one), runs=False)
RESUMING = Deed(RESUME, lambda target, one: target.resume(one))
TERMINATING = Deed(TERMINATE, lambda target, one: target.terminate(one))
PURGING = Deed(PURGE, lambda target, one: target.purge(one), runs=False)


def raise_deed(event: str, data: str | None) -> Deed:
    return Deed(raising(event), lambda target, one: target.raise_event(one, event, data))


def rerun_deed(rerun: Rerun) -> Deed:
    return Deed(rerun.verb, rerun.begin, rerun=rerun)


class Acting(Pane):
    """A pane with keys that change the instances that `chosen` names. With `--read-only` it has none of them."""

    BINDINGS = [
        Binding("e", "act('raise')", "Raise event", show=False),
        Binding("p", "act('pause')", "Pause", show=False),
        Binding("u", "act('resume')", "Resume", show=False),
        Binding("r", "act('rerun')", "Rerun"),
        Binding("x", "act('terminate')", "Terminate", show=False),
        Binding("d", "act('purge')", "Purge", show=False),
    ]

    def chosen(self) -> Which | None:
        """Return which instances a verb is for: those selected, or the one under the cursor. None: there is none."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return not (action == "act" and self.frame.read_only)

    def action_act(self, verb: str) -> None:
        which = self.chosen()
        if which is None:
            self.frame.say("no instance is selected", wrong=True)
            return
        self.run_worker(self._act(verb, which), exit_on_error=False)

    async def _act(self, verb: str, which: Which) -> None:
        deed = _SIMPLE[verb] if verb in _SIMPLE else await self.asked(verb, which)
        if deed is not None:
            await self.do(deed, which)

    async def asked(self, verb: str, which: Which) -> Deed | None:
        """Ask for what the verb needs to know. Returns None where the form was left."""
        frame = self.frame
        if verb == "raise":
            given = await frame.push_screen_wait(EventForm(which, frame.links))
            return None if given is None else raise_deed(*given)
        if which.one is not None:
            rerun = await frame.push_screen_wait(RerunForm(which.one, frame.links))
            return None if rerun is None else rerun_deed(rerun)
        choice = await frame.push_screen_wait(rerun_of_several())
        return None if choice is None else rerun_deed(Rerun(beginning(choice)))

    async def do(self, deed: Deed, which: Which) -> bool:
        """Ask, act, and show what became of each. Returns False where nothing was done."""
        frame = self.frame
        try:
            batch = Batch(frame.session, deed.verb, which)
            chosen = await frame.links.act.ask(batch.choose)
        except WfctlError as error:
            frame.say_error(error)
            return False
        if not chosen.ids:
            frame.say("; ".join(besides(chosen)) or f"nothing here can be {deed.verb.past}", wrong=True)
            return False
        if not await frame.push_screen_wait(Question(frame.session, deed.verb, chosen)):
            return False
        results = Results(batch, len(chosen.all))
        if len(chosen.all) > 1:
            frame.push_screen(results)
        try:
            await frame.links.act.ask(lambda target: results.take(batch.act_on(target, chosen, deed.act)))
        except WfctlError as error:
            frame.say_error(error)
        finally:
            results.end()
        worked = batch.worked()
        if worked and deed.runs:
            frame.runner.carry_on(worked)
        self.acted()
        if len(chosen.all) == 1 and batch.outcomes:
            await self._tell(batch.outcomes[-1], deed, which)
        return bool(worked)

    def acted(self) -> None:
        """Show what has changed."""
        self.look_soon()

    async def _tell(self, done: Done, deed: Deed, which: Which) -> None:
        """Tell what became of the only one. One that was rerun already may be rerun once more."""
        error, frame = done.error, self.frame
        if isinstance(error, AlreadyRerun) and deed.rerun is not None:
            again = replace(deed.rerun, again=True)
            if await frame.push_screen_wait(Again(error)):
                await self.do(rerun_deed(again), which)
        elif error is not None:
            frame.say_error(error)
        else:
            why = f"; {done.why}" if done.outcome is Outcome.REQUESTED else ""
            frame.say(told(done, deed.verb) + why, wrong=done.outcome is Outcome.SKIPPED)


_SIMPLE = {"pause": PAUSING, "resume": RESUMING, "terminate": TERMINATING, "purge": PURGING}


class Sure(Dialog[bool]):
    """A question that `y` answers with yes, and everything else with no."""

    DEFAULT_CSS = """
    Sure Input { width: 40; max-width: 100%; }
    """
    BINDINGS = [
        Binding("y", "yes", "Yes", show=False),
        Binding("n,escape,enter", "no", "No", show=False),
    ]
    expected: str | None = None  # what is to be typed, where a yes will not do

    def parts(self) -> ComposeResult:
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        with Vertical():
            yield from self.parts()
            if self.expected is not None:
                yield Static(line(["Type ", Cell(clean(self.expected), NAME), " to go on, then Enter:"]))
                yield Input(compact=True)
            else:
                with Horizontal(classes="buttons"):
                    yield Button("Yes (y)", id="yes", compact=True)
                    yield Button("No (n)", id="no", compact=True)

    def on_mount(self) -> None:
        self.query_one("#no" if self.expected is None else Input).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(is_typed(self.expected, event.value.strip()))

    def action_yes(self) -> None:
        if self.expected is None:
            self.dismiss(True)

    def action_no(self) -> None:
        self.dismiss(False)


class Question(Sure):
    """The verb, how many, of what, on which target; what follows; and some of them."""

    def __init__(self, session: Session, verb: Verb, chosen: Chosen) -> None:
        super().__init__()
        self._sentence = sentence(session, verb, chosen)
        self._effect = verb.effect
        self._chosen = chosen
        self.expected = to_be_typed(session, chosen)

    def parts(self) -> ComposeResult:
        yield Static(Text(f"{self._sentence}?", NAME))
        if self._effect:
            yield Static(Text(f"{self._effect[:1].upper()}{self._effect[1:]}.", HINT))
        yield from self._sample()
        for words in besides(self._chosen):
            yield Static(Text(words, HINT))

    def _sample(self) -> ComposeResult:
        if len(self._chosen.ids) == 1:
            return
        shown = columns(utc_now())
        rows = [cells_of(shown, one) for one in sample(self._chosen, SAMPLE) if one is not None]
        if rows:
            yield Static(table(Layout(shown, rows, 76), rows))
        else:
            yield Static(Text("\n".join(clean(one) for one in self._chosen.ids[:SAMPLE])))
        if (hidden := len(self._chosen.ids) - SAMPLE) > 0:
            yield Static(Text(f"... and {hidden:,} more", HINT))


class Again(Sure):
    """Whether one that was rerun already is to be rerun once more."""

    def __init__(self, error: AlreadyRerun) -> None:
        super().__init__()
        self._error = error

    def parts(self) -> ComposeResult:
        yield Static(Text(clean(self._error.message), NAME))
        yield Static(Text("Rerun it once more all the same?"))


class Results(Dialog[None]):
    """What became of each instance, while it goes on and afterwards."""

    DEFAULT_CSS = """
    Results > Vertical { width: 90%; }
    Results Grid { height: 14; }
    """
    BINDINGS = [Binding("enter", "close", "Close", show=False)]

    def __init__(self, batch: Batch, total: int) -> None:
        super().__init__()
        self._batch = batch
        self._total = total
        self._over = self._stopping = False

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(id="words")
            yield Grid[Done](lambda: VIEW.columns, lambda done: done.instance_id)
            yield Static(Text("Escape stops it", HINT), id="keys")

    def on_mount(self) -> None:
        self.query_one(Grid).focus()
        self.set_interval(0.2, self._draw)
        self._draw()

    def take(self, outcomes: Generator[Done, None, None]) -> None:
        """Take the outcomes as they come, in the thread that acts; stop where a person wants it to."""
        with closing(outcomes):
            for done in outcomes:
                self._batch.outcomes.append(done)
                if self._stopping:
                    return

    def end(self) -> None:
        self._over = True
        if self.is_mounted:
            self._draw()

    def _draw(self) -> None:
        found = self._batch.outcomes
        words = self._batch.summary() if found else f"{self._batch.verb.word}: {plural(self._total, 'instance')}"
        left = self._total - len(found)
        if left and self._over:
            words += f"; {left:,} not tried"
        elif left:
            words += f"; {left:,} to go"
        self.query_one("#words", Static).update(Text(words, NAME))
        failed = [done for done in found if done.error is not None]
        rest = [done for done in found if done.error is None]
        self.query_one(Grid).show([*failed, *reversed(rest)][:KEPT], follow=False)
        if self._over:
            self.query_one("#keys", Static).update(Text("Escape closes this", HINT))

    def action_close(self) -> None:
        if self._over:
            self.dismiss(None)
        self._stopping = True

    def on_grid_opened(self, event: Grid.Opened) -> None:
        event.stop()
        self.action_close()
