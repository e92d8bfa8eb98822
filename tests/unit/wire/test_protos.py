"""Our messages must be those of Dapr on the wire, field by field, whatever they are called."""

from __future__ import annotations

import subprocess
import sys

import pytest
from limits import LIMIT_SECONDS

pytest.importorskip("google.protobuf", reason="needs the extra grpc")

from google.protobuf import descriptor as d

from wfctl.wire import grpc_methods

theirs_taskhub = pytest.importorskip(
    "dapr.ext.workflow._durabletask.internal.orchestrator_service_pb2",
    reason="the dapr package (1.19) is not installed: nothing to compare our messages with",
)
theirs_runtime = pytest.importorskip("dapr.proto.runtime.v1.dapr_pb2")


def their_methods() -> dict[str, d.MethodDescriptor]:
    found = {}
    for module, name in ((theirs_taskhub, "TaskHubSidecarService"), (theirs_runtime, "Dapr")):
        service = module.DESCRIPTOR.services_by_name[name]
        for method in service.methods:
            found[f"/{service.full_name}/{method.name}"] = method
    return found


def shape(field: d.FieldDescriptor) -> dict[str, object]:
    """What counts on the wire, and which fields exclude each other."""
    group = field.containing_oneof
    return {
        "type": field.type,
        "repeated": field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED,  # type: ignore[attr-defined]
        "presence": field.has_presence,
        "oneof": tuple(f.number for f in group.fields) if group else None,
    }


def compare(ours: d.Descriptor, theirs: d.Descriptor, seen: set[str]) -> None:
    if ours.full_name in seen:
        return
    seen.add(ours.full_name)
    if theirs.full_name.startswith("google.protobuf."):
        assert ours.full_name == theirs.full_name
        return
    mine = {field.number: field for field in ours.fields}
    other = {field.number: field for field in theirs.fields}
    assert set(mine) == set(other), f"{ours.full_name} and {theirs.full_name} differ in their fields"
    for number, field in mine.items():
        twin = other[number]
        where = f"{ours.full_name}.{field.name} ({number})"
        assert shape(field) == shape(twin), where
        if field.message_type is not None:
            assert twin.message_type is not None
            compare(field.message_type, twin.message_type, seen)
        if field.enum_type is not None:
            numbers = {value.number for value in field.enum_type.values}
            assert twin.enum_type is not None
            assert numbers == {value.number for value in twin.enum_type.values}, where


@pytest.mark.parametrize("method", [*grpc_methods.TASK_HUB, *grpc_methods.RUNTIME], ids=lambda method: method.path)
def test_messages_have_the_fields_of_the_wire(method: grpc_methods.Method) -> None:
    theirs = their_methods()[method.path]
    seen: set[str] = set()
    compare(method.request.DESCRIPTOR, theirs.input_type, seen)  # type: ignore[arg-type]
    compare(method.response.DESCRIPTOR, theirs.output_type, seen)  # type: ignore[arg-type]
    assert theirs.server_streaming == (method is grpc_methods.WORK_ITEMS)


def test_the_whole_task_hub_service_is_there() -> None:
    service = theirs_taskhub.DESCRIPTOR.services_by_name["TaskHubSidecarService"]
    ours = {method.path.rpartition("/")[2] for method in grpc_methods.TASK_HUB}
    assert ours == {method.name for method in service.methods}


def test_every_workflow_method_of_the_general_service_is_there() -> None:
    service = theirs_runtime.DESCRIPTOR.services_by_name["Dapr"]
    ours = {method.path.rpartition("/")[2] for method in grpc_methods.RUNTIME}
    assert ours >= {method.name for method in service.methods if "Workflow" in method.name}


@pytest.mark.parametrize("first", ["dapr.ext.workflow", "wfctl.wire.grpc_methods"])
def test_both_live_in_one_process_in_either_order(first: str) -> None:
    code = (
        f"import {first}, dapr.ext.workflow, wfctl.wire.grpc_methods;"
        "from dapr.ext.workflow._durabletask.internal import history_events_pb2 as a;"
        "from wfctl.wire.protos import history_pb2 as b;"
        "m = a.HistoryEvent(eventId=7, eventRaised=a.EventRaisedEvent(name='x'));"
        "n = b.HistoryEvent.FromString(m.SerializeToString());"
        "assert (n.event_id, n.event_raised.name) == (7, 'x')"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=LIMIT_SECONDS)
