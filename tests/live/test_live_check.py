"""Histories of a real Dapr, held against the app that it runs, and against another one."""

from __future__ import annotations

import json
from pathlib import Path

from live_dapr import Dapr
from live_wfctl import Wfctl, at, wfctl

__all__ = ["wfctl"]

APP = Path(__file__).parents[1] / "golden" / "dapr" / "app.py"


def test_check_and_replay(wfctl: Wfctl, dapr: Dapr, python: str, tmp_path: Path) -> None:
    daprd = dapr.sidecar("checked")
    dapr.run_worker(daprd, [python, str(APP)])
    here = at(daprd)
    for instance_id in ("one", "two"):
        wfctl("start", "Waits", "--id", instance_id, "--input", "1", **here)
        wfctl("wait", instance_id, "--for", "event=said", "--timeout", "120s", **here)
    wfctl("start", "Again", "--id", "again", "--input", "2", "--wait", **here)
    target = ["--target", daprd.http, "--grpc-endpoint", daprd.grpc]
    same = wfctl("check", *target, "--name", "*", "--app", str(APP), "-o", "json")
    assert {one["instanceID"]: one["fits"] for one in json.loads(same.stdout)} == {
        "one": True,
        "two": True,
        "again": True,
    }
    (tmp_path / "new.py").write_text(
        APP.read_text().replace("too late", "late").replace("(back, input=", "(broken, input=")
    )
    changed = wfctl("check", *target, "--status", "RUNNING", "--app", "new.py", status=9)
    assert "2 of 2" in changed.stdout
    assert "would stall at step 2 (Back -> Broken)" in changed.stdout
    assert wfctl("check", *target, "one", "nosuch", "--app", str(APP), status=7).stderr.count("nosuch") >= 1
    replayed = wfctl("replay", *target, "one", "--app", str(APP))
    assert "activity Back" in replayed.stdout
    assert "the code fits: 3 steps replayed" in replayed.stderr
