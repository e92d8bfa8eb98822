"""Find the app whose workflows are tested."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from wfctl.errors import AppError, InvalidInput
from wfctl.workflow.loading.app import App, load_app
from wfctl.workflow.registry import Registry, name_of
from wfctl.workflow.sdk.runtime import WorkflowRuntime, registry_of


def app_of(app: Any, workflow: Any = None, folder: Path | None = None) -> App:
    """Return the app to run.

    `app` is a path or the name of a module, a module, a runtime, or None: the module of the function `workflow`, or the
    app of the settings that hold in `folder`. Raises InvalidInput and AppError.
    """
    if app is None and callable(workflow):
        app = sys.modules.get(getattr(workflow, "__module__", ""), None)
    if app is None:
        return _configured(folder or Path.cwd())
    if isinstance(app, (str, os.PathLike)):
        return _loaded(os.fspath(app), folder)
    runtimes = [app] if isinstance(app, WorkflowRuntime) else _runtimes(app)
    registry = Registry()
    for runtime in runtimes:
        registry.add_all(registry_of(runtime))
    if callable(workflow) and not registry.has_workflow(name_of(workflow)):
        registry.add_workflow(name_of(workflow), workflow)
    name = getattr(app, "__name__", type(app).__name__)
    if not registry.workflow_names():
        raise AppError(f"{name} registers no workflow with wfctl", hint=_ORDER)
    return App(name, name, None, registry)


_ORDER = "import wfctl.testing before the app, as in conftest.py: the app must find its dapr.ext.workflow"


def _runtimes(app: Any) -> list[WorkflowRuntime]:
    if not isinstance(app, ModuleType):
        raise InvalidInput(
            f"a {type(app).__name__} is no app", hint="a path, a module's name, a module, or a WorkflowRuntime"
        )
    return [one for one in vars(app).values() if isinstance(one, WorkflowRuntime)]


def _configured(folder: Path) -> App:
    from wfctl.config.settings import resolve

    settings = resolve({}, os.environ, folder)
    if settings.app is None:
        raise InvalidInput(
            "no app is named, so there is no workflow to test",
            hint='app="orders.py" here, app = "orders.py" in wfctl.toml, or WFCTL_APP',
        )
    return _loaded(settings.app, settings.base)


def _loaded(spec: str, base: Path | None) -> App:
    try:
        return load_app(spec, base)
    except AppError as error:
        early = sys.modules.get(Path(spec).stem if spec.endswith(".py") else spec)
        if early is not None and not _runtimes(early):
            raise AppError(f"{spec} was imported before wfctl.testing", hint=_ORDER) from error
        raise
