"""The public surface of `dapr.ext.workflow`, as plain text: module, name, parameters.

Run as a program, it prints that of the official SDK, which the import hook would hide.
"""

from __future__ import annotations

import ast
import enum
import importlib
import inspect
import json
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any, TypeVar

PACKAGE = "dapr.ext.workflow"


def modules() -> list[str]:
    """Return the names of the SDK's public modules, without the package's own."""
    package = importlib.import_module(PACKAGE)
    found = [module.name for module in pkgutil.walk_packages(package.__path__, PACKAGE + ".")]
    return [PACKAGE, *(name for name in found if not any(part.startswith("_") for part in name.split(".")))]


def surface(names: list[str]) -> dict[str, str]:
    """Return each public name of these modules with its signature."""
    return {
        f"{module}:{name}": described
        for module in names
        for name, described in of_module(importlib.import_module(module))
    }


def of_module(module: ModuleType) -> Iterator[tuple[str, str]]:
    """Yield what a module makes public: its `__all__`, else what it defines itself, not what it imports."""
    names = getattr(module, "__all__", None) or defined(module)
    for name in names:
        value = getattr(module, name)
        if name.startswith("_") or isinstance(value, TypeVar):
            continue
        yield name, signature(value) if inspect.isclass(value) or inspect.isroutine(value) else "value"
        if inspect.isclass(value):
            yield from ((f"{name}.{member}", described) for member, described in members(value))


def defined(module: ModuleType) -> list[str]:
    """Return the names that a module's own statements bind."""
    names = []
    for statement in ast.parse(inspect.getsource(module)).body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.append(statement.name)
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names += [target.id for target in targets if isinstance(target, ast.Name)]
    return [name for name in names if name != "logger"]


def members(value: type) -> Iterator[tuple[str, str]]:
    """Yield the public methods, properties and members of a class, inherited ones of the SDK too."""
    if issubclass(value, enum.Enum):
        yield from ((member, repr(found.value)) for member, found in value.__members__.items())
        return
    for name in sorted(dir(value)):
        if name.startswith("_"):
            continue
        found = inspect.getattr_static(value, name)
        if isinstance(found, (staticmethod, classmethod)):
            yield name, signature(found.__func__)
        elif inspect.isfunction(found):
            yield name, signature(found)
        else:
            yield name, "property"


def signature(function: Any) -> str:
    """Return a function's parameters: names, kinds, and which may be left out."""
    if inspect.isclass(function) and not inspect.isfunction(function.__init__):
        return ""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ""
    words = []
    for parameter in parameters:
        star = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}.get(parameter.kind.name, "")
        keyword = "!" if parameter.kind is parameter.KEYWORD_ONLY else ""
        default = "" if parameter.default is parameter.empty else "="
        words.append(f"{keyword}{star}{parameter.name}{default}")
    return ", ".join(words)


if __name__ == "__main__":
    print(json.dumps(surface(modules())))  # noqa: T201
