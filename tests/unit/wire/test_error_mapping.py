"""The table of errors, read and written from both ends, and the HTTP bodies."""

from __future__ import annotations

import contextlib
import json
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfctl import errors
from wfctl.engine.random_id import new_id
from wfctl.model import ids
from wfctl.model.failure import Failure
from wfctl.model.instance import Instance
from wfctl.model.status import Status
from wfctl.render.text import clean
from wfctl.wire import error_mapping, http_bodies, http_routes
from wfctl.wire.error_codes import OWN, TABLE, Problem
from wfctl.wire.http_routes import ApiVersion, Operation

NAMES = {"id": "i1", "name": "W", "event": "go", "app": "a.b", "child": "c", "kind": "activity", "reason": "x"}
SEVEN = list(http_routes.ROUTES)


@pytest.mark.parametrize("operation", SEVEN)
@pytest.mark.parametrize("problem", list(TABLE))
def test_what_is_written_is_read_again(problem: Problem, operation: Operation) -> None:
    answer = error_mapping.write_http(problem, operation, **NAMES)
    assert "{" not in answer.message
    read = error_mapping.read_http(operation, answer.status, answer.code or None)
    alike = {Problem.UNIMPLEMENTED: Problem.NO_ROUTE}
    # What has the operation's own code is not told apart by it.
    expected = {alike.get(problem, problem)}
    if answer.code in {code for code, _, _ in OWN.values()}:
        expected |= {Problem.LOOK, Problem.OTHER}
    assert read in expected


@pytest.mark.parametrize("operation", [*SEVEN, Operation.RERUN, Operation.HISTORY, Operation.LIST])
@pytest.mark.parametrize("problem", list(TABLE))
def test_the_task_hub_tells_by_code_and_mark(problem: Problem, operation: Operation) -> None:
    code, text = error_mapping.write_hub(problem, operation, **NAMES)
    read = error_mapping.read_hub(operation, code, text)
    assert read in (problem, Problem.MALFORMED, Problem.UNIMPLEMENTED) or error_mapping.error_of(
        read
    ) is error_mapping.error_of(problem)
    if TABLE[problem].mark and operation is not Operation.HISTORY:
        assert read is problem


def test_exact_words_of_1_18() -> None:
    """As a real sidecar gave them, but for the slips in its formatting."""
    missing = error_mapping.write_http(Problem.NOT_FOUND, Operation.GET, id="nope")
    assert missing == error_mapping.HttpAnswer(
        404, "ERR_INSTANCE_ID_NOT_FOUND", "unable to find workflow with the provided instance ID: nope"
    )
    assert error_mapping.write_http(Problem.NOT_FOUND, Operation.PAUSE, id="nope") == error_mapping.HttpAnswer(
        500,
        "ERR_PAUSE_WORKFLOW",
        "error pausing workflow nope: failed to pause workflow nope: failed to suspend workflow: "
        "no such instance exists",
    )
    assert error_mapping.write_http(Problem.NOT_FOUND, Operation.RAISE, id="nope", event="x").message == (
        "error raising event on workflow 'nope': failed to raise event x on workflow nope: failed to raise event: "
        "no such instance exists"
    )
    assert error_mapping.write_http(Problem.EXISTS, Operation.START, id="b1", name="hello") == error_mapping.HttpAnswer(
        500,
        "ERR_START_WORKFLOW",
        "error starting workflow 'hello': unable to start workflow: failed to start workflow: "
        "rpc error: code = AlreadyExists desc = an active workflow with ID 'b1' already exists",
    )
    assert error_mapping.write_http(Problem.NOT_COMPLETED, Operation.PURGE, id="b1").message == (
        "error purging workflow b1: failed to Purge workflow b1: failed to purge workflow state: "
        "orchestration has not yet completed"
    )
    prefix = "failed to create workflow instance: "
    assert error_mapping.write_hub(Problem.EXISTS, Operation.START, id="b1") == (
        "ALREADY_EXISTS",
        f"{prefix}rpc error: code = AlreadyExists desc = an active workflow with ID 'b1' already exists",
    )
    assert error_mapping.write_hub(Problem.CHILD_RUNNING, Operation.START, id="p", child="c") == (
        "ALREADY_EXISTS",
        f"{prefix}rpc error: code = AlreadyExists desc = cannot recreate workflow with ID 'p': "
        "child workflow 'c': orchestration has not yet completed",
    )
    assert error_mapping.write_hub(Problem.STALLED, Operation.START) == ("UNKNOWN", f"{prefix}workflow is stalled")
    assert error_mapping.write_hub(Problem.NOT_FOUND, Operation.TERMINATE, id="x") == (
        "UNKNOWN",
        "failed to submit termination request: no such instance exists",
    )
    assert error_mapping.write_hub(Problem.NOT_FOUND, Operation.HISTORY, id="x") == (
        "NOT_FOUND",
        "workflow instance 'x' not found",
    )
    assert error_mapping.write_runtime(Problem.NOT_FOUND, Operation.TERMINATE, id="x")[0] == "NOT_FOUND"
    assert error_mapping.write_runtime(Problem.NOT_FOUND, Operation.PAUSE, id="x")[0] == "INTERNAL"
    assert error_mapping.write_runtime(Problem.EXISTS, Operation.START, id="x")[0] == "INTERNAL"


