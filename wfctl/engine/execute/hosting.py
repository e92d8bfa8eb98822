"""Load an app, and make the executor that runs it: in this process, or in one of another Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from logging import INFO
from pathlib import Path

from wfctl.engine.execute.local import LocalExecutor
from wfctl.engine.execute.port import Delivery, Executor
from wfctl.model.apps import OWN
from wfctl.workflow.loading.app import App, load_app
from wfctl.workflow.registry import Registry


def load(spec: str, base: Path | None, python: Path | None, log_level: int = INFO, *, app_id: str | None = None) -> App:
    """Import the app `spec` (see `load_app`): by the interpreter `python`, or here if that is None.

    `log_level` is that of `LocalExecutor`. `app_id`: of a further app, which may register activities
    alone.

    Raises AppError, and AppExited if the import ended the other process.
    """
    if python is None:
        app = load_app(spec, base, activities_suffice=app_id is not None)
        app.registry.app_id = app_id
        return app
    from wfctl.engine.execute.child.process import load_in_process

    return load_in_process(spec, base, python, log_level, app_id=app_id)


def no_app() -> App:
    """Return an app that registers nothing, for a store whose own app nobody named."""
    return App("", "", None, Registry())


def executor_of(
    app: App,
    deliver: Callable[[Delivery], None],
    log_level: int = INFO,
    others: Mapping[str, App] | None = None,
) -> Executor:
    """Make the executor of a loaded app, and of `others` by their IDs."""
    apps = {OWN: app, **(others or {})}
    here = {app_id: each.registry for app_id, each in apps.items() if type(each) is App}
    if len(here) == len(apps):
        return LocalExecutor(here.pop(OWN), deliver, log_level=log_level, others=here)
    from wfctl.engine.execute.child.process import ProcessApp, ProcessExecutor

    processes: dict[str, Executor] = {}
    for app_id, each in apps.items():
        if isinstance(each, ProcessApp):
            processes[app_id] = ProcessExecutor(each.process, each.registry, deliver, app_id)
    if len(apps) == 1:
        return processes[OWN]
    from wfctl.engine.execute.apps import AppsExecutor

    return AppsExecutor(processes)


def reload(app: App) -> None:
    """Import the changed code of an app that has a process of its own.

    Raises AppError and AppExited if it does not load: then the code from before stays.
    """
    from wfctl.engine.execute.child import process

    assert isinstance(app, process.ProcessApp)
    process.reload(app)


def unload(app: App) -> None:
    """End the process of an app that has one of its own."""
    if type(app) is not App:
        from wfctl.engine.execute.child.process import ProcessApp

        assert isinstance(app, ProcessApp)
        app.process.close()
