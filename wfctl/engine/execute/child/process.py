"""wfctl's side of an app in a process of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from pathlib import Path

from wfctl.engine.execute.child.messages import (
    Answer,
    ClientCall,
    Forget,
    Registered,
    RunActivities,
    RunTurn,
    TurnDone,
    pack,
    unpack,
)
from wfctl.engine.execute.port import ActivityTask, Delivery, ExecutorFailed, Turn
from wfctl.errors import AppError, AppExited, WfctlError
from wfctl.model.turn import TurnResult
from wfctl.workflow.client_backend import bound_backend
from wfctl.workflow.loading.app import App
from wfctl.workflow.registry import Registry

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


class AppProcess:
    """A started process. `load` imports the app there; an executor made of it runs turns and activities."""

    def __init__(self, python: Path) -> None:
        """Start the process. Raises AppError if the interpreter cannot be run."""
        self._python = python
        self._turns, turns = Pipe()
        self._events, events = Pipe()
        self._asking = threading.Lock()
        self._answering = threading.Lock()
        self._deliver: Callable[[Delivery], None] | None = None
        self._closed = False
        try:
            self._process = self._spawn(turns, events)
        except OSError as error:
            raise AppError(
                f"{python} cannot be run: {error.strerror}", hint="name the app's Python: --python"
            ) from error
        finally:
            turns.close()
            events.close()
        threading.Thread(target=self._listen, name="app-events", daemon=True).start()

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

    def load(self, spec: str, base: Path, log_level: int) -> Registered:
        """Import the app. Raises AppError, and AppExited if that ended the process.

        `log_level` is that of `LocalExecutor`.
        """
        answer: Answer = self._ask((spec, str(base), log_level))
        if answer.error is not None:
            raise answer.error
        registered: Registered = answer.value
        return registered

    def run_turn(self, turn: RunTurn) -> TurnDone:
        """Run a turn and wait for its end. Raises AppExited."""
        answer: Answer = self._ask(turn)
        if answer.error is not None:
            raise answer.error
        done: TurnDone = answer.value
        return done

    def send(self, message: RunActivities | Forget) -> None:
        """Send what has no answer. That the process has ended is heard on the other pipe."""
        with self._asking, contextlib.suppress(OSError):
            self._turns.send_bytes(pack(message))

    def deliver_to(self, deliver: Callable[[Delivery], None] | None) -> None:
        """Give the results of activities to `deliver`, which is called from another thread."""
        self._deliver = deliver

    def close(self) -> None:
        """End the process: on its own, else by force."""
        if self._closed:
            return
        self._closed = True
        self._deliver = None
        with contextlib.suppress(OSError):
            self._turns.close()
        try:
            self._process.wait(LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        # The reader closes its pipe, which the end of the process has ended.

    def _ask(self, message: object) -> Answer:
        with self._asking, self._or_exited():
            self._turns.send_bytes(pack(message))
            answer: Answer = unpack(self._turns.recv_bytes())
            return answer

    @contextlib.contextmanager
    def _or_exited(self) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError):
            raise self._exited() from None

    def _exited(self) -> AppExited:
        try:
            status = self._process.wait(LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        return AppExited(
            f"the process of the app, {self._python}, {_ended(status)}",
            hint="nothing that was acknowledged is lost; wfctl run continues",
        )

    def _listen(self) -> None:
        while True:
            try:
                message = unpack(self._events.recv_bytes())
            except (OSError, EOFError):
                break
            if type(message) is ClientCall:
                # A call may wait for an instance, which the engine moves on: never wait for it here.
                threading.Thread(target=self._answer, args=(message,), name="app-call", daemon=True).start()
            elif self._deliver is not None:
                self._deliver(message)
        if self._deliver is not None and not self._closed:
            self._deliver(ExecutorFailed(self._exited()))
        self._events.close()

    def _answer(self, call: ClientCall) -> None:
        try:
            answer = Answer(call.number, getattr(bound_backend(), call.method)(*call.arguments))
        except WfctlError as error:
            answer = Answer(call.number, error=error)
        except Exception as error:
            answer = Answer(call.number, error=WfctlError(f"{type(error).__name__}: {error}"))
        with self._answering, contextlib.suppress(OSError):
            self._events.send_bytes(pack(answer))


class ProcessExecutor:
    """See the port. Turns are waited for: the code runs in the app's process as it would run here."""

    def __init__(self, process: AppProcess, registry: Registry, deliver: Callable[[Delivery], None]) -> None:
        self._process = process
        self._registry = registry
        self._deliver = deliver
        self._alive: set[int] = set()
        process.deliver_to(deliver)

    def knows(self, name: str) -> bool:
        return self._registry.has_workflow(name)

    def run_turn(self, turn: Turn) -> TurnResult:
        alive = turn.key in self._alive
        past = None if alive else tuple(turn.past())
        received = None if alive else turn.received()
        done = self._process.run_turn(RunTurn(turn.key, turn.instance_id, turn.name, past, tuple(turn.new), received))
        if done.alive:
            self._alive.add(turn.key)
        else:
            self._alive.discard(turn.key)
        for logged in done.logged:
            self._deliver(logged)
        return done.result

    def run_activities(self, tasks: Sequence[ActivityTask]) -> None:
        self._process.send(RunActivities(tuple(tasks)))

    def forget(self, key: int) -> None:
        if key in self._alive:
            self._alive.discard(key)
            self._process.send(Forget(key))

    def close(self) -> None:
        self._process.close()


@dataclass(frozen=True, slots=True)
class ProcessApp(App):
    """An app that is loaded in another process. Its registry has the names, and none of the functions."""

    process: AppProcess


def load_in_process(spec: str, base: Path | None, python: Path, log_level: int) -> ProcessApp:
    """Import the app in a new process of this interpreter. Raises AppError and AppExited."""
    process = AppProcess(python)
    try:
        found = process.load(spec, base or Path.cwd(), log_level)
    except BaseException:
        process.close()
        raise
    path = None if found.path is None else Path(found.path)
    return ProcessApp(spec, found.module, path, _registry(found), process)


def _registry(found: Registered) -> Registry:
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
