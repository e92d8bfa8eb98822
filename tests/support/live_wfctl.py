"""The command line as a process of its own, for tests on a real sidecar."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from limits import LIMIT_SECONDS
from live_dapr import Daprd

Wfctl = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def wfctl(tmp_path: Path) -> Wfctl:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("WFCTL_", "DAPR_"))}
    folders = {name: str(tmp_path) for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")}

    def run(*argv: str, status: int = 0, **environ: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "wfctl", *argv],
            env={**clean, **folders, **environ},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == status, (argv, done)
        return done

    return run


def at(daprd: Daprd) -> dict[str, str]:
    """The variables that `dapr run` gives to an app."""
    return {"DAPR_HTTP_PORT": daprd.http.rpartition(":")[2], "DAPR_GRPC_PORT": daprd.grpc.rpartition(":")[2]}


def checks(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    return {check["check"]: check for check in json.loads(done.stdout)}
