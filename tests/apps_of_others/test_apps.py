"""Other people's apps as they come, each row of `apps` each way that it says. Nothing of them is in this repository:

WFCTL_QUICKSTARTS, WFCTL_PYTHON_SDK, WFCTL_GO_SDK, WFCTL_JAVA_SDK, WFCTL_JS_SDK, WFCTL_DAPR_AGENTS
                    checkouts of these repositories of Dapr's; rows of others are skipped
WFCTL_QUICKSTARTS_PYTHON, WFCTL_PYTHON_SDK_PYTHON, WFCTL_DAPR_AGENTS_PYTHON
                    an environment's Python with the requirements that the apps' READMEs install
WFCTL_DAPR_BIN      a real Dapr, as for `tests/live`; rows with components on Redis also need redis-server
WFCTL_APPS_RECORD   write down what has passed, in outcomes.json; `python docs/make_apps.py` makes the page of it

The apps have ports of their own, and Dapr's: run it where they are free, and not in parallel (`-n 0`).
"""

from __future__ import annotations

import datetime
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from apps import APPS
from filelock import FileLock
from rows import App
from ways import WAY

pytest.importorskip("uvicorn", reason="needs the extra serve")

OUTCOMES = Path(__file__).with_name("outcomes.json")


@pytest.mark.parametrize(
    ("app", "way"), [pytest.param(app, way, id=f"{app.id}-{way}") for app in APPS for way in app.ways()]
)
def test_app(app: App, way: str, tmp_path: Path) -> None:
    WAY[way](app, tmp_path)
    if os.environ.get("WFCTL_APPS_RECORD"):
        with FileLock(str(OUTCOMES) + ".lock"):
            record(app, way)


def record(app: App, way: str) -> None:
    known: dict[str, Any] = json.loads(OUTCOMES.read_text()) if OUTCOMES.exists() else {}
    checkout = app.repository.checkout()
    told = subprocess.run(
        ["git", "-C", str(checkout), "log", "-1", "--format=%H"], capture_output=True, text=True, check=True
    )
    known.setdefault("commits", {})[app.repository.name] = told.stdout.strip()
    if way == "dapr":
        daprd = Path(os.environ["WFCTL_DAPR_BIN"]) / "daprd"
        known["dapr"] = subprocess.run([daprd, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    known.setdefault("passed", {}).setdefault(app.id, {})[way] = today
    OUTCOMES.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")