def test_an_engines_error_finds_its_problem() -> None:
    of = error_mapping.problem_of
    assert of(errors.NotFound("x"), Operation.GET) is Problem.NOT_FOUND
    assert of(errors.Conflict("x"), Operation.START) is Problem.EXISTS
    assert of(errors.WrongState("x"), Operation.PURGE) is Problem.NOT_COMPLETED
    assert of(errors.WrongState("x"), Operation.RERUN) is Problem.SOURCE_LIVE
    assert of(errors.WrongState("x"), Operation.PAUSE) is Problem.STALLED
    assert of(errors.AppError("x"), Operation.START) is Problem.MALFORMED
    assert of(errors.StoreError("x"), Operation.START) is Problem.OTHER


def test_1_11_has_no_code_for_a_missing_instance() -> None:
    assert error_mapping.read_http(Operation.GET, 500, "ERR_GET_WORKFLOW", (1, 11)) is Problem.NOT_FOUND
    assert error_mapping.read_http(Operation.GET, 500, "ERR_GET_WORKFLOW", (1, 18)) is Problem.OTHER


@pytest.mark.parametrize(
    ("runtime", "version"),
    [
        ((1, 11), ApiVersion.ALPHA1),
        ((1, 12), ApiVersion.BETA1),
        ((1, 14), ApiVersion.BETA1),
        ((1, 15), ApiVersion.V1),
        ((2, 0), ApiVersion.V1),
        (None, ApiVersion.V1),
    ],
)
def test_api_version_by_runtime(runtime: tuple[int, int] | None, version: ApiVersion) -> None:
    assert http_routes.version_for(runtime) is version


@pytest.mark.parametrize("instance_id", ["a", "A-b_c", "é中", "x" * 64, "0", "٣"])
def test_ids_that_a_start_accepts(instance_id: str) -> None:
    assert ids.fault_of_new(instance_id) is None


@pytest.mark.parametrize(
    ("instance_id", "too_long"),
    [
        ("", False),
        ("a b", False),
        ("a:0001", False),
        ("a||b", False),
        ("a.b", False),
        ("½", False),
        ("é" * 33, True),
        ("x" * 65, True),
        ("x\n" * 33, True),
        ("a\n", False),
        ("a\udc80", False),
    ],
)
def test_ids_that_a_start_refuses(instance_id: str, too_long: bool) -> None:
    bad = ids.fault_of_new(instance_id)
    assert bad is not None
    assert bad.too_long is too_long


@pytest.mark.parametrize("instance_id", ["nexus||6671@device", "a b", "p:0001", "{6F96}", "-x", "x" * 900, "$(a)"])
def test_ids_that_other_doors_accept(instance_id: str) -> None:
    assert ids.fault(instance_id) is None
    assert ids.on_a_line(instance_id) is (instance_id[0] != "{")


@given(st.text())
def test_an_id_on_a_line_is_one_line(instance_id: str) -> None:
    if ids.on_a_line(instance_id):
        assert [line.strip() for line in f"{instance_id}\n".splitlines()] == [instance_id]
        assert instance_id == clean(instance_id)
    else:
        assert ids.fault(instance_id) is not None or instance_id[0] in "{["


def test_new_ids_are_good() -> None:
    assert ids.fault_of_new(new_id()) is None


texts = st.none() | st.text(min_size=1)
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(timezone.utc))


@given(
    st.builds(
        Instance,
        id=st.text(min_size=1),
        name=texts,
        status=st.sampled_from([status for status in Status if not status.terminal]),
        created_at=st.none() | moments,
        updated_at=st.none() | moments,
        input=texts,
        output=texts,
        custom_status=texts,
    )
)
def test_instances_there_and_back(instance: Instance) -> None:
    assert http_bodies.read_instance(json.dumps(http_bodies.write_instance(instance)).encode()) == instance


