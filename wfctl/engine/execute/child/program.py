"""The app's side: a program that imports the app, and runs its turns and activities until wfctl is gone."""

from __future__ import annotations

import contextlib
import itertools
import os
import platform
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from multiprocessing import connection
from pathlib import Path
from typing import Any, NoReturn

from wfctl.engine.execute.checking import Answers, answers
from wfctl.engine.execute.child import messages
from wfctl.engine.execute.local import LocalExecutor
from wfctl.engine.execute.port import Delivery, Logged, Turn
from wfctl.errors import Interrupted, WfctlError
from wfctl.model.code_warning import CodeWarning
from wfctl.model.events import Event
from wfctl.model.fit import Told
from wfctl.model.instance import Instance, RerunRequest, StartRequest
from wfctl.workflow.client_backend import bind_backend
from wfctl.workflow.loading.app import App, load_app
from wfctl.workflow.loading.import_hook import provide_environment


class Events:
    """The pipe on which results of activities leave, and the app's clients call wfctl. Any thread may send."""

    def __init__(self, pipe: connection.Connection) -> None:
        self._pipe = pipe
        self._sending = threading.Lock()
        self._numbers = itertools.count()
        self._calls: dict[int, Future[Any]] = {}
        threading.Thread(target=self._listen, name="wfctl-events", daemon=True).start()

    def send(self, message: object) -> None:
        data = messages.pack(message)
        # Whoever reads is gone: `_listen` sees it, too, and ends this process.
        with self._sending, contextlib.suppress(OSError):
            self._pipe.send_bytes(data)

    def call(self, method: str, *arguments: Any, app_id: str | None = None) -> Any:
        """Call the engine's client backend in wfctl, and wait for its answer. Raises what that raises."""
        number = next(self._numbers)
        future = self._calls[number] = Future()
        self.send(messages.ClientCall(number, method, arguments, app_id))
        return future.result()

    def _listen(self) -> None:
        while True:
            try:
                answer: messages.Answer = messages.unpack(self._pipe.recv_bytes())
            except (OSError, EOFError):
                _leave()
            future = self._calls.pop(answer.number)
            if answer.error is not None:
                future.set_exception(answer.error)
            else:
                future.set_result(answer.value)


class TurnLogs:
    """Keeps what turns log on the main thread, so that it leaves with their results; the rest is sent at once."""

    def __init__(self, send: Callable[[object], None]) -> None:
        self._send = send
        self._main = threading.get_ident()
        self._lines: list[Logged] = []

    def deliver(self, delivery: Delivery) -> None:
        if isinstance(delivery, Logged) and threading.get_ident() == self._main:
            self._lines.append(delivery)
        else:
            self._send(delivery)

    def take(self) -> tuple[Logged, ...]:
        lines = tuple(self._lines)
        self._lines.clear()
        return lines


class CallingBackend:
    """Implements ClientBackend by calls to wfctl."""

    def __init__(self, events: Events, app_id: str | None = None) -> None:
        self._events = events
        self._call = partial(events.call, app_id=app_id)

    def of_app(self, app_id: str) -> CallingBackend:
        return CallingBackend(self._events, app_id)

    def start(self, request: StartRequest) -> str:
        return self._call("start", request)  # type: ignore[no-any-return]

    def get(self, instance_id: str) -> Instance:
        return self._call("get", instance_id)  # type: ignore[no-any-return]

    def wait(self, instance_id: str, until: Callable[[Instance], bool], timeout: float | None) -> Instance:
        return self._call("wait", instance_id, until, timeout)  # type: ignore[no-any-return]

    def raise_event(self, instance_id: str, name: str, data: str | None) -> None:
        self._call("raise_event", instance_id, name, data)

    def terminate(self, instance_id: str, output: str | None, recursive: bool) -> None:
        self._call("terminate", instance_id, output, recursive)

    def pause(self, instance_id: str) -> None:
        self._call("pause", instance_id)

    def resume(self, instance_id: str) -> None:
        self._call("resume", instance_id)

    def purge(self, instance_id: str, recursive: bool) -> int:
        return self._call("purge", instance_id, recursive)  # type: ignore[no-any-return]

    def rerun(self, request: RerunRequest) -> str:
        return self._call("rerun", request)  # type: ignore[no-any-return]

    def list_ids(self, limit: int | None, after: str | None) -> tuple[Sequence[str], str | None]:
        return self._call("list_ids", limit, after)  # type: ignore[no-any-return]

    def history(self, instance_id: str) -> Sequence[Event]:
        return self._call("history", instance_id)  # type: ignore[no-any-return]


