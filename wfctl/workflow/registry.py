"""The workflows (with versions) and activities that an app registers, by name."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from types import FunctionType
from typing import Any

from wfctl.workflow.payloads import input_parameter, to_model


class VersionNotAvailable(Exception):
    """Raised when the version that an instance began with is not registered."""


class Function:
    """A registered workflow or activity, to be called with a context and the decoded input.

    `takes_input` and `model` come from its signature: a second argument, and the Pydantic model it is annotated with.
    """

    __slots__ = ("fn", "is_async", "model", "name", "takes_input", "version")

    def __init__(self, name: str, fn: Callable[..., Any], version: str | None = None) -> None:
        self.name = name
        self.fn = fn
        self.version = version
        self.takes_input, self.model = input_parameter(fn)
        self.is_async = is_async_callable(fn)

    def __call__(self, context: Any, value: Any) -> Any:
        if not self.takes_input:
            return self.fn(context)
        return self.fn(context, value if self.model is None else to_model(value, self.model))


class Registry:
    """The workflows and activities of a runtime or of an app.

    A workflow has versions, or one function without a version. A runtime's registry refuses to register a name twice,
    and passes everything on to the registry of its `app`, where the last one counts: an app may make a runtime, drop it
    and make another with the same names. `threads` limits the sync activities that run at the same time; None leaves
    the limit to the executor.
    """

    def __init__(self, app_id: str | None = None, app: Registry | None = None) -> None:
        self.app_id = app_id
        self._app = app
        self.threads: int | None = None
        self._plain: dict[str, Function] = {}
        self._versions: dict[str, dict[str, Function]] = {}
        self._latest: dict[str, str] = {}
        self._activities: dict[str, Function] = {}

    def add_workflow(self, name: str, fn: Callable[..., Any], *, replace: bool = False) -> None:
        """Register a workflow without versions. Raises ValueError if the name is empty or taken."""
        if name in self._plain and not replace:
            raise ValueError(f"workflow {name!r} is registered already")
        self._plain[name] = Function(_named(name), fn)
        if self._app is not None:
            self._app.add_workflow(name, fn, replace=True)

    def add_version(
        self, name: str, version: str, fn: Callable[..., Any], *, is_latest: bool, replace: bool = False
    ) -> None:
        """Register a version of a workflow. Raises ValueError if the name is empty or the version is taken."""
        versions = self._versions.setdefault(_named(name), {})
        if version in versions and not replace:
            raise ValueError(f"version {version!r} of workflow {name!r} is registered already")
        versions[version] = Function(name, fn, version)
        if is_latest:
            self._latest[name] = version
        if self._app is not None:
            self._app.add_version(name, version, fn, is_latest=is_latest, replace=True)

    def add_activity(self, name: str, fn: Callable[..., Any], *, replace: bool = False) -> None:
        """Register an activity. Raises ValueError if the name is empty or taken."""
        if name in self._activities and not replace:
            raise ValueError(f"activity {name!r} is registered already")
        self._activities[name] = Function(_named(name), fn)
        if self._app is not None:
            self._app.add_activity(name, fn, replace=True)

    def limit_threads(self, limits: Iterable[int | None]) -> None:
        """Set `threads` to the lowest of `limits`, here and in the app's registry."""
        limit = min((limit for limit in limits if limit), default=None)
        if limit is not None:
            for registry in (self, self._app):
                if registry is not None:
                    registry.threads = limit

    def copy(self) -> Registry:
        """Return a registry of the same, to be changed without changing this one."""
        other = Registry(self.app_id)
        other.threads = self.threads
        other._plain, other._latest, other._activities = dict(self._plain), dict(self._latest), dict(self._activities)
        other._versions = {name: dict(versions) for name, versions in self._versions.items()}
        return other

    def add_all(self, other: Registry) -> None:
        """Register what `other` does, too."""
        self._plain |= other._plain
        self._latest |= other._latest
        self._activities |= other._activities
        for name, versions in other._versions.items():
            self._versions[name] = self._versions.get(name, {}) | versions
        self.threads = min((limit for limit in (self.threads, other.threads) if limit), default=None)

    def replace(self, other: Registry) -> None:
        """Register what `other` does, and nothing else any more."""
        self._plain, self._versions, self._latest = other._plain, other._versions, other._latest
        self._activities, self.threads = other._activities, other.threads

    def has_workflow(self, name: str) -> bool:
        return name in self._plain or name in self._versions

    def workflow(self, name: str, version: str | None = None) -> Function | None:
        """Return the function of `version` if it is given, else of the latest version; None if there is none.

        A function without a version comes first, as in Dapr's SDK. Raises VersionNotAvailable.
        """
        plain = self._plain.get(name)
        if plain is not None:
            return plain
        wanted = version or self._latest.get(name)
        if wanted is None:
            return None
        versions = self._versions.get(name)
        if versions is None:
            return None
        if wanted not in versions:
            raise VersionNotAvailable(wanted)
        return versions[wanted]

    def activity(self, name: str) -> Function | None:
        return self._activities.get(name)

    def workflow_functions(self) -> Iterator[tuple[str, Callable[..., Any]]]:
        """Yield each workflow's name and function, and those of all versions."""
        for name, function in sorted(self._plain.items()):
            yield name, function.fn
        for name, versions in sorted(self._versions.items()):
            for function in versions.values():
                yield name, function.fn

    def workflow_names(self) -> list[str]:
        return sorted({*self._plain, *self._versions})

    def activity_names(self) -> list[str]:
        return sorted(self._activities)

    def versions(self, name: str) -> list[str]:
        """Return the names of the versions in the order of registration; empty for a workflow without versions."""
        return list(self._versions.get(name, ()))

    def latest_version(self, name: str) -> str | None:
        """Return the version that new instances run; None for a workflow without versions."""
        return None if name in self._plain else self._latest.get(name)


_app_registry: Registry | None = None


def collect_into(registry: Registry | None) -> Registry | None:
    """Make every new WorkflowRuntime register in `registry` too. Returns the registry that was set before."""
    global _app_registry
    before, _app_registry = _app_registry, registry
    return before


def new_registry() -> Registry:
    """Make the registry of a runtime."""
    return Registry(app=_app_registry)


def name_of(function: Any) -> str:
    """Return the name that a workflow or an activity is registered under. Raises TypeError."""
    if isinstance(function, str):
        return function
    name = getattr(function, "_dapr_alternate_name", None) or getattr(function, "__name__", None)
    if not isinstance(name, str):
        raise TypeError(f"a registered function or its name is needed, not {type(function).__name__}")
    return name


def function_of(fn: Any) -> FunctionType | None:
    """Return the Python function behind partials and decorators; None where there is none."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    with contextlib.suppress(ValueError):  # a decorator made a loop of __wrapped__
        fn = inspect.unwrap(fn)
    fn = getattr(fn, "__func__", fn)
    return fn if isinstance(fn, FunctionType) else None


def is_async_callable(fn: Any) -> bool:
    """Return True if calling `fn` returns a coroutine. Looks through `partial`, `functools.wraps` and `__call__`."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    with contextlib.suppress(ValueError):  # a decorator made a loop of __wrapped__
        fn = inspect.unwrap(fn)
    if inspect.iscoroutinefunction(fn):
        return True
    return not inspect.isroutine(fn) and inspect.iscoroutinefunction(getattr(fn, "__call__", None))  # noqa: B004


def _named(name: str) -> str:
    if not name:
        raise ValueError("a name is needed")
    return name
