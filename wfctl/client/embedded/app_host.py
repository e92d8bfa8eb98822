"""Load the app of an embedded target, and run the engine for it in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from wfctl.errors import InvalidInput
from wfctl.model.apps import OWN

if TYPE_CHECKING:
    from wfctl.engine.app_client import EngineBackend
    from wfctl.engine.engine_thread import Engine
    from wfctl.engine.execute.port import Logged
    from wfctl.engine.transaction import Transaction
    from wfctl.workflow.loading.app import App
    from wfctl.workflow.registry import Registry


@dataclass(frozen=True, slots=True)
class AppLogs:
    """What the app logs at `level` (of Python's logging) and above goes to `show`, which any thread may call."""

    level: int
    show: Callable[[Logged], None]


class AppSidecar(Protocol):
    """The sidecar of an app that uses `DaprClient`; see `wfctl.gateway.app_sidecar`."""

    def environment(self) -> Mapping[str, str]: ...
    def serve(self, engine: Engine, store: Path, workflows: Sequence[str]) -> None: ...
    def committed(self, transaction: Transaction) -> None: ...
    def close(self) -> None: ...


class HostedApp:
    """`spec` names the app, `base` is where a module is looked for; the app is imported when it is first needed,
    by the interpreter that `python` finds (None: here). `tell` is told of a migration of the store. `sidecar` opens
    when the app uses `DaprClient`. `others` are further apps, by their IDs, each as `spec` and `base`."""

    def __init__(
        self,
        store: Path,
        spec: str | None,
        base: Path | None,
        tell: Callable[[str], None],
        python: Callable[[], Path | None] = lambda: None,
        logs: AppLogs | None = None,
        sidecar: AppSidecar | None = None,
        others: Mapping[str, tuple[str, Path]] | None = None,
    ) -> None:
        self._store = store
        self._tell = tell
        self.spec = spec
        self._base = base
        self._python = python
        self._logs = logs
        self._sidecar = sidecar
        self._sources = dict(others or {})
        self._others: dict[str, App] = {}
        self._app: App | None = None
        self._backend: EngineBackend | None = None
        self._environment_provided = False

    def load(self) -> App:
        """Return the store's own app. It and the others are imported once.

        Raises InvalidInput if none is named, and AppError.
        """
        if self._app is None:
            if not self.named:
                raise InvalidInput(
                    "no app is named, so there is no workflow to run",
                    hint='--app orders.py, WFCTL_APP, or app = "orders.py" in wfctl.toml (wfctl init writes a sample)',
                )
            from wfctl.engine.execute.hosting import load, no_app
            from wfctl.workflow.loading.import_hook import provide_environment

            if self._sidecar is not None:
                provide_environment(self._sidecar.environment)
                self._environment_provided = True
            python = self._python()
            # The others first: what one of them imports of another, or the own app of them, is registered by then.
            for app_id, (spec, base) in self._sources.items():
                self._others[app_id] = load(spec, base, python, self._log_level, app_id=app_id)
            self._app = no_app() if self.spec is None else load(self.spec, self._base, python, self._log_level)
        return self._app

    def load_others(self) -> Mapping[str, App]:
        """Return the further apps by ID, imported once. Raises AppError."""
        if self.named:
            self.load()
        return self._others

    @property
    def named(self) -> bool:
        """True if there is an app to run."""
        return self.spec is not None or bool(self._sources)

    def registry(self, app: str) -> Registry | None:
        """Return what an app, as the store has it, registers; None for one that is not here. Raises as `load` does."""
        own = self.load()
        return own.registry if app == OWN else self._others[app].registry if app in self._others else None

    @property
    def app_ids(self) -> Sequence[str]:
        """The IDs of the apps besides the store's own."""
        return list(self._sources)

    def start(self, roots: Sequence[int] | None) -> Engine | None:
        """Take ownership of the store and drive the trees in `roots` (None: all of them).

        Returns None if another process owns the store. The app's own clients use this engine from then on.
        Raises StoreError, InvalidInput and AppError.
        """
        from wfctl.engine.app_client import EngineBackend
        from wfctl.engine.engine_thread import Engine
        from wfctl.engine.execute.hosting import executor_of
        from wfctl.engine.garbage import collect_rarely
        from wfctl.workflow.client_backend import bind_backend

        app = self.load()
        engine = Engine(
            self._store,
            lambda deliver: executor_of(app, deliver, self._log_level, self._others),
            app=self.spec,
            workflows=app.registry.workflow_names(),
            apps=[OWN, *self._others],
            tell=self._tell,
            on_log=self._show,
            after_commit=None if self._sidecar is None else self._sidecar.committed,
        )
        backend = EngineBackend(engine, self._store)
        bind_backend(backend)
        if not engine.start(roots):
            bind_backend(None)
            return None
        self._backend = backend
        if self._sidecar is not None:
            self._sidecar.serve(engine, self._store, app.registry.workflow_names())
        collect_rarely()
        return engine

    @property
    def _log_level(self) -> int:
        return 20 if self._logs is None else self._logs.level  # INFO, without importing logging

    def _show(self, logged: Logged) -> None:
        if self._logs is not None and logged.line.level >= self._logs.level and not logged.shown:
            self._logs.show(logged)

    def close(self) -> None:
        """Disconnect the app's clients from the engine, and end the app's process if it has one.

        The caller of `start` stops the engine.
        """
        if self._backend is not None:
            from wfctl.workflow.client_backend import bind_backend

            bind_backend(None)
            self._backend.close()
            self._backend = None
        app, self._app = self._app, None
        others, self._others = self._others, {}
        if app is not None:
            from wfctl.engine.execute.hosting import unload

            for each in (app, *others.values()):
                unload(each)
        if self._environment_provided:
            from wfctl.workflow.loading.import_hook import provide_environment  # with all that an app may import

            provide_environment(None)
            self._environment_provided = False
        if self._sidecar is not None:
            self._sidecar.close()


def unknown_app(app_id: str, known: Sequence[str]) -> InvalidInput:
    """Return the error for an app that is not here, with those that are."""
    return InvalidInput(
        f"there is no app '{app_id}' here",
        hint=f"the apps here: {', '.join(sorted(known))}"
        if known
        else f'[apps.{app_id}] app = "FILE" in wfctl.toml names one; a running wfctl serve takes it without',
    )


def unknown_workflow(name: str, known: Sequence[str]) -> InvalidInput:
    """Return the error for a workflow name that is not registered, with the nearest name that is."""
    from difflib import get_close_matches

    near = get_close_matches(name, known, 1, 0.5)
    suggestion = f"did you mean {near[0]}? " if near else ""
    return InvalidInput(
        f"no workflow '{name}' is registered", hint=f"{suggestion}registered: {', '.join(sorted(known))}"
    )
