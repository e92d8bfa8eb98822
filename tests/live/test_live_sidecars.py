"""Real sidecars in other situations: no worker, a token, sockets, no store, a stalled instance, a bad key."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from checks import examine, wait_ready
from live_dapr import Dapr, Daprd, running, until

from wfctl import errors
from wfctl.client.doctor.check import Check, Result
from wfctl.client.sidecar.endpoint import Endpoint
from wfctl.model.instance import Filter, IfExists, StartRequest
from wfctl.model.status import Status
from wfctl.wire.http_routes import Operation


@pytest.fixture(scope="module")
def idle(dapr: Dapr) -> Daprd:
    """A sidecar without a worker."""
    return dapr.sidecar("idle")


@pytest.fixture(params=["http", "grpc"])
def by(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def quiet(line: str) -> None:
    return


def test_doctor(orders: Daprd) -> None:
    checks = examine(Endpoint(http=orders.http, grpc=orders.grpc, app_id="orders"), quiet)
    assert {check.level for check in checks} == {Result.OK}, checks
    assert wait_ready(Endpoint(http=orders.http, grpc=orders.grpc), 5, quiet)


def test_the_scheduler_dies(dapr: Dapr, tmp_path: Path, by: str) -> None:
    """The sidecar goes on to name it."""
    with running(tmp_path, dapr.programs) as mine:
        daprd = mine.sidecar("orphan")
        endpoint = Endpoint(http=daprd.http if by == "http" else None, grpc=daprd.grpc)

        def scheduler() -> Check:
            return next(check for check in examine(endpoint, quiet) if check.name == "scheduler")

        assert until(lambda: ((check := scheduler()).level is Result.OK and check) or None).detail.endswith("answers")
        mine.scheduler.popen.kill()
        mine.scheduler.popen.wait()
        assert scheduler().level is Result.FAIL
        assert "gives no answer" in scheduler().detail


def test_another_app(orders: Daprd) -> None:
    target = orders.open(app_id="billing")
    try:
        with pytest.raises(errors.Unsupported, match="cannot reach 'billing'"):
            target.get("x")
    finally:
        target.close()


def test_no_worker(idle: Daprd, by: str) -> None:
    target = idle.open(by=by)
    try:
        began = time.monotonic()
        with pytest.raises(errors.Unreachable, match="no worker is connected"):
            target.start(StartRequest("quick", "x"))
        assert time.monotonic() - began < 2
        assert list(target.list(Filter())) == []
        with pytest.raises(errors.NotFound):
            target.pause("x")
    finally:
        target.close()
    checks = {check.name: check for check in examine(Endpoint(http=idle.http, grpc=idle.grpc), quiet)}
    assert checks["worker"].level is Result.WARN


def test_the_worker_leaves(dapr: Dapr, python: str) -> None:
    daprd = dapr.sidecar("leaving")
    worker = dapr.worker(daprd, python)
    target = daprd.open()
    try:
        target.start(StartRequest("wait_go", "x", '"x"'))
        until(lambda: target.get("x").waiting_for)
        target.start(StartRequest("quick", "y", "1"))
        until(lambda: target.get("y").status.terminal)
        worker.stop()
        http = target._sidecar.http
        assert http is not None
        until(lambda: http.metadata().workers == 0)
        assert target.get("x").status is Status.RUNNING
        for ask, words in (
            (lambda: target.pause("x"), "'x' cannot be paused"),
            (lambda: target.pause("x", reason="r"), "'x' cannot be paused"),
            (lambda: target.terminate("x"), "'x' cannot be terminated"),
            (lambda: target.raise_event("x", "go"), "'x' cannot take an event"),
            (lambda: target.purge("y"), "'y' cannot be purged"),
        ):
            with pytest.raises(errors.Unreachable, match=f"no worker is connected .*: {words}"):
                ask()
        assert target.purge("y", force=True) == 1
    finally:
        target.close()


def test_a_token(dapr: Dapr, python: str) -> None:
    daprd = dapr.sidecar("guarded", DAPR_API_TOKEN="s3cret")
    dapr.worker(daprd, python, token="s3cret")
    for by in ("http", "grpc"):
        for token in (None, "wrong"):
            target = daprd.open(by=by, token=token)
            try:
                for ask in (lambda: target.get("x"), lambda: list(target.list(Filter()))):  # noqa: B023
                    with pytest.raises(errors.NotAuthenticated) as caught:
                        ask()
                    assert "wrong" not in caught.value.message
            finally:
                target.close()
        target = daprd.open(by=by, token="s3cret")
        try:
            target.start(StartRequest("quick", f"x-{by}", "1"))
            until(lambda: target.get(f"x-{by}").status.terminal)  # noqa: B023
            assert [row.id for row in target.list(Filter(id_prefix=f"x-{by}"))] == [f"x-{by}"]
        finally:
            target.close()
    checks = examine(Endpoint(http=daprd.http, grpc=daprd.grpc, token="wrong"), quiet)
    assert (checks[-1].name, checks[-1].level) == ("token", Result.FAIL)


@pytest.fixture
def sockets() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="wf"))  # a socket's path must be short
    yield folder
    shutil.rmtree(folder)


def test_unix_domain_sockets(dapr: Dapr, sockets: Path) -> None:
    daprd = dapr.sidecar("local", sockets=sockets)
    target = daprd.open()
    try:
        with pytest.raises(errors.NotFound):
            target.get("x")
        assert list(target.list(Filter())) == []
    finally:
        target.close()


def test_no_store(dapr: Dapr, by: str) -> None:
    daprd = dapr.sidecar(f"storeless-{by}", store=False)
    target = daprd.open(by=by)
    try:
        for ask in (lambda: target.get("x"), lambda: list(target.list(Filter()))):
            with pytest.raises(errors.Unsupported, match="state store"):
                ask()
    finally:
        target.close()
    checks = {check.name: check for check in examine(Endpoint(http=daprd.http, grpc=daprd.grpc), quiet)}
    assert checks["state store"].level is Result.FAIL


def test_a_stalled_instance(dapr: Dapr, python: str) -> None:
    daprd = dapr.sidecar("small", "--max-body-size=1Mi")
    dapr.worker(daprd, python)
    for by in ("http", "grpc"):
        target = daprd.open(by=by)
        name = f"big-{by}"
        try:
            target.start(StartRequest("oversize", name, str(250 * 1024)))
            found: Any = until(lambda: (row := target.get(name)).status is Status.STALLED and row)  # noqa: B023
            assert found.stall
            assert [each.kind for each in found.waiting_for] == ["code"]
            for ask in (
                lambda: target.pause(name),  # noqa: B023
                lambda: target.raise_event(name, "go"),  # noqa: B023
                lambda: target.terminate(name),  # noqa: B023
                lambda: target.purge(name),  # noqa: B023
            ):
                with pytest.raises(errors.WrongState, match="STALLED"):
                    ask()
            assert name in [row.id for row in target.list(Filter(statuses=frozenset({Status.STALLED})))]
            assert target.purge(name, force=True) == 1
        finally:
            target.close()


def test_a_key_that_cannot_be_listed(dapr: Dapr, python: str) -> None:
    daprd = dapr.sidecar("badkey")
    dapr.worker(daprd, python)
    target = daprd.open(by="grpc")
    try:
        hub = target._sidecar.hub(  # the command itself refuses such an ID
            Operation.START
        )
        hub.start(StartRequest("quick", "a||b", "1"), "a||b", unique=False)
        until(lambda: target.get("a||b").status.terminal)
        with pytest.raises(errors.StoreError, match="cannot list"):
            list(target.list(Filter()))
        assert target.purge("a||b") == 1
        assert list(target.list(Filter())) == []
    finally:
        target.close()


def test_many(orders: Daprd) -> None:
    target = orders.open()
    try:
        for number in range(100):
            target.start(StartRequest("quick", f"many-{number:03}", "1"))
        every = Filter(id_prefix="many-")
        until(
            lambda: all(
                row.status.terminal for row in target.list(every, payloads=False, waiting=False, in_order=False)
            )
        )
        assert len(list(target.list(every, payloads=False))) == 100
        target.start(StartRequest("wait_go", "many-042", if_exists=IfExists.REPLACE))
        live = Filter(id_prefix="many-", statuses=frozenset({Status.RUNNING}))
        until(lambda: [row.id for row in target.list(live, payloads=False)] == ["many-042"])
        target.terminate("many-042")
    finally:
        target.close()
