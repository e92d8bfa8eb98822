"""The JavaScript SDK from npm. WFCTL_NODE_MODULES, which `./dev test` sets, names a folder with @dapr/dapr in it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from limits import LIMIT_SECONDS

pytest.importorskip("uvicorn", reason="needs the extra serve")

from serve_process import served

APP = Path(__file__).parents[1] / "support" / "js_app.js"


def test_an_app_of_the_javascript_sdk(tmp_path: Path) -> None:
    """150 instances at once: the SDK silently drops what its queue of 100 cannot hold."""
    modules = os.environ.get("WFCTL_NODE_MODULES")
    node = shutil.which("node")
    if node is None or not modules or not Path(modules, "@dapr", "dapr").is_dir():
        pytest.skip("needs node, and @dapr/dapr in WFCTL_NODE_MODULES")
    with served(tmp_path, command=[node, str(APP)], env={"NODE_PATH": modules}) as server:
        assert server.process.stdout is not None
        lines = server.process.stdout.read().splitlines()
        assert server.process.wait(LIMIT_SECONDS) == 0, lines[-20:]
    (result,) = (line.partition("RESULT ")[2] for line in lines if "RESULT " in line)
    assert json.loads(result) == {"chain": "6", "fan": "20300", "event": '{"a":1}', "timer": '"rang"', "many": 150}
