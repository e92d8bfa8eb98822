"""wfctl's side of an app in a process of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

from wfctl.engine.execute.checking import Answers, Item
from wfctl.engine.execute.child import messages
from wfctl.engine.execute.port import ActivityResult, ActivityTask, Delivery, ExecutorFailed, Turn
from wfctl.errors import AppError, AppExited, WfctlError
from wfctl.model.apps import OWN
from wfctl.model.code_warning import CodeWarning
from wfctl.model.events import PropagatedEvents
from wfctl.model.fit import Recorded, Retraced, Told
from wfctl.model.turn import TurnResult
from wfctl.workflow.client_backend import bound_backend
from wfctl.workflow.loading.app import App
from wfctl.workflow.loading.import_hook import client_environment
from wfctl.workflow.registry import Registry
from wfctl.workflow.replay.retrace import Wish

# How long an app may take to leave on its own, before it is killed.
LEAVE_SECONDS = 2.0
# Only the package wfctl is made known: everything else is the app's own. `-c` puts the current folder on the path, and
# whatever is imported before it is taken off, is found in that folder first: anybody's, as /tmp.
_PROGRAM = """\
import sys
if sys.path[:1] == [""]:
    del sys.path[0]
import importlib.util, os
folder = sys.argv[1]
if sys.version_info < (3, 10):
    sys.exit("wfctl runs apps on Python 3.10 or later, and this is " + sys.version.split()[0] + ": " + sys.executable)
spec = importlib.util.spec_from_file_location(
    "wfctl", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder])
