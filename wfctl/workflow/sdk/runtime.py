"""`WorkflowRuntime` and its decorators, with which an app registers its workflows and activities.

Under Dapr the runtime is a worker that connects to a sidecar. wfctl imports the app and runs it, so that starting and
stopping do nothing.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from typing import Any

from wfctl.workflow.registry import Registry, is_async_callable, new_registry
from wfctl.workflow.sdk.logger import LoggerOptions

# The SDK's names of types, for annotations. Its interceptors are gRPC's, which nothing here calls.
ClientInterceptor = Any
SyncActivityWrapper = Callable[[Any, object], object]
AsyncActivityWrapper = Callable[[Any, object], Awaitable[object]]
ActivityWrapper = SyncActivityWrapper | AsyncActivityWrapper

_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class WorkflowRuntime:
    """The workflows and activities of an app.

    wfctl collects what all runtimes of the app register; where two use one name, the last one counts. Of the arguments
    only the limits on activities have an effect: the lowest one given limits how many sync activities run at a time
    (32 without one). Async activities run on one event loop, up to 1,000 at a time.

    Args:
        host: accepted as by Dapr's SDK, without effect: wfctl runs the app.
        port: as `host`.
        logger_options: as `host`.
        interceptors: as `host`.
        maximum_concurrent_activity_work_items: the most sync activities at a time.
        maximum_concurrent_orchestration_work_items: as `host`.
        maximum_thread_pool_workers: the most sync activities at a time.
        worker_ready_timeout: as `host`.
        max_grpc_message_length: as `host`.
        disable_stateful_history: as `host`.
        history_cache_ttl: as `host`.
        history_cache_max_instances: as `host`.
        history_cache_max_bytes: as `host`.
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
        """Register a workflow: a generator function of a context and, if it has one, an input.

        Args:
            fn: the function. A Pydantic model as the annotation of its second argument decodes the input to that model.
            name: the name to register under; by default the function's.

        Raises:
            ValueError: the function is registered already, the name is taken, or it contradicts `alternate_name`.
        """
        self._registry.add_workflow(_claim(fn, "workflow", name), fn)
        fn.__dict__["_workflow_registered"] = True

    def register_versioned_workflow(
        self, fn: Callable[..., Any], *, name: str, version_name: str | None = None, is_latest: bool
    ) -> None:
        """Register one version of a workflow.

        New instances run the latest version; an instance that has begun keeps its own.

        Args:
            fn: the function, as for `register_workflow`.
            name: the name of the workflow, the same for all its versions.
            version_name: the name of this version; by default the function's name.
            is_latest: make this the version that new instances run.

        Raises:
            ValueError: the function is registered already, the name is taken, or it contradicts `alternate_name`.
        """
        _claim(fn, "workflow", name)
        version = fn.__name__ if version_name is None else version_name
        self._registry.add_version(name, version, fn, is_latest=is_latest)
        fn.__dict__["_workflow_registered"] = True

    def register_activity(self, fn: Callable[..., Any], *, name: str | None = None) -> None:
        """Register an activity: a function, `async` or not, of a context and, if it has one, an input.

        Args:
            fn: the function. A Pydantic model as the annotation of its second argument decodes the input to that model.
            name: the name to register under; by default the function's.

        Raises:
            ValueError: the function is registered already, the name is taken, or it contradicts `alternate_name`.
        """
        self._registry.add_activity(_claim(fn, "activity", name), fn)
        fn.__dict__["_activity_registered"] = True

    def workflow(self, __fn: Callable[..., Any] | None = None, *, name: str | None = None) -> Any:
        """Register the decorated function as a workflow: `@wfr.workflow` or `@wfr.workflow(name="...")`.

        Args:
            name: the name to register under; by default the function's.

        Returns:
            A reference to the function, for `call_child_workflow` and `schedule_new_workflow`.
        """

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
        """Register the decorated function as one version of a workflow.

        New instances run the latest version; an instance that has begun keeps its own.

        Args:
            name: the name of the workflow, the same for all its versions.
            version_name: the name of this version; by default the function's name.
            is_latest: make this the version that new instances run.

        Returns:
            A reference to the function.
        """

        def register(fn: Callable[..., Any]) -> Callable[..., Any]:
            self.register_versioned_workflow(fn, name=name, version_name=version_name, is_latest=is_latest)
            return _reference(fn)

        return register(__fn) if __fn else register

    def activity(self, __fn: Callable[..., Any] | None = None, *, name: str | None = None) -> Any:
        """Register the decorated function as an activity: `@wfr.activity` or `@wfr.activity(name="...")`.

        Args:
            name: the name to register under; by default the function's.

        Returns:
            A reference to the function, for `call_activity`.
        """

        def register(fn: Callable[..., Any]) -> Callable[..., Any]:
            self.register_activity(fn, name=name)
            return _reference(fn)

        return register(__fn) if __fn else register

    def start(self) -> None:
        """Do nothing: wfctl runs the app."""

    def shutdown(self) -> None:
        """Do nothing: wfctl runs the app."""

    def wait_for_worker_ready(self, timeout: float = 30.0) -> bool:
        """Return at once: wfctl runs the app.

        Args:
            timeout: seconds, without effect.

        Returns:
            True.
        """
        return True


def alternate_name(name: str | None = None) -> _Decorator:
    """Give a workflow or an activity another name than its function has, as a decorator below that of the runtime.

    Args:
        name: the name to register under; by default the function's.

    Returns:
        The decorator.

    Raises:
        ValueError: the function has an alternate name already.
    """

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


def registry_of(runtime: WorkflowRuntime) -> Registry:
    """Return what a runtime registers.

    Args:
        runtime: the runtime.

    Returns:
        Its registry.
    """
    return runtime._registry


def _claim(fn: Callable[..., Any], kind: str, name: str | None) -> str:
    """Store the name to register under on the function, where calls by reference look it up, and return it.

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
    """Return the reference that a decorator of the runtime leaves in the place of the function."""

    @wraps(fn)
    def reference() -> Callable[..., Any]:
        return fn

    reference.__signature__ = inspect.signature(fn)  # type: ignore[attr-defined]
    return reference


def _called(fn: Callable[..., Any]) -> str:
    return str(getattr(fn, "__name__", fn))
