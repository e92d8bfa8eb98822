"""What `doctor` finds out about a sidecar."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest
from checks import examine, wait_ready
from limits import LIMIT_SECONDS
from sidecar_fake import METADATA, Request, free_port, grpc_server, http_server, no_job, raw_server

from wfctl import errors
from wfctl.client.doctor import sidecar
from wfctl.client.doctor.check import Check, Result
from wfctl.client.sidecar import connection
from wfctl.client.sidecar.endpoint import Endpoint


def quiet(line: str) -> None:
    return


def by_name(checks: Sequence[Check]) -> dict[str, Check]:
    assert all("\n" not in check.detail for check in checks)
    assert all(check.fix for check in checks if check.level is Result.FAIL)
    return {check.name: check for check in checks}


def serving(metadata: dict[str, Any], healthy: bool = True) -> Any:
    def answer(request: Request) -> tuple[int, Any]:
        if request.path.startswith("/v1.0/healthz"):
            not_ready = {"errorCode": "ERR_OUTBOUND_HEALTH_NOT_READY", "message": "dapr outbound is not ready"}
            return (204, b"") if healthy else (500, not_ready)
        return no_job() if "/jobs/" in request.path else (200, metadata)

    return answer


def without(*keys: str) -> dict[str, Any]:
    return {key: value for key, value in METADATA.items() if key not in keys}


def test_all_is_well() -> None:
    pytest.importorskip("grpc")
    from wfctl.wire.protos import taskhub_pb2 as pb

    handlers = {
        "Hello": lambda request, context: request,
        "ListInstanceIDs": lambda request, context: pb.ListInstanceIDsResponse(instance_ids=["a"]),
    }
    with http_server(serving(METADATA)) as server, grpc_server(handlers) as address:
        checks = examine(Endpoint(http=server.url, grpc=address, token="s3cret"), quiet)
        assert wait_ready(Endpoint(http=server.url, grpc=address), 5, quiet)
    found = by_name(checks)
    assert {check.level for check in checks} == {Result.OK}
    assert list(found) == [
        "sidecar", "token", "version", "app", "state store",
        "placement", "scheduler", "worker", "task hub", "list", "clock",
    ]  # fmt: skip
    assert "1.18.3" in found["version"].detail
    assert not any("s3cret" in f"{check.detail}{check.fix}" for check in checks)


@pytest.mark.parametrize(
    ("metadata", "name", "level", "words"),
    [
        (without("workflows"), "worker", Result.WARN, "none is connected"),
        (without("components"), "state store", Result.FAIL, "no component"),
        (without("scheduler"), "scheduler", Result.FAIL, "not connected"),
        (METADATA | {"actorRuntime": {"runtimeStatus": "DISABLED"}}, "placement", Result.FAIL, "DISABLED"),
        (
            METADATA | {"actorRuntime": {"runtimeStatus": "RUNNING", "placement": "placement: disconnected"}},
            "placement",
            Result.FAIL,
            "disconnected",
        ),
        (METADATA | {"runtimeVersion": "1.10.2"}, "version", Result.FAIL, "1.10.2"),
        (METADATA | {"runtimeVersion": "1.15.2"}, "version", Result.WARN, "v1.0"),
        (without("workflows") | {"runtimeVersion": "1.15.2"}, "worker", Result.WARN, "does not say"),
        (METADATA | {"id": "billing"}, "app", Result.FAIL, "billing"),
    ],
)
def test_what_is_not_well(
    metadata: dict[str, Any], name: str, level: Result, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "grpc_installed", lambda: False)
    with http_server(serving(metadata)) as server:
        checks = by_name(examine(Endpoint(http=server.url, app_id="orders"), quiet))
    assert checks[name].level is level
    assert words in checks[name].detail


@pytest.mark.parametrize(
    ("job", "level", "words"),
    [
        (no_job(), Result.OK, "127.0.0.1:50006 answers"),
        (no_job("rpc error: code = Unavailable desc = connection refused"), Result.FAIL, "gives no answer"),
        (None, Result.FAIL, "gives no answer"),
        ((404, b"404 page not found"), Result.WARN, "not checked whether it answers"),
        ((403, {"errorCode": "ERR_PERMISSION_DENIED", "message": "no"}), Result.WARN, "not checked"),
    ],
    ids=["there", "refused", "gone", "no such API", "denied"],
)
def test_a_scheduler_that_a_sidecar_names_and_that_may_be_dead(
    job: tuple[int, Any] | None, level: Result, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real sidecar waits for a scheduler that is gone, as long as it is let."""
    monkeypatch.setattr(connection, "grpc_installed", lambda: False)
    monkeypatch.setattr(sidecar, "SCHEDULER_SECONDS", 0.3)
    let_go = threading.Event()

    def answer(request: Request) -> tuple[int, Any]:
        if "/jobs/" not in request.path:
            return serving(METADATA)(request)
        assert request.method == "GET", "nothing is changed"
        return job if job is not None else (let_go.wait(LIMIT_SECONDS) and None) or no_job()

    with http_server(answer) as server:
        checks = by_name(examine(Endpoint(http=server.url), quiet))
        let_go.set()
    assert checks["scheduler"].level is level
    assert words in checks["scheduler"].detail


