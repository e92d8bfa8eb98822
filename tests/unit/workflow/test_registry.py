from __future__ import annotations

import functools
from typing import Any

import pytest

import wfctl.workflow as wf
from wfctl.workflow.registry import Registry, VersionNotAvailable, collect_into, is_async_callable


def test_names() -> None:
    wfr = wf.WorkflowRuntime()

    @wfr.workflow
    def one(ctx): ...

    @wfr.workflow(name="zwei")
    def two(ctx): ...

    @wfr.workflow
    @wf.alternate_name("trois")
    def three(ctx): ...

    @wfr.activity
    @wf.alternate_name()
    def four(ctx): ...

    @wfr.versioned_workflow(name="five", is_latest=True)
    def five_v1(ctx): ...

    assert wfr._registry.workflow_names() == ["five", "one", "trois", "zwei"]
    assert wfr._registry.activity_names() == ["four"]
    assert wfr._registry.versions("five") == ["five_v1"]
    assert wfr._registry.latest_version("five") == "five_v1"
    assert wfr._registry.versions("one") == []
    assert wfr._registry.latest_version("one") is None


def test_a_decorated_name_is_a_reference() -> None:
    wfr = wf.WorkflowRuntime()

    def plain(ctx, value): ...

    decorated = wfr.activity(plain)
    assert decorated() is plain
    assert decorated.__name__ == "plain"


def test_a_function_has_one_name_and_is_registered_once() -> None:
    wfr = wf.WorkflowRuntime()

    def one(ctx): ...

    @wf.alternate_name("zwei")
    def two(ctx): ...

    wfr.register_workflow(one)
    with pytest.raises(ValueError, match="registered already, as 'one'"):
        wfr.register_workflow(one)
    with pytest.raises(ValueError, match="has the alternate name 'zwei'"):
        wfr.register_workflow(two, name="deux")
    with pytest.raises(ValueError, match="has the alternate name 'zwei'"):
        wf.alternate_name("deux")(two)
    with pytest.raises(ValueError, match="workflow 'one' is registered already"):
        wfr.register_workflow(lambda ctx: 1, name="one")
    wfr.register_activity(two)
    with pytest.raises(ValueError, match="activity 'zwei' is registered already"):
        wfr.register_activity(lambda ctx: 1, name="zwei")


def test_all_runtimes_of_an_app_contribute_and_the_last_one_counts() -> None:
    registry = Registry()
    before = collect_into(registry)
    try:
        first, second = wf.WorkflowRuntime(maximum_thread_pool_workers=3), wf.WorkflowRuntime()
    finally:
        collect_into(before)
    first.register_workflow(lambda ctx: 1, name="a")
    second.register_workflow(lambda ctx: 2, name="a")
    second.register_versioned_workflow(lambda ctx: 3, name="b", version_name="v1", is_latest=True)
    second.register_activity(lambda ctx: 4, name="c")
    function = registry.workflow("a")
    assert function is not None
    assert function(None, None) == 2
    assert registry.workflow_names() == ["a", "b"]
    assert registry.threads == 3


def test_versions() -> None:
    registry = Registry()
    registry.add_version("w", "v1", lambda ctx: 1, is_latest=False)
    assert registry.workflow("w") is None
    assert registry.has_workflow("w")
    registry.add_version("w", "v2", lambda ctx: 2, is_latest=True)
    function = registry.workflow("w")
    assert function is not None
    assert function.version == "v2"
    with pytest.raises(VersionNotAvailable):
        registry.workflow("w", "v3")
    with pytest.raises(ValueError, match="version 'v1'"):
        registry.add_version("w", "v1", lambda ctx: 1, is_latest=False)
    with pytest.raises(ValueError, match="name is needed"):
        registry.add_workflow("", lambda ctx: 1)


def test_functions_with_a_version_and_one_without() -> None:
    """The one without wins, as in the SDK."""
    registry = Registry()
    registry.add_version("w", "v1", lambda ctx: 1, is_latest=True)
    registry.add_workflow("w", lambda ctx: 0)
    function = registry.workflow("w", "v1")
    assert function is not None
    assert function.version is None


def test_async_callables() -> None:
    async def coroutine(ctx): ...

    @functools.wraps(coroutine)
    def wrapped(ctx): ...

    class Callable:
        async def __call__(self, ctx: Any) -> None: ...

    assert all(map(is_async_callable, [coroutine, wrapped, Callable(), functools.partial(coroutine, 1)]))
    assert not any(map(is_async_callable, [lambda ctx: 1, print, functools.partial(print)]))


def test_a_hosted_runtime_starts_nothing() -> None:
    wfr = wf.WorkflowRuntime("host", "50001", worker_ready_timeout=1.0)
    wfr.start()
    assert wfr.wait_for_worker_ready()
    wfr.shutdown()