sys.modules["wfctl"] = package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
from wfctl.engine.execute.child.program import main
main(sys.argv[2:])
"""
_PACKAGE = Path(__file__).parents[3]


class _Link:
    """One process, and the two pipes to it."""

    def __init__(self, python: Path) -> None:
        """Start the process. Raises AppError if the interpreter cannot be run."""
        self._python = python
        self.turns, turns = Pipe()
        self.events, events = Pipe()
        self.answering = threading.Lock()
        try:
            self.process = self._spawn(turns, events)
        except OSError as error:
            raise AppError(f"{python} cannot be run: {error.strerror}", hint="name another: --python") from error
        finally:
            turns.close()
            events.close()

    def _spawn(self, turns: Connection, events: Connection) -> subprocess.Popen[bytes]:
        handles = (turns.fileno(), events.fileno())
        command = [str(self._python), "-c", _PROGRAM, str(_PACKAGE), *map(str, handles)]
        # macOS: a framework's Python would take itself for the one of wfctl's environment.
        env = {name: value for name, value in os.environ.items() if name != "__PYVENV_LAUNCHER__"}
        if sys.platform == "win32":
            for handle in handles:
                os.set_handle_inheritable(handle, True)
            return subprocess.Popen(command, env=env, close_fds=False)
        return subprocess.Popen(command, env=env, pass_fds=handles)

    def ask(self, message: object) -> Any:
        """Ask, and wait for the answer. Raises what the answer says, and AppExited."""
        try:
            self.turns.send_bytes(messages.pack(message))
            answer: messages.Answer = messages.unpack(self.turns.recv_bytes())
        except (OSError, EOFError):
            raise self.exited() from None
        if answer.error is not None:
            raise answer.error
        return answer.value

    def exited(self) -> AppExited:
        """Return the error that tells how the process has ended."""
        try:
            status = self.process.wait(LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        return AppExited(
            f"the process of the app, {self._python}, {_ended(status)}",
            hint="nothing that was acknowledged is lost; wfctl run continues",
        )

    def close(self) -> None:
        """End the process: on its own, else by force. Whoever reads the events sees their end."""
        with contextlib.suppress(OSError):
            self.turns.close()
        try:
            self.process.wait(LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class AppProcess:
    """The app's process, which another one can replace when the app's code has changed.

    `load` imports the app there; an executor made of it runs turns and activities. Whoever holds the `lock` talks to
    one and the same process for as long.
    """

    def __init__(self, python: Path, spec: str, base: Path, log_level: int, app_id: str | None = None) -> None:
        """Start the process. Raises AppError if the interpreter cannot be run.

        `log_level` is that of `LocalExecutor`.
        """
        self._python, self._spec, self._base, self._log_level = python, spec, base, log_level
        self._app_id = app_id
        self.lock = threading.RLock()
        self._deliver: Callable[[Delivery], None] | None = None
        self._replaced: Callable[[], None] = lambda: None
        self._closed = False
        self._link = self._start()

    def _start(self) -> _Link:
        link = _Link(self._python)
        threading.Thread(target=self._listen, args=(link,), name="app-events", daemon=True).start()
        return link

    def load(self) -> messages.Registered:
        """Import the app. Raises AppError, and AppExited if that ended the process."""
        return self._load(self._link)

    def _load(self, link: _Link) -> messages.Registered:
        asked = (self._spec, str(self._base), self._log_level, self._app_id)
        registered: messages.Registered = link.ask(asked)
        return registered

    def reload(self) -> messages.Registered:
        """Import the app in a new process, which takes the place of this one.

        Raises AppError and AppExited if it does not load: then the old one stays.
        """
        link = self._start()
        try:
            registered = self._load(link)
        except BaseException:
            link.close()
            raise
        with self.lock:
            link, self._link = self._link, link
            self._replaced()
        link.close()
        return registered

    def run_turn(self, turn: messages.RunTurn) -> messages.TurnDone:
        """Run a turn, and wait for its end. Raises AppExited."""
        with self.lock:
            done: messages.TurnDone = self._link.ask(turn)
            return done

    def check(self, items: Sequence[Item], seconds: float | None, results: bool, quiet: bool) -> Answers:
        """Check histories against the code there. Raises AppExited."""
        with self.lock:
            found: Answers = self._link.ask(messages.CheckHistories(tuple(items), seconds, results, quiet))
            return found

    def lint(self) -> list[CodeWarning]:
        """Read the code of the app's workflows there. Raises AppExited."""
        with self.lock:
            found: list[CodeWarning] = self._link.ask(messages.LintCode())
            return found

    def retrace(
        self, recorded: Recorded, wish: Wish, tell: Callable[[Told], None], propagated: PropagatedEvents | None
    ) -> Retraced:
        """Replay a history there, for the person at the terminal. Raises AppExited."""
        with self.lock:
            said = self._link.ask(messages.Retrace(recorded, wish, propagated))
            while not isinstance(said, Retraced):
                tell(said)
                said = self._link.ask(messages.GoOn())
            return said

    def send(self, message: messages.RunActivities | messages.Forget) -> None:
        """Send what has no answer. That the process has ended is heard on the other pipe."""
        with self.lock, contextlib.suppress(OSError):
            self._link.turns.send_bytes(messages.pack(message))

    def attach(self, deliver: Callable[[Delivery], None], replaced: Callable[[], None]) -> None:
        """Give the results of activities to `deliver`, which is called from another thread.

        `replaced` is called when another process has taken the place of this one, before anything is asked of it.
        """
        self._deliver, self._replaced = deliver, replaced

    def close(self) -> None:
        """End the process."""
        if not self._closed:
            self._closed = True
            self._deliver = None
            self._link.close()

    def _listen(self, link: _Link) -> None:
        while True:
            try:
                message = messages.unpack(link.events.recv_bytes())
            except (OSError, EOFError):
                break
            if type(message) is messages.ClientCall:
                # A call may wait for an instance, which the engine moves on: never wait for it here.
                threading.Thread(target=_answer, args=(link, message), name="app-call", daemon=True).start()
            elif self._deliver is not None and link is self._link:
                self._deliver(message)
        if self._deliver is not None and link is self._link and not self._closed:
            self._deliver(ExecutorFailed(link.exited()))
        link.events.close()