def test_a_failed_instance_there_and_back() -> None:
    now = datetime(2026, 3, 1, tzinfo=timezone.utc)
    failed = Instance("i1", "W", Status.FAILED, now, now, None, now, "1", failure=Failure("ValueError", "no", "line 1"))
    body = http_bodies.write_instance(failed)
    assert "dapr.workflow.output" not in body["properties"]
    assert http_bodies.read_instance(json.dumps(body).encode()) == failed


def test_absent_is_left_out_as_in_dapr() -> None:
    assert http_bodies.write_instance(Instance("i1", None, Status.PENDING)) == {
        "instanceID": "i1",
        "createdAt": "0001-01-01T00:00:00Z",
        "lastUpdatedAt": "0001-01-01T00:00:00Z",
        "runtimeStatus": "PENDING",
    }


KEYS = [
    "instanceID", "runtimeStatus", "createdAt", "properties", "workflows",
    "actorRuntime", "scheduler", "components", "extended", "id",
]  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner),
)


@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_no_body_breaks_the_readers(body: bytes) -> None:
    http_bodies.read_error(body)
    for read in (http_bodies.read_instance, http_bodies.read_started, http_bodies.read_metadata):
        with contextlib.suppress(http_bodies.BadBody):
            read(body)


SOUND = {
    "instanceID": "i",
    "workflowName": "W",
    "createdAt": "2026-01-01T00:00:00Z",
    "lastUpdatedAt": "2026-01-01T00:00:00Z",
    "runtimeStatus": "FAILED",
}
PROPERTIES = [http_bodies.INPUT, http_bodies.OUTPUT, http_bodies.CUSTOM_STATUS, http_bodies.ERROR_TYPE]
PROPERTIES += [http_bodies.ERROR_MESSAGE, http_bodies.STACK_TRACE]


@given(st.sampled_from([*SOUND, *PROPERTIES]), json_values)
def test_a_field_that_is_no_text_is_told_or_is_none(name: str, value: object) -> None:
    """A sidecar may say what it likes: what is read is text, or nothing."""
    body = {**SOUND, name: value} if name in SOUND else {**SOUND, "properties": {name: value}}
    said, found = "", None
    try:
        found = http_bodies.read_instance(json.dumps(body).encode())
    except http_bodies.BadBody as error:
        said = str(error)
    if found is None:
        assert 0 < len(said) < 300
        return
    texts: list[object] = [found.id, found.name, found.input, found.output, found.custom_status]
    if found.failure is not None:
        texts += [found.failure.error_type, found.failure.message, found.failure.stack_trace]
    assert all(text is None or isinstance(text, str) for text in texts)
    assert isinstance(found.id, str)


@given(json_values)
def test_metadata_that_is_no_text_is_none(value: object) -> None:
    extended = {"daprRuntimeVersion": "1.18.3", "wfctlVersion": value, "wfctlServer": value, "wfctlGrpcPort": value}
    actors = {"runtimeStatus": value, "placement": value}
    found = http_bodies.read_metadata(json.dumps({"extended": extended, "actorRuntime": actors}).encode())
    for text in (found.wfctl, found.server, found.actors, found.placement):
        assert text is None or isinstance(text, str)


def test_metadata_of_every_age() -> None:
    old = http_bodies.read_metadata(b'{"id":"a","extended":{"daprRuntimeVersion":"1.11.6"},"actors":[]}')
    assert (old.version, old.workers, old.actors) == ((1, 11), None, "")
    none = http_bodies.read_metadata(b'{"id":"a","runtimeVersion":"1.18.3"}')
    assert (none.workers, none.actor_store) == (0, False)
    edge = http_bodies.read_metadata(b'{"id":"a","runtimeVersion":"edge"}')
    assert (edge.version, edge.workers) == (None, 0)
    full = http_bodies.read_metadata(
        b'{"id":"a","runtimeVersion":"v1.18.3","components":[{"capabilities":["ACTOR"]}],"workflows":'
        b'{"connectedWorkers":2},"actorRuntime":{"runtimeStatus":"RUNNING","placement":"placement: connected"},'
        b'"scheduler":{"connected_addresses":["x:1"]}}'
    )
    assert (full.workers, full.actor_store, full.schedulers) == (2, True, ("x:1",))
