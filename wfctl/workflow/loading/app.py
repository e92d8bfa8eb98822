"""The import of an app: the module, package or file that registers workflows.

It is imported once, with its folder on `sys.path` as for `python app.py`, but under its own name, so that
`if __name__ == "__main__":` does not run. A file inside a package is imported as a module of that package, as
`python -m` would have it. Every exception becomes an AppError that shows the user's own lines.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from keyword import iskeyword
from pathlib import Path
from types import ModuleType

from wfctl.errors import AppError
from wfctl.workflow.loading import import_hook
from wfctl.workflow.loading.app_errors import import_failure, missing_file, missing_module, no_workflows
from wfctl.workflow.registry import Registry, collect_into


@dataclass(frozen=True, slots=True)
class App:
    """A loaded app: its name as given, its module, its file (None if it has none), and what it registers."""

    spec: str
    module: str
    path: Path | None
    registry: Registry


_loaded: dict[tuple[str, Path | None], App] = {}


def load_app(spec: str, base: Path | None = None, *, activities_suffice: bool = False) -> App:
    """Import the app `spec`: a path such as `orders.py` or `src/shop`, or a module such as `pkg.module`.

    Relative paths and modules are looked up in `base`, by default the current folder. Returns the same App for the same
    app. `activities_suffice`: it may register no workflow. Raises AppError.
    """
    folder = (base or Path.cwd()).resolve()
    spec = spec.removeprefix("-m ").strip()
    if not spec.strip():
        raise AppError("the name of the app is empty", hint="name a file such as orders.py, or a module")
    import_hook.install()
    registry = Registry()
    before = collect_into(registry)
    try:
        module, path = _from_file(spec, folder) if _is_path(spec) else _from_module(spec, folder)
        known = _loaded.get((module.__name__, path))
        if known is None and not registry.workflow_names():
            _import_main(spec, module)
    finally:
        collect_into(before)
    if known is not None:
        return known
    if not (registry.workflow_names() or (activities_suffice and registry.activity_names())):
        raise no_workflows(spec, path, registry)
    app = App(spec, module.__name__, path, registry)
    _loaded[(app.module, path)] = app
    return app


def _is_path(spec: str) -> bool:
    return spec.endswith(".py") or "/" in spec or "\\" in spec


def _from_file(spec: str, folder: Path) -> tuple[ModuleType, Path]:
    path = (folder / Path(spec).expanduser()).resolve()
    if os.path.isfile(path / "__init__.py"):
        path = path / "__init__.py"
    if not os.path.isfile(path):  # which takes a name that is too long for one that is not there
        raise missing_file(spec, path)
    package = _package_of(path)
    if package is not None:
        dotted, root = package
        _on_path(root)
        # A script in a folder with an __init__.py may import its neighbours as `python app.py` does.
        if str(path.parent) not in sys.path:
            sys.path.append(str(path.parent))
        return _imported(spec, path, dotted, lambda: importlib.import_module(dotted)), path
    _on_path(path.parent)
    name = _module_name(path)
    loaded = sys.modules.get(name)
    if loaded is not None:
        return loaded, path
    described = importlib.util.spec_from_file_location(name, path)
    if described is None or described.loader is None:
        raise AppError(f"app {spec} is not a Python file", hint="the app's file name must end in .py")
    module = importlib.util.module_from_spec(described)
    loader = described.loader

    def execute() -> ModuleType:
        sys.modules[name] = module
        loader.exec_module(module)
        return module

    return _imported(spec, path, name, execute), path


def _package_of(path: Path) -> tuple[str, Path] | None:
    """Return the name of a file as a module of its package, and the folder that holds the package.

    Returns None if the file is in no package, or its names cannot be imported.
    """
    names = [] if path.stem == "__init__" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").is_file():
        names.insert(0, folder.name)
        folder = folder.parent
    inside = len(names) > 1 or path.stem == "__init__"
    if not inside or not all(name.isidentifier() and not iskeyword(name) for name in names):
        return None
    taken = sys.modules.get(names[0])
    if taken is not None and str(folder / names[0]) not in getattr(taken, "__path__", ()):
        return None
    return ".".join(names), folder


def _import_main(spec: str, module: ModuleType) -> None:
    """Import `__main__` of a package that registers nothing itself: `python -m PACKAGE` runs that."""
    name = f"{module.__name__}.__main__"
    if not hasattr(module, "__path__") or importlib.util.find_spec(name) is None:
        return
    _imported(spec, Path(module.__file__) if module.__file__ else None, name, lambda: importlib.import_module(name))


def _from_module(spec: str, folder: Path) -> tuple[ModuleType, Path | None]:
    top = spec.partition(".")[0]
    source = folder / "src"
    if not os.path.exists(folder / top) and (os.path.isdir(source / top) or os.path.isfile(source / f"{top}.py")):
        _on_path(source)
    _on_path(folder)
    try:
        described = importlib.util.find_spec(spec)
    except ModuleNotFoundError as error:
        if error.name is None or not (spec == error.name or spec.startswith(error.name + ".")):
            raise import_failure(spec, None, error) from error
        described = None
    except Exception as error:  # a parent package that fails, a name such as "a..b"
        raise import_failure(spec, None, error) from error
    if described is None:
        raise missing_module(spec, folder)
    path = Path(described.origin) if described.origin and described.has_location else None
    module = _imported(spec, path, spec, lambda: importlib.import_module(spec))
    return module, path


def _imported(spec: str, path: Path | None, name: str, execute: Callable[[], ModuleType]) -> ModuleType:
    try:
        return execute()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        sys.modules.pop(name, None)
        raise import_failure(spec, path, error) from error


def _module_name(path: Path) -> str:
    """Return the file's own name, so that whoever imports it gets this module; another name if that is taken."""
    name = path.stem
    while True:
        taken = sys.modules.get(name)
        if taken is None or getattr(taken, "__file__", None) == str(path):
            return name
        name = f"app_{name}"


def _on_path(folder: Path) -> None:
    entry = str(folder)
    if entry not in sys.path:
        sys.path.insert(0, entry)
