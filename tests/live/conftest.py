"""The live suite: wfctl against a real Dapr.

WFCTL_DAPR_BIN      the folder with `placement`, `scheduler` and `daprd`, of 1.16 (see test_live_older) or newer;
                    without it everything here is skipped
WFCTL_DAPR_PYTHON   a Python with the official SDK (`pip install dapr`), if not the one that runs the tests
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from live_dapr import Dapr, Daprd, programs, running, sdk_python, version


@pytest.fixture(autouse=True)
def for_this_version(request: pytest.FixtureRequest) -> None:
    """An older Dapr is asked for what it can do, and the rest needs what came with 1.17."""
    where = programs()
    old = where is not None and version(where) < (1, 17)
    if old is not (request.path.name == "test_live_older.py"):
        pytest.skip("for a Dapr before 1.17" if not old else "needs Dapr 1.17")


@pytest.fixture(scope="session")
def python() -> str:
    found = sdk_python()
    if found is None:
        pytest.skip("no Python with the dapr package: set WFCTL_DAPR_PYTHON")
    return found


@pytest.fixture(scope="session")
def dapr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dapr]:
    where = programs()
    if where is None:
        pytest.skip("no real Dapr here: set WFCTL_DAPR_BIN to the folder of placement, scheduler and daprd")
    pytest.importorskip("grpc", reason="needs the extra grpc")
    with running(tmp_path_factory.mktemp("dapr"), where) as dapr:
        yield dapr


@pytest.fixture(scope="session")
def orders(dapr: Dapr, python: str) -> Daprd:
    """A sidecar with a worker."""
    daprd = dapr.sidecar("orders")
    dapr.worker(daprd, python)
    return daprd
