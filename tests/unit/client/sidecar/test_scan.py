"""A list on a sidecar, which must look at each instance: how far it is, and how it ends early."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hub_fake import Hub, some

pytest.importorskip("grpc", reason="needs the extra grpc")

from sidecar_fake import grpc_server

from wfctl.cli.main import main
from wfctl.client.port import Scan
from wfctl.client.sidecar.endpoint import Endpoint
from wfctl.client.sidecar.workflows import SidecarWorkflows, open_sidecar
from wfctl.model.instance import Filter, Sort
from wfctl.model.status import Status

MANY = 3000
Run = Callable[..., tuple[int, str, str]]


@contextlib.contextmanager
def opened(hub: Hub) -> Iterator[SidecarWorkflows]:
    with grpc_server(hub.handlers()) as address:
        target = open_sidecar(Endpoint(grpc=address, request_timeout=60.0), note=print)
        with contextlib.closing(target):
            yield target


@pytest.fixture
def hub() -> Hub:
    """Every hundredth instance failed."""
    hub = Hub(*some(MANY), page=500)
    for number, one in enumerate(some(MANY, Status.FAILED)):
        if number % 100 == 0:
            hub.instances[one.id] = one
    return hub


def test_it_tells_how_far_it_is(hub: Hub) -> None:
    told: list[tuple[int, int]] = []
    ended: list[bool] = []
    scan = Scan(lambda *so_far: told.append(so_far), lambda: ended.append(True))
    with opened(hub) as target:
        rows = list(target.list(Filter(frozenset({Status.FAILED})), payloads=False, waiting=False, scan=scan))
    assert len(rows) == 30
    assert [looked_at for looked_at, _ in told] == list(range(1, MANY + 1))
    assert told[-1][1] in (29, 30)
    assert (ended, scan.stopped) == ([True], False)


def test_in_no_order_it_ends_with_the_last_row_of_the_limit(hub: Hub) -> None:
    filter = Filter(frozenset({Status.FAILED}), sort=Sort.ANY, limit=5)
    with opened(hub) as target:
        rows = list(target.list(filter, payloads=False, waiting=False))
        assert len(rows) == 5
        assert all(row.status is Status.FAILED and row.rerun_as is None for row in rows)
        assert len(hub.gets) < 700
        assert len(list(target.list(filter))) == 5


def test_stopped_it_yields_what_it_has(hub: Hub) -> None:
    def tell(looked_at: int, found: int) -> None:
        scan.stopped = looked_at == 1000

    scan = Scan(tell)
    filter = Filter(frozenset({Status.FAILED}))
    with opened(hub) as target:
        rows = list(target.list(filter, payloads=False, waiting=False, scan=scan))
    assert scan.stopped
    assert 5 < len(rows) < 15
    assert [row.id for row in rows] == sorted((row.id for row in rows), reverse=True)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    for name in [name for name in os.environ if name.startswith(("WFCTL_", "DAPR_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))

    def call(address: str, *argv: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            status = main([*argv, "--target", "grpc", "--grpc-endpoint", address])
        return status, out.getvalue(), err.getvalue()

    return call


def test_the_command(hub: Hub, run: Run) -> None:
    with grpc_server(hub.handlers()) as address:
        status, out, err = run(address, "list", "--sort", "any", "--limit", "3", "-o", "id", "-s", "failed")
        assert (status, len(out.split()), err) == (0, 3, "")
        assert run(address, "list", "--sort", "any", "--after", "i0001")[0] == 2
        original = hub.get
        count = iter(range(10**6))

        def get(request, context):
            if next(count) == 1500:
                os.kill(os.getpid(), signal.SIGINT)
            return original(request, context)

        hub.get = get  # type: ignore[method-assign]
        with grpc_server(hub.handlers()) as slower:
            status, out, err = run(slower, "list", "-s", "failed", "-o", "id")
    assert status == 130
    assert 0 < len(out.split()) < 30
    assert "had been read: more may match" in err
    assert "--sort any --limit N" in err


def test_an_interrupted_batch_knows_what_was_in_flight(run: Run) -> None:
    """Requests that were sent already end, and count: the sum is what the sidecar has done."""
    hub = Hub(*some(60))
    handlers = hub.handlers()
    original = handlers["PurgeInstances"]

    def purge(request, context):
        if len(hub.seen) == 20:
            os.kill(os.getpid(), signal.SIGINT)
        return original(request, context)

    with grpc_server({**handlers, "PurgeInstances": purge}) as address:
        status, _, err = run(address, "purge", "--status", "COMPLETED", "--yes", "-q")
    assert status == 130
    done = len(hub.seen)
    assert 20 < done < 60
    assert f"interrupted: {done} of 60 purged; {60 - done} not tried" in err
    assert "try: wfctl purge --status COMPLETED --yes -q --target grpc" in err


def test_an_interruption_before_the_batch(run: Run) -> None:
    hub = Hub(*some(60))

    def ids(request, context):
        os.kill(os.getpid(), signal.SIGINT)
        return hub.ids(request, context)

    with grpc_server({**hub.handlers(), "ListInstanceIDs": ids}) as address:
        status, _, err = run(address, "purge", "--status", "COMPLETED", "--yes")
    assert (status, err, hub.seen) == (130, "wfctl: interrupted: nothing was changed\n", [])
