"""Reruns on a sidecar: their IDs are all that it tells of them, and the lock between those who rerun at once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hub_fake import Hub, some

pytest.importorskip("grpc", reason="needs the extra grpc")

import grpc
from sidecar_fake import grpc_server

from wfctl.client.sidecar.endpoint import Endpoint
from wfctl.client.sidecar.workflows import SidecarWorkflows, open_sidecar
from wfctl.errors import AlreadyRerun, Unsupported
from wfctl.model.instance import Filter, RerunRequest
from wfctl.model.status import Status
from wfctl.wire.protos import taskhub_pb2 as pb


@contextlib.contextmanager
def opened(hub: Hub, **handlers: Callable[[Any, Any], Any]) -> Iterator[SidecarWorkflows]:
    with grpc_server({**hub.handlers(), **handlers}) as address:
        target = open_sidecar(Endpoint(grpc=address, request_timeout=60.0), note=print)
        with contextlib.closing(target):
            yield target


def lineage_hub(*names: str) -> Hub:
    hub = Hub(*(replace(one, id=name) for one, name in zip(some(len(names), Status.FAILED), names, strict=True)))
    hub.histories = {name: [] for name in names}
    return hub


def test_a_rerun_on_a_sidecar_takes_the_next_number() -> None:
    hub = lineage_hub("a", "a-rerun-1", "a-rerun-3", "b")
    with opened(hub) as target:
        assert target.get("a").rerun_as == ("a-rerun-1", "a-rerun-3")
        assert target.get("a-rerun-1").rerun_of == "a"
        assert target.get("a-rerun-3").rerun_as == ()
        with pytest.raises(AlreadyRerun) as refused:
            target.rerun(RerunRequest("a-rerun-1", 1, once=True))
        assert refused.value.rerun_id == "a-rerun-3"
        assert target.rerun(RerunRequest("a", 1)) == "a-rerun-4"
        assert target.rerun(RerunRequest("b", 1, once=True)) == "b-rerun-1"
        assert {one.id: one.rerun_as for one in target.list(Filter())} == {
            "a": ("a-rerun-1", "a-rerun-3"),
            "a-rerun-1": ("a-rerun-3",),
            "a-rerun-3": (),
            "b": (),
        }
    assert [request.new_instance_id for request in hub.seen] == ["a-rerun-4", "b-rerun-1"]


def test_two_operators_rerun_at_once() -> None:
    """Both have found that there is no rerun yet: the sidecar gives the ID to one of them."""
    hub = lineage_hub("a")

    def taken(request: Any, context: Any) -> Any:
        hub.instances["a-rerun-1"] = replace(hub.instances["a"], id="a-rerun-1", status=Status.RUNNING)
        context.abort(grpc.StatusCode.ALREADY_EXISTS, "workflow 'a-rerun-1' has already been created")

    with opened(hub, RerunWorkflowFromEvent=taken) as target:
        for once in (True, False):
            hub.instances.pop("a-rerun-1", None)
            with pytest.raises(AlreadyRerun) as refused:
                target.rerun(RerunRequest("a", 1, once=once))
            assert "as 'a-rerun-1' (RUNNING)" in refused.value.message


def test_the_id_of_a_rerun_that_is_gone_is_passed_over() -> None:
    """Dapr keeps the ID of an instance that was purged by force; wfctl serve the IDs of all reruns."""
    hub = lineage_hub("a")
    asked: list[str] = []

    def burnt(request: Any, context: Any) -> Any:
        asked.append(request.new_instance_id)
        if request.new_instance_id == "a-rerun-1":
            context.abort(grpc.StatusCode.ALREADY_EXISTS, "workflow 'a-rerun-1' has already been created")
        return pb.RerunResponse(new_instance_id=request.new_instance_id)

    with opened(hub, RerunWorkflowFromEvent=burnt) as target:
        assert target.rerun(RerunRequest("a", 1)) == "a-rerun-2"
    assert asked == ["a-rerun-1", "a-rerun-2"]


def test_dapr_cannot_supply_a_result() -> None:
    hub = lineage_hub("a")
    with opened(hub) as target, pytest.raises(Unsupported, match="nothing was rerun"):
        target.rerun(RerunRequest("a", 1, results=((1, "true"),)))
    assert hub.seen == []
