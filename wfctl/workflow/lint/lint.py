"""Read all workflows that an app registers."""

from __future__ import annotations

import inspect
import os
from contextlib import suppress
from typing import Any

from wfctl.model.code_warning import CodeWarning
from wfctl.workflow.lint.function import Called, Reader
from wfctl.workflow.lint.source import Source
from wfctl.workflow.registry import Registry, function_of

_NOT_THE_USERS = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}", "<")
_PYTHONS = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_OURS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep


def lint(registry: Registry) -> list[CodeWarning]:
    """Return what there is to say of the code of an app's workflows, each thing once, by file and line.

    The functions that workflows call are read too, but for those of libraries.
    """
    found: dict[object, CodeWarning] = {}
    linter = _Linter(registry)
    for name, function in registry.workflow_functions():
        for one in linter.read(name, function):
            found.setdefault((one.place, one.rule, one.text), one)
    return sorted(found.values(), key=lambda one: (one.place.file, one.place.line, one.rule))


class _Linter:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._sources: dict[str, Source | None] = {}

    def read(self, name: str, registered: Any) -> list[CodeWarning]:
        function = function_of(registered)
        if function is None:
            return []
        parameters = list(inspect.signature(function).parameters)
        first = parameters[1:] if parameters[:1] == ["self"] else parameters
        waiting = [Called(function, frozenset(first[:1]))]
        seen: set[Called] = set()
        warnings: list[CodeWarning] = []
        while waiting:
            one = waiting.pop()
            reader = None if one in seen else self._reader(name, one, whole=not seen)
            seen.add(one)
            if reader is not None:
                reader.read()
                warnings += reader.warnings
                waiting += reader.called
        return warnings

    def _reader(self, name: str, called: Called, *, whole: bool) -> Reader | None:
        function = called.function
        source = self._source(function.__code__.co_filename)
        node = None if source is None else source.function(function.__code__)
        if source is None or node is None:
            return None
        return Reader(source, node, called.contexts, function.__globals__, self._registry, name, whole=whole)

    def _source(self, file: str) -> Source | None:
        if file not in self._sources:
            self._sources[file] = None
            if not any(part in file for part in _NOT_THE_USERS) and not file.startswith((_PYTHONS, _OURS)):
                with suppress(OSError, SyntaxError, ValueError):  # it has no source, or another one by now
                    self._sources[file] = Source(file)
        return self._sources[file]