def _answer(link: _Link, call: messages.ClientCall) -> None:
    try:
        if call.method == messages.CLIENT_ENVIRONMENT:
            answer = messages.Answer(call.number, dict(client_environment()))
        else:
            answer = messages.Answer(call.number, getattr(bound_backend(call.app_id), call.method)(*call.arguments))
    except WfctlError as error:
        answer = messages.Answer(call.number, error=error)
    except Exception as error:
        answer = messages.Answer(call.number, error=WfctlError(f"{type(error).__name__}: {error}"))
    with link.answering, contextlib.suppress(OSError):
        link.events.send_bytes(messages.pack(answer))


class ProcessExecutor:
    """See the port. Turns are waited for: the code runs in the app's process as it would run here."""

    def __init__(
        self, process: AppProcess, registry: Registry, deliver: Callable[[Delivery], None], app: str = OWN
    ) -> None:
        """`app`: whose work it does, as stored."""
        self._app = app
        self._process = process
        self._registry = registry
        self._deliver = deliver
        self._alive: set[int] = set()
        self._running: dict[tuple[int, int, str], ActivityTask] = {}
        process.attach(self._delivered, self._replaced)

    def has_app(self, app: str) -> bool:
        return app == self._app

    def knows(self, name: str, app: str) -> bool:
        return app == self._app and self._registry.has_workflow(name)

    def run_turn(self, turn: Turn) -> TurnResult:
        with self._process.lock:
            alive = turn.key in self._alive
            past = None if alive else tuple(turn.past())
            received = None if alive else turn.received()
            done = self._process.run_turn(
                messages.RunTurn(turn.key, turn.instance_id, turn.name, past, tuple(turn.new), received)
            )
            if done.alive:
                self._alive.add(turn.key)
            else:
                self._alive.discard(turn.key)
            for logged in done.logged:
                self._deliver(logged)
        return done.result

    def run_activities(self, tasks: Sequence[ActivityTask]) -> None:
        mine = [replace(task, app_id=None) for task in tasks]  # in its process it is the only app
        with self._process.lock:
            for task in mine:
                self._running[task.key, task.task_id, task.task_execution_id] = task
            self._process.send(messages.RunActivities(tuple(mine)))

    def forget(self, key: int) -> None:
        if key in self._alive:
            self._alive.discard(key)
            self._process.send(messages.Forget(key))

    def close(self) -> None:
        self._process.close()

    def _delivered(self, delivery: Delivery) -> None:
        if type(delivery) is ActivityResult:
            self._running.pop((delivery.key, delivery.task_id, delivery.task_execution_id), None)
        self._deliver(delivery)

    def _replaced(self) -> None:
        """A new process keeps no instance alive, and runs no activity: what the old one had begun, begins again."""
        self._alive.clear()
        if self._running:
            self._process.send(messages.RunActivities(tuple(self._running.values())))


@dataclass(frozen=True, slots=True)
class ProcessApp(App):
    """An app that is loaded in another process. Its registry has the names, and none of the functions."""

    process: AppProcess


def load_in_process(
    spec: str, base: Path | None, python: Path, log_level: int, *, app_id: str | None = None
) -> ProcessApp:
    """Import the app in a new process of this interpreter. Raises AppError and AppExited."""
    process = AppProcess(python, spec, base or Path.cwd(), log_level, app_id)
    try:
        found = process.load()
    except BaseException:
        process.close()
        raise
    path = None if found.path is None else Path(found.path)
    return ProcessApp(spec, found.module, path, _registry(found), process)


def reload(app: ProcessApp) -> None:
    """Import the app's changed code. Raises AppError and AppExited if it does not load: then the old code stays."""
    app.registry.replace(_registry(app.process.reload()))


def _registry(found: messages.Registered) -> Registry:
    registry = Registry()
    for name, versions, latest in found.workflows:
        for version in versions:
            registry.add_version(name, version, _elsewhere, is_latest=version == latest)
        if not versions:
            registry.add_workflow(name, _elsewhere)
    for name in found.activities:
        registry.add_activity(name, _elsewhere)
    return registry


def _elsewhere(context: object, value: object) -> None:
    raise NotImplementedError("this function is in the app's own process")


def _ended(status: int) -> str:
    if status < 0:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-status).name}"
        return f"was ended by signal {-status}"
    return f"ended with status {status}"
