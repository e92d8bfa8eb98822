"""Load an app, and make the executor that runs it: in this process, or in one of another Python."""

from __future__ import annotations

from collections.abc import Callable
from logging import INFO
from pathlib import Path

from wfctl.engine.execute.local import LocalExecutor
from wfctl.engine.execute.port import Delivery, Executor
from wfctl.workflow.loading.app import App, load_app


def load(spec: str, base: Path | None, python: Path | None, log_level: int = INFO) -> App:
    """Import the app `spec` (see `load_app`): by the interpreter `python`, or here if that is None.

    `log_level` is that of `LocalExecutor`.

    Raises AppError, and AppExited if the import ended the other process.
    """
    if python is None:
        return load_app(spec, base)
    from wfctl.engine.execute.child.process import load_in_process

    return load_in_process(spec, base, python, log_level)


def executor_of(app: App, deliver: Callable[[Delivery], None], log_level: int = INFO) -> Executor:
    """Make the executor of a loaded app."""
    if type(app) is App:
        return LocalExecutor(app.registry, deliver, log_level=log_level)
    from wfctl.engine.execute.child.process import ProcessApp, ProcessExecutor

    assert isinstance(app, ProcessApp)
    return ProcessExecutor(app.process, app.registry, deliver)


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
