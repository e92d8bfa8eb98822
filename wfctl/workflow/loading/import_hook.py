"""The import hook: `dapr.ext.workflow` and its submodules are `wfctl.workflow` in this process.

It works with and without the `dapr` package. If that is installed, the rest of it stays as it is; if not, the hook
provides `dapr` and `dapr.ext` as empty packages.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_SDK = "dapr.ext.workflow"

# The submodules of Dapr's SDK and their modules here. `_durabletask.task` is private there, but no other module has the
# types of tasks and NonRetryableError.
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


_workflow, _packages = _Workflow(), _Packages()


def install() -> None:
    """Make this process import wfctl's modules from now on, also in activities, which may import while they run."""
    if _workflow in sys.meta_path:
        return
    _forget_sdk()
    sys.meta_path.insert(0, _workflow)
    sys.meta_path.append(_packages)


def uninstall() -> None:
    """Undo `install`, for tests."""
    if _workflow in sys.meta_path:
        sys.meta_path.remove(_workflow)
        sys.meta_path.remove(_packages)
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
