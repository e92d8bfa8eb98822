"""The adapters that the contract suite runs on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from limits import LIMIT_SECONDS, until
from subject import Subject

from wfctl.client.connect import Embedded
from wfctl.client.port import Host
from wfctl.client.sidecar.endpoint import Endpoint
from wfctl.engine.engine_thread import Engine
from wfctl.engine.execute.local import LocalExecutor
from wfctl.model.instance import Filter
from wfctl.workflow.loading.app import load_app

HERE = Path(__file__).parents[1] / "support"


def quiet(line: str) -> None:
    return


def owner(store: Path) -> Iterator[Subject]:
    """This process owns the store and drives."""
    target = Embedded(store, "orders_app.py", HERE)
    workflows = target.open(Host(quiet, may_drive=True))
    yield Subject(target, workflows, "owner")
    workflows.abandon()


def beside(store: Path) -> Iterator[Subject]:
    """Another owner drives; the adapter only writes into the store and reads it."""
    app = load_app("orders_app.py", HERE)
    engine = Engine(
        store, lambda deliver: LocalExecutor(app.registry, deliver), workflows=app.registry.workflow_names()
    )
    assert engine.start(None)
    target = Embedded(store)
    workflows = target.open(Host(quiet, may_drive=True))
    yield Subject(target, workflows, "beside")
    workflows.close()
    engine.stop()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """`wfctl serve` with the suite's app, in a process of its own; its endpoints."""
    pytest.importorskip("grpc", reason="needs the extra serve")
    folder = tmp_path_factory.mktemp("serve")
    ready = folder / "ready.json"
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("WFCTL_", "DAPR_"))}
    command = ["serve", "--app", str(HERE / "orders_app.py"), "--store", str(folder / "store.db")]
    ports = ["--http-port", "0", "--grpc-port", "0", "--ready-file", str(ready)]
    process = subprocess.Popen(
        [sys.executable, "-m", "wfctl", *command, *ports],
        env={**clean, "XDG_CONFIG_HOME": str(folder)},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: process.poll() is not None or (ready.exists() and ready.read_text()), "the server is ready")
    assert process.poll() is None, "the server ended"
    yield json.loads(ready.read_text())
    process.terminate()
    process.wait(LIMIT_SECONDS)


def _sidecar(name: str, endpoint: Endpoint) -> Iterator[Subject]:
    workflows = endpoint.open(Host(quiet))
    yield Subject(endpoint, workflows, name)
    for instance in list(workflows.list(Filter())):
        if not instance.parent_id:
            workflows.purge(instance.id, force=True, recursive=False)
    for instance in list(workflows.list(Filter())):
        workflows.purge(instance.id, force=True, recursive=False)
    workflows.close()


def serve(server: dict[str, str]) -> Iterator[Subject]:
    """HTTP for what HTTP can do, gRPC for the rest."""
    yield from _sidecar("serve", Endpoint(http=server["httpEndpoint"], grpc=server["grpcEndpoint"]))


def serve_grpc(server: dict[str, str]) -> Iterator[Subject]:
    """gRPC alone."""
    yield from _sidecar("serve-grpc", Endpoint(grpc=server["grpcEndpoint"]))


ADAPTERS: dict[str, Callable[[Path], Iterator[Subject]]] = {"owner": owner, "beside": beside}
SERVED: dict[str, Callable[[dict[str, str]], Iterator[Subject]]] = {"serve": serve, "serve-grpc": serve_grpc}


@pytest.fixture(params=[*ADAPTERS, *SERVED])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    if request.param in SERVED:
        yield from SERVED[request.param](request.getfixturevalue("server"))
    else:
        yield from ADAPTERS[request.param](tmp_path / "store.db")
