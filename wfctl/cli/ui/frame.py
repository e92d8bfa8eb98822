"""The frame of `wfctl ui`: the target, the tabs, what is wrong, the keys; and the loop that looks at the target."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import ContentSwitcher, Footer, Static

from wfctl.cli.quoting import quoted
from wfctl.cli.ui.dialogs import Choice, Keys
from wfctl.cli.ui.link import Links
from wfctl.cli.ui.pane import Pane
from wfctl.cli.ui.runner import Runner
from wfctl.cli.ui.tabs import Tabs
from wfctl.cli.ui.target import command_flags, muted, switched, targets, where
from wfctl.cli.watching.interval import FRAME
from wfctl.client.port import Host, Workflows
from wfctl.errors import InvalidInput, WfctlError
from wfctl.render.drawing import line
from wfctl.render.errors import fault_line
from wfctl.render.table import Cell
from wfctl.render.text import clean
from wfctl.render.theme import NAME, RED, rich_theme
from wfctl.render.views.waiting import utc_now

if TYPE_CHECKING:
    from wfctl.cli.session import Session

# By the names of `--theme`: the terminal's own colours, which suit a dark and a light one, and two with their own.
THEMES = {"terminal": "ansi-dark", "dark": "textual-dark", "light": "textual-light"}
Panes = Callable[[], Sequence[Pane]]
ENDING = 5.0  # seconds for an orderly end after a signal


class Board(Screen[None]):
    """A screen as a whole: the frame around one pane or several. Dialogs stand before a board."""

    def compose(self) -> ComposeResult:
        yield Static(id="head")
        yield from self.middle()
        yield Static(id="trouble")
        yield Footer(compact=True, show_command_palette=False)

    def middle(self) -> ComposeResult:
        raise NotImplementedError

    @property
    def live(self) -> Pane:
        """Return the pane that is shown, and kept up to date."""
        raise NotImplementedError

    def title_parts(self) -> Iterable[Cell | str]:
        """Return what the head says besides the target."""
        return ()

    @property
    def frame(self) -> Frame:
        assert isinstance(self.app, Frame)
        return self.app

    def on_mount(self) -> None:
        self.draw_head()
        self.call_after_refresh(self.enter)

    def enter(self) -> None:
        self.live.enter()
        self.frame.tick()

    def draw_head(self) -> None:
        parts: list[Cell | str] = [Cell("wfctl", NAME), " ", self.frame.where]
        if self.frame.read_only:
            parts += ["  ", Cell("read only", RED)]
        self.query_one("#head", Static).update(line([*parts, *self.title_parts()]))

    def tell(self, trouble: str) -> None:
        """Say what is wrong with the target, in one line; nothing where it answers."""
        shown = self.query_one("#trouble", Static)
        shown.display = bool(trouble)
        shown.update(line([Cell(trouble, RED)]))

    def on_screen_resume(self) -> None:
        self.frame.tick()


class Main(Board):
    """The tabs."""

    BINDINGS = [
        *(Binding(str(number), f"tab({number})", f"Tab {number}", show=False) for number in range(1, 10)),
        Binding("right_square_bracket,ctrl+right", "turn(1)", "Next tab", key_display="]", show=False),
        Binding("left_square_bracket,ctrl+left", "turn(-1)", "Tab before", key_display="[", show=False),
    ]

    def __init__(self, panes: Sequence[Pane]) -> None:
        super().__init__()
        self.panes = panes
        self.active = 0

    def middle(self) -> ComposeResult:
        if len(self.panes) > 1:
            yield Tabs([pane.LABEL for pane in self.panes])
        with ContentSwitcher(initial=self.panes[0].id):
            yield from self.panes

    def on_mount(self) -> None:
        super().on_mount()
        self._mark()

    @property
    def live(self) -> Pane:
        return self.panes[self.active]

    def action_tab(self, number: int) -> None:
        if number > len(self.panes):
            return
        self.active = number - 1
        self.query_one(ContentSwitcher).current = self.live.id
        self._mark()
        self.live.enter()
        self.live.look_soon()

    def on_tabs_chosen(self, event: Tabs.Chosen) -> None:
        self.action_tab(event.number)

    def show_instances(self, query: str) -> None:
        """Go to the tab of instances, with this filter typed."""
        for number, pane in enumerate(self.panes, start=1):
            if pane.show_query(query):
                self.action_tab(number)
                return

    def action_turn(self, by: int) -> None:
        self.action_tab((self.active + by) % len(self.panes) + 1)

    def _mark(self) -> None:
        for tabs in self.query(Tabs):
            tabs.mark(self.active)


class Page(Board):
    """One pane in the place of the tabs: Escape and Backspace lead back."""

    BINDINGS = [Binding("escape,backspace", "back", "Back")]

    def __init__(self, pane: Pane) -> None:
        super().__init__()
        self.pane = pane

    def middle(self) -> ComposeResult:
        yield self.pane

    @property
    def live(self) -> Pane:
        return self.pane

    def action_back(self) -> None:
        self.app.pop_screen()


class Frame(App[None]):
    """`panes` makes the tabs, anew for each target; `now` is the clock of all that is shown."""

    CSS = """
    #head { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    #tabs { height: 1; }
    #trouble { height: 1; display: none; text-wrap: nowrap; text-overflow: ellipsis; }
    ContentSwitcher { height: 1fr; }
    Pane { height: 1fr; }
    """
    BINDINGS = [
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c", "quit", "Quit", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", "Stop; fg goes on", show=False, priority=True),
        Binding("question_mark", "keys", "Keys", key_display="?"),
        Binding("t", "target", "Target"),
        Binding("Y", "copy_command", "Copy the command", show=False),
        Binding("colon", "command_palette", "Commands", key_display=":", show=False),
        Binding("E", "execute", "Execute what is due (wfctl run)", show=False),
        Binding("ctrl+r", "look", "Look now", show=False),
    ]

    def __init__(
        self,
        session: Session,
        panes: Panes,
        *,
        read_only: bool = False,
        theme: str = "terminal",
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        # Without colours a terminal's own two are used, where Textual would take greys of its own.
        super().__init__(ansi_color=True if session.environ.get("NO_COLOR") else None)
        self.title = "wfctl"
        self.read_only = read_only
        self.now = now
        self._panes = panes
        self._second = -1
        self._take(session)
        self.theme = THEMES.get(theme, theme)
        self.console.push_theme(rich_theme())

    def _take(self, session: Session) -> None:
        """Go to a target. Raises what its settings raise, and leaves everything as it was then."""
        session = muted(session)
        self.where = where(session)
        self.session = session
        self.links = Links(self._open)
        self.runner = Runner(session)

    def _open(self) -> Workflows:
        return self.session.target.open(Host(lambda text: None))

    def on_mount(self) -> None:
        if not self.is_headless:
            for number in (signal.SIGHUP, signal.SIGTERM):
                if signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores SIGHUP
                    asyncio.get_running_loop().add_signal_handler(number, self._signalled, number)
        self.push_screen(Main(self._panes()))
        self.set_interval(FRAME, self.tick)

    def _signalled(self, number: int) -> None:
        """End in order; and all the same where that does not come to its end, as where the terminal is gone."""

        def end() -> None:
            self.runner.close()
            os._exit(128 + number)

        last = threading.Timer(ENDING, end)
        last.daemon = True
        last.start()
        self.exit(return_code=128 + number)

    def on_unmount(self) -> None:
        self.links.close()
        self.runner.close()

    @property
    def board(self) -> Board | None:
        """Return the board that is in sight, behind a dialog or not."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, Board)), None)

    # --- looking ----------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Have the pane in sight look, if it is time; and draw it as of now once a second."""
        board = self.board
        if board is None or not board.is_mounted:
            return
        pane = board.live
        if not pane.is_mounted:
            return
        if pane.pace.due() and not pane.looking:
            pane.looking = True
            self.run_worker(self._look(board, pane), exit_on_error=False)
        second = int(self.now().timestamp())
        if second != self._second:
            self._second = second
            with suppress(NoMatches):  # it is being taken down
                pane.tick()

    async def _look(self, board: Board, pane: Pane) -> None:
        links = self.links
        try:
            with pane.pace.look():
                await pane.look()
        except NoMatches:
            return  # it is being taken down
        except WfctlError as error:
            pane.error = error
            if board.is_mounted and links is self.links:
                board.tell(_trouble(error))
        except Exception as error:  # one that is ours: the screen stays, and the next look may do better
            if board.is_mounted:
                board.tell(clean(f"unexpected error: {type(error).__name__}: {error}"))
        else:
            pane.seen, pane.error = True, None
            if board.is_mounted:
                board.tell("")
        finally:
            pane.looking = False

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "execute" or not (self.read_only or self.session.target.embedded is None)

    def action_execute(self) -> None:
        if self.runner.run():
            self.say("executing what is due in the store, until nothing is")
        elif self.session.target.executed():
            self.say("another process executes this store already")
        else:
            self.say("no app is known that could be executed: --app names it", wrong=True)

    def action_look(self) -> None:
        if self.board is not None:
            self.board.live.look_soon()

    def show_instances(self, query: str) -> None:
        """Show the instances that a filter finds, as it would be typed."""
        for screen in self.screen_stack:
            if isinstance(screen, Main):
                screen.show_instances(query)

    # --- saying -----------------------------------------------------------------------------------------------------

    def say(self, text: str, *, wrong: bool = False) -> None:
        """Tell what came of a key, in a corner, for some seconds."""
        self.notify(clean(text), severity="error" if wrong else "information", markup=False)

    def say_error(self, error: WfctlError) -> None:
        hint = f"\n  try: {error.hint}" if error.hint else ""
        self.notify(clean(error.message) + clean(hint).replace("\\n", "\n"), severity="error", timeout=10, markup=False)

    def command_line(self) -> str:
        """Return the command that the board in sight stands for, as it would be typed."""
        assert self.board is not None
        words = [*self.board.live.command(), *command_flags(self.session.flags)]
        return " ".join(["wfctl", *map(quoted, words)])

    def action_copy_command(self) -> None:
        self.copy(self.command_line())

    def copy(self, text: str) -> None:
        """Put it on the clipboard of the terminal (OSC 52), and say so: not every terminal takes it."""
        self.copy_to_clipboard(text)
        self.say(f"copied: {text}")

    def action_keys(self) -> None:
        self.push_screen(Keys([(one.keys, one.does) for one in keys_of(self, self.screen)]))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What can be done here, for the command palette."""
        for one in keys_of(self, screen):
            if not one.action.startswith(_NO_COMMANDS):
                yield SystemCommand(one.does, f"key {one.keys}", partial(self.run_action, one.action, one.node))
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)

    # --- the target -------------------------------------------------------------------------------------------------

    def action_target(self) -> None:
        question = Choice("Go to which target?", targets(self.session), other="another, as http://127.0.0.1:3500")
        self.push_screen(question, self._go_to)

    def _go_to(self, name: str | None) -> None:
        if name is None:
            return
        before, running = self.links, self.runner
        try:
            self._take(switched(self.session, name))
        except WfctlError as error:
            self.say_error(error)
            return
        before.close()
        running.close()
        while len(self.screen_stack) > 2:
            self.pop_screen()
        self.switch_screen(Main(self._panes()))


def _trouble(error: WfctlError) -> str:
    """Return what is wrong with the target; or with what it is asked, which it will not get over."""
    if isinstance(error, InvalidInput):
        return fault_line(error)
    return f"trying again: {clean(error.message)}"


# What moves about is not done by its name.
_NO_COMMANDS = ("app.", "aside", "command_palette", "first", "last", "move", "page", "screen.", "tab", "turn")


class Key(NamedTuple):
    """What keys do, and the node whose action that is."""

    keys: str
    does: str
    action: str
    node: DOMNode


def keys_of(frame: Frame, screen: Screen[Any]) -> list[Key]:
    """Return what keys do where one is."""
    found: dict[str, Key] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if binding.description and active.enabled and not binding.system:
            shown, known = frame.get_key_display(binding), found.get(binding.action)
            before = [] if known is None else known.keys.split(" ")
            keys = " ".join(dict.fromkeys([*before, shown]))  # the keys of one binding may be shown as one
            found[binding.action] = Key(keys, binding.description, binding.action, active.node)
    return list(found.values())