def main(arguments: Sequence[str]) -> None:
    """Serve the two pipes whose numbers are given, until the one for turns is closed."""
    turns, events = (_open(int(number)) for number in arguments)
    # Ctrl-C at a terminal comes to both processes, and wfctl decides what it means. Not SIG_IGN, which programs that
    # the app starts would inherit.
    signal.signal(signal.SIGINT, lambda number, frame: None)
    channel = Events(events)
    bind_backend(CallingBackend(channel))
    provide_environment(lambda: channel.call(messages.CLIENT_ENVIRONMENT))
    loaded = _load(turns)
    if loaded is None:
        return
    app, log_level = loaded
    logs = TurnLogs(channel.send)
    executor = LocalExecutor(app.registry, logs.deliver, log_level=log_level)
    while True:
        try:
            message = messages.unpack(turns.recv_bytes())
        except (OSError, EOFError):
            break
        if type(message) is messages.RunTurn:
            _send(turns, _answered(partial(_run, executor, message, logs)))
        elif type(message) is messages.CheckHistories:
            _send(turns, _answered(partial(_checked, app, message)))
        elif type(message) is messages.Retrace:
            _send(turns, _retraced(app, message, turns))
        elif type(message) is messages.LintCode:
            _send(turns, _answered(partial(_linted, app)))
        elif type(message) is messages.RunActivities:
            executor.run_activities(message.tasks)
        elif type(message) is messages.Forget:
            executor.forget(message.key)
    executor.close()


def _open(number: int) -> connection.Connection:
    if sys.platform == "win32":
        return connection.PipeConnection(number)
    os.set_inheritable(number, False)  # what the app starts does not keep the pipes open
    return connection.Connection(number)


def _load(turns: connection.Connection) -> tuple[App, int] | None:
    """Import the app that wfctl names, and answer what it registers. Returns None if it does not load.

    With it comes the level from which on its logs are wanted.
    """
    try:
        spec, base, log_level, app_id = messages.unpack(turns.recv_bytes())
        app = load_app(spec, Path(base), activities_suffice=app_id is not None)
        app.registry.app_id = app_id
    except (OSError, EOFError):
        return None
    except WfctlError as error:
        _send(turns, messages.Answer(0, error=error))
        return None
    _send(turns, messages.Answer(0, _registered(app)))
    return app, log_level


def _registered(app: App) -> messages.Registered:
    registry = app.registry
    workflows = tuple(
        (name, tuple(registry.versions(name)), registry.latest_version(name)) for name in registry.workflow_names()
    )
    path = None if app.path is None else str(app.path)
    return messages.Registered(app.module, path, platform.python_version(), workflows, tuple(registry.activity_names()))


def _run(executor: LocalExecutor, message: messages.RunTurn, logs: TurnLogs) -> messages.TurnDone:
    past, received = message.past or (), message.received
    turn = Turn(message.key, message.instance_id, message.name, lambda: past, message.new, lambda: received)
    result = executor.run_turn(turn)
    return messages.TurnDone(result, executor.keeps(message.key), logs.take())


def _checked(app: App, message: messages.CheckHistories) -> Answers:
    return answers(app.registry, message.items, message.seconds, message.results, message.quiet)


def _answered(call: Callable[[], object]) -> messages.Answer:
    """Answer with what a call returns, or what it raises: this process goes on."""
    try:
        return messages.Answer(0, call())
    except Exception as error:
        return messages.Answer(0, error=RuntimeError(f"{type(error).__name__}: {error}"))


def _retraced(app: App, message: messages.Retrace, turns: connection.Connection) -> messages.Answer:
    from wfctl.workflow.replay.retrace import retrace

    def tell(told: Told) -> None:
        sys.stdout.flush()
        _send(turns, messages.Answer(0, told))
        messages.unpack(turns.recv_bytes())

    before = signal.signal(signal.SIGINT, signal.default_int_handler) if message.wish.debug else None
    try:
        return messages.Answer(
            0, retrace(app.registry, message.recorded, message.wish, tell, lambda: message.propagated)
        )
    except KeyboardInterrupt:
        return messages.Answer(0, error=Interrupted("interrupted"))
    except BaseException as error:
        return messages.Answer(0, error=RuntimeError(f"{type(error).__name__}: {error}"))
    finally:
        sys.stdout.flush()
        if before is not None:
            signal.signal(signal.SIGINT, before)


def _linted(app: App) -> list[CodeWarning]:
    from wfctl.workflow.lint.lint import lint

    return lint(app.registry)


def _send(pipe: connection.Connection, answer: messages.Answer) -> None:
    with contextlib.suppress(OSError):
        pipe.send_bytes(messages.pack(answer))


def _leave() -> NoReturn:
    """End the process at once: wfctl is gone, or has no more use for it, and what runs here would be lost anyway."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(0)
