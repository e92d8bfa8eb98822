"""Load an app, and make the executor that runs it: in this process, or in one of another Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from wfctl.engine.execute.local import LocalExecutor
from wfctl.engine.execute.port import Delivery, Executor
from wfctl.workflow.loading.app import App, load_app


def load(spec: str, base: Path | None, python: Path | None) -> App:
    """Import the app `spec` (see `load_app`): by the interpreter `python`, or here if that is None.

    Raises AppError, and AppExited if the import ended the other process.
    """
    if python is None:
        return load_app(spec, base)
    from wfctl.engine.execute.child.process import load_in_process

    return load_in_process(spec, base, python)


def executor_of(app: App, deliver: Callable[[Delivery], None]) -> Executor:
    """Make the executor of a loaded app."""
    if type(app) is App:
        return LocalExecutor(app.registry, deliver)
    from wfctl.engine.execute.child.process import ProcessApp, ProcessExecutor

    assert isinstance(app, ProcessApp)
    return ProcessExecutor(app.process, app.registry, deliver)


def unload(app: App) -> None:
    """End the process of an app that has one of its own."""
    if type(app) is not App:
        from wfctl.engine.execute.child.process import ProcessApp

        assert isinstance(app, ProcessApp)
        app.process.close()