def test_the_scheduler_over_grpc_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    grpc = pytest.importorskip("grpc")
    from wfctl.wire.protos import runtime_pb2 as rt

    monkeypatch.setattr(sidecar, "SCHEDULER_SECONDS", 0.5)
    let_go = threading.Event()
    say: list[tuple[Any, str] | None] = []

    def job(request: Any, context: Any) -> Any:
        assert request.value, "the name of a job"
        if say[0] is None:
            let_go.wait(LIMIT_SECONDS)
        else:
            context.abort(*say[0])

    def metadata(request: Any, context: Any) -> Any:
        there = rt.SchedulerInfo(connected_addresses=["s:1"])
        return rt.GetMetadataResponse(id="orders", runtime_version="1.18.3", scheduler=there)

    handlers = {"Hello": lambda request, context: request, "GetMetadata": metadata, "GetJobAlpha1": job}
    unproxied = "failed to proxy request: required metadata dapr-callee-app-id or dapr-app-id not found"
    with grpc_server(handlers) as address:
        for said, level in (
            ((grpc.StatusCode.INTERNAL, "failed to get job due to: rpc error: desc = job not found: x"), Result.OK),
            ((grpc.StatusCode.UNKNOWN, unproxied), Result.WARN),
            (None, Result.FAIL),
        ):
            say[:] = [said]
            checks = by_name(examine(Endpoint(grpc=address), quiet))
            assert checks["scheduler"].level is level, checks["scheduler"]
        let_go.set()


def test_nobody_there() -> None:
    (check,) = examine(Endpoint(http=f"http://127.0.0.1:{free_port()}"), quiet)
    assert (check.name, check.level) == ("sidecar", Result.FAIL)
    assert "connection refused" in check.detail


def test_a_wrong_token() -> None:
    def answer(request: Request) -> tuple[int, Any]:
        return (204, b"") if "healthz" in request.path else (401, b"invalid api token")

    with http_server(answer) as server:
        checks = examine(Endpoint(http=server.url), quiet)
    assert [(check.name, check.level) for check in checks] == [("sidecar", Result.OK), ("token", Result.FAIL)]


def test_no_grpc_there() -> None:
    pytest.importorskip("grpc")
    with http_server(serving(METADATA)) as server:
        checks = by_name(examine(Endpoint(http=server.url, grpc=f"127.0.0.1:{free_port()}"), quiet))
    assert checks["task hub"].level is Result.WARN
    assert "list" not in checks


def test_no_task_hub_there() -> None:
    pytest.importorskip("grpc")
    with http_server(serving(METADATA)) as server, grpc_server({}) as address:
        checks = by_name(examine(Endpoint(http=server.url, grpc=address), quiet))
    assert checks["task hub"].level is Result.WARN


def test_clocks_that_differ() -> None:
    body = b'{"id":"orders","runtimeVersion":"1.15.2"}'
    head = b"HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 2015 00:00:00 GMT\r\ncontent-length: %d\r\n\r\n" % len(body)
    with raw_server(lambda connection: connection.sendall(head + body)) as url:
        checks = by_name(examine(Endpoint(http=url, grpc=f"127.0.0.1:{free_port()}"), quiet))
    assert checks["clock"].level is Result.WARN
    assert "behind this machine's" in checks["clock"].detail


def test_wait_ready_goes_on_when_the_worker_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "grpc_installed", lambda: True)
    metadata = without("workflows")
    notes: list[str] = []
    asked = threading.Semaphore(0)

    def answer(request: Request) -> tuple[int, Any]:
        asked.release()
        if "metadata" in request.path and len(notes) >= 1:
            return 200, METADATA
        return serving(metadata)(request)

    with http_server(answer) as server:
        wait_ready(Endpoint(http=server.url, grpc=f"127.0.0.1:{free_port()}"), 10, notes.append)
    assert notes == ["waiting: worker: none is connected: nothing runs, and a start would wait"]


def test_wait_ready_says_what_is_missing() -> None:
    endpoint = Endpoint(http=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(errors.TimedOut, match=r"not ready after 0.3 s: sidecar: no sidecar answers"):
        wait_ready(endpoint, 0.3, quiet)
