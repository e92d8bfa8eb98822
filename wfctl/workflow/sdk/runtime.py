"""`WorkflowRuntime` and its decorators: how an app registers what it has.

Under Dapr the runtime is a worker that connects to a sidecar. Here wfctl has imported the app and runs it, so
starting and stopping do nothing.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from wfctl.workflow.registry import is_async_callable, new_registry
from wfctl.workflow.sdk.logger import LoggerOptions

_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class WorkflowRuntime:
    """Registers workflows and activities. The arguments are those of the SDK.

    Of them only the limits on activities mean something here: that many sync activities run at a time.
    """

    def __init__(
        self,
        host: str | None = None,
        port: str | None = None,
        logger_options: LoggerOptions | None = None,
        interceptors: Sequence[Any] | None = None,
        maximum_concurrent_activity_work_items: int | None = None,
        maximum_concurrent_orchestration_work_items: int | None = None,
        maximum_thread_pool_workers: int | None = None,
        worker_ready_timeout: float | None = None,
        max_grpc_message_length: int | None = None,
        disable_stateful_history: bool = False,
        history_cache_ttl: float | None = None,
        history_cache_max_instances: int | None = None,
        history_cache_max_bytes: int | None = None,
    ) -> None:
        self._registry = new_registry()
        self._registry.limit_threads((maximum_concurrent_activity_work_items, maximum_thread_pool_workers))

    def register_workflow(self, fn: Callable[..., Any], *, name: str | None = None) -> None:
        self._registry.add_workflow(_claim(fn, "workflow", name), fn)
        fn.__dict__["_workflow_registered"] = True

    def register_versioned_workflow(
        self, fn: Callable[..., Any], *, name: str, version_name: str | None = None, is_latest: bool
    ) -> None:
        _claim(fn, "workflow", name)
        version = fn.__name__ if version_name is None else version_name
        self._registry.add_version(name, version, fn, is_latest=is_latest)
        fn.__dict__["_workflow_registered"] = True

    def register_activity(self, fn: Callable[..., Any], *, name: str | None = None) -> None:
        self._registry.add_activity(_claim(fn, "activity", name), fn)
        fn.__dict__["_activity_registered"] = True

    def workflow(self, __fn: Callable[..., Any] | None = None, *, name: str | None = None) -> Any:
        """Decorator, with or without arguments."""

        def register(fn: Callable[..., Any]) -> Callable[..., Any]:
            self.register_workflow(fn, name=name)
            return _reference(fn)

        return register(__fn) if __fn else register

    def versioned_workflow(
        self,
        __fn: Callable[..., Any] | None = None,
        *,
        name: str,
        version_name: str | None = None,
        is_latest: bool,
    ) -> Any:
        """Decorator for one of several versions of the workflow `name`; new instances take the latest."""

        def register(fn: Callable[..., Any]) -> Callable[..., Any]:
            self.register_versioned_workflow(fn, name=name, version_name=version_name, is_latest=is_latest)
            return _reference(fn)

        return register(__fn) if __fn else register

    def activity(self, __fn: Callable[..., Any] | None = None, *, name: str | None = None) -> Any:
        """Decorator, with or without arguments. `async def` activities run on an event loop."""

        def register(fn: Callable[..., Any]) -> Callable[..., Any]:
            self.register_activity(fn, name=name)
            return _reference(fn)

        return register(__fn) if __fn else register

    def start(self) -> None:
        """Nothing: wfctl runs the app."""

    def shutdown(self) -> None:
        """Nothing: wfctl runs the app."""

    def wait_for_worker_ready(self, timeout: float = 30.0) -> bool:
        return True


def alternate_name(name: str | None = None) -> _Decorator:
    """Decorator that gives a workflow or an activity another name than its function has."""

    def rename(fn: Callable[..., Any]) -> Callable[..., Any]:
        if hasattr(fn, "_dapr_alternate_name"):
            raise ValueError(f"{_called(fn)} has the alternate name {fn._dapr_alternate_name!r} already")
        fn.__dict__["_dapr_alternate_name"] = name or fn.__name__
        if is_async_callable(fn):

            @wraps(fn)
            async def renamed(*args: Any, **kwargs: Any) -> Any:
                return await fn(*args, **kwargs)
        else:

            @wraps(fn)
            def renamed(*args: Any, **kwargs: Any) -> Any:
                return fn(*args, **kwargs)

        renamed.__signature__ = inspect.signature(fn)  # type: ignore[attr-defined]
        return renamed

    return rename


def _claim(fn: Callable[..., Any], kind: str, name: str | None) -> str:
    """The name to register under, noted on the function, where calls by reference look it up.

    A function is registered once, and has one name: `name` and `alternate_name` exclude each other.
    """
    known = getattr(fn, "_dapr_alternate_name", None)
    if hasattr(fn, f"_{kind}_registered"):
        raise ValueError(f"{kind} {_called(fn)} is registered already, as {known!r}")
    if known is not None:
        if name is not None:
            raise ValueError(f"{kind} {_called(fn)} has the alternate name {known!r} already")
        return str(known)
    own = name or fn.__name__
    fn.__dict__["_dapr_alternate_name"] = own
    return own


def _reference(fn: Callable[..., Any]) -> Callable[..., Any]:
    """What a decorated name is afterwards: a reference for `call_activity` and its like, not the function."""

    @wraps(fn)
    def reference() -> Callable[..., Any]:
        return fn

    reference.__signature__ = inspect.signature(fn)  # type: ignore[attr-defined]
    return reference


def _called(fn: Callable[..., Any]) -> str:
    return str(getattr(fn, "__name__", fn))
