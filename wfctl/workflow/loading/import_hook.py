"""The import hook: `dapr.ext.workflow` and its submodules are `wfctl.workflow` in this process.

It works with and without the `dapr` package. If that is installed, the rest of it stays as it is; if not, the hook
provides `dapr` and `dapr.ext` as empty packages.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

_SDK = "dapr.ext.workflow"

# The submodules of Dapr's SDK and their modules here. `_durabletask.task` is private there, but no other module has the
# types of tasks and NonRetryableError; dapr-agents imports `_durabletask.internal.shared`.
MODULES = {
    "": "wfctl.workflow",
    ".aio": "wfctl.workflow.sdk.aio",
    ".aio.dapr_workflow_client": "wfctl.workflow.sdk.aio",
    ".aio.mcp": "wfctl.workflow.sdk.aio",
    ".dapr_workflow_client": "wfctl.workflow.sdk.client",
    ".dapr_workflow_context": "wfctl.workflow.sdk.context",
    ".logger": "wfctl.workflow.sdk.logger",
    ".logger.logger": "wfctl.workflow.sdk.logger",
    ".logger.options": "wfctl.workflow.sdk.logger",
    ".mcp": "wfctl.workflow.sdk.mcp",
    ".mcp_schema": "wfctl.workflow.sdk.mcp_schema",
    ".propagation": "wfctl.workflow.sdk.propagation",
    ".retry_policy": "wfctl.workflow.sdk.retry_policy",
    ".util": "wfctl.workflow.sdk.util",
    ".workflow_activity_context": "wfctl.workflow.sdk.activity_context",
    ".workflow_context": "wfctl.workflow.sdk.context",
    ".workflow_management": "wfctl.workflow.sdk.management",
    ".workflow_runtime": "wfctl.workflow.sdk.runtime",
    ".workflow_state": "wfctl.workflow.sdk.workflow_state",
    "._durabletask": "wfctl.workflow.sdk.tasks",
    "._durabletask.task": "wfctl.workflow.sdk.tasks",
    "._durabletask.internal": "wfctl.workflow.sdk.shared",
    "._durabletask.internal.shared": "wfctl.workflow.sdk.shared",
}


class _Alias(Loader):
    """The loader that puts a module of wfctl into `sys.modules` under the SDK's name.

    If the SDK has a package where wfctl has a module, it makes a package with the module's names.
    """

    def __init__(self, target: str) -> None:
        self.target = target

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        ours = importlib.import_module(self.target)
        if hasattr(module, "__path__") and not hasattr(ours, "__path__"):
            vars(module).update({name: value for name, value in vars(ours).items() if not name.startswith("__")})
        else:
            sys.modules[module.__name__] = ours


class _Empty(Loader):
    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        pass


class _Workflow(MetaPathFinder):
    """The first finder: it handles all modules of `dapr.ext.workflow`, and refuses those that wfctl does not have."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _SDK and not fullname.startswith(_SDK + "."):
            return None
        ours = MODULES.get(fullname[len(_SDK) :])
        if ours is None:
            raise ModuleNotFoundError(f"wfctl has no {fullname!r}", name=fullname)
        package = any(name.startswith(fullname[len(_SDK) :] + ".") for name in MODULES)
        return ModuleSpec(fullname, _Alias(ours), is_package=package)


class _Packages(MetaPathFinder):
    """The last finder: it provides `dapr` and `dapr.ext` if nothing else does."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, _Empty(), is_package=True) if fullname in ("dapr", "dapr.ext") else None


class _Clients(MetaPathFinder):
    """It notices that the app is about to use `DaprClient`, which reads its address then."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _CLIENTS or _environment is None:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Led(spec.loader)
        return spec


class _Led(Loader):
    """A module's own loader, which runs once the variables are set.

    Not the finder sets them: while one looks, no other thread can import anything, and the sidecar's threads do.
    """

    def __init__(self, inner: Loader) -> None:
        self._inner = inner

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._inner.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        for name, value in client_environment().items():
            _replaced.setdefault(name, os.environ.get(name))
            os.environ[name] = value
        module.__loader__ = self._inner
        if module.__spec__ is not None:
            module.__spec__.loader = self._inner
        self._inner.exec_module(module)


# What the SDK's clients read their settings by, and the clients themselves.
_CLIENTS = ("dapr.conf", "dapr.clients", "dapr.aio")
_environment: Callable[[], Mapping[str, str]] | None = None
_replaced: dict[str, str | None] = {}  # the variables that were set, and what they were before


def provide_environment(environment: Callable[[], Mapping[str, str]] | None) -> None:
    """Set environment variables when the app imports `DaprClient`: those that `environment` returns then.

    None takes back those that were set.
    """
    global _environment
    _environment = environment
    if environment is None:
        for name, value in _replaced.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        _replaced.clear()


def client_environment() -> Mapping[str, str]:
    """Return the variables that lead a `DaprClient` of the app to its sidecar; none if nobody provides one."""
    return {} if _environment is None else _environment()


_workflow, _packages, _clients = _Workflow(), _Packages(), _Clients()


def install() -> None:
    """Make this process import wfctl's modules from now on, also in activities, which may import while they run."""
    if _workflow in sys.meta_path:
        return
    _forget_sdk()
    sys.meta_path[:0] = [_clients, _workflow]
    sys.meta_path.append(_packages)


def uninstall() -> None:
    """Undo `install`, for tests."""
    if _workflow in sys.meta_path:
        sys.meta_path.remove(_workflow)
        sys.meta_path.remove(_packages)
        sys.meta_path.remove(_clients)
        _forget_sdk()
        for name in ("dapr.ext", "dapr"):
            module = sys.modules.get(name)
            if module is not None and isinstance(module.__loader__, _Empty):
                del sys.modules[name]


def _forget_sdk() -> None:
    for name in [name for name in sys.modules if name == _SDK or name.startswith(_SDK + ".")]:
        del sys.modules[name]
    package = sys.modules.get("dapr.ext")
    if package is not None and hasattr(package, "workflow"):
        del package.workflow
