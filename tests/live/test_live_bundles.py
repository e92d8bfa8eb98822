"""Histories of a real Dapr: exported, compared, replayed, imported, and finished at home."""

from __future__ import annotations

import json
from pathlib import Path

import live_dapr
import pytest
from live_dapr import Daprd, until
from live_wfctl import Wfctl, at, wfctl

__all__ = ["wfctl"]

APP = Path(live_dapr.__file__).with_name("live_app.py")


@pytest.fixture
def home(tmp_path: Path) -> list[str]:
    """The app of the live tests, for the embedded engine."""
    (tmp_path / "home.py").write_text(APP.read_text().partition("runtime.start()")[0])
    return ["--target", "embedded", "--store", "home.db", "--app", "home.py"]


def test_there_and_home(wfctl: Wfctl, orders: Daprd, home: list[str], tmp_path: Path) -> None:
    there = at(orders)
    for name, input in (("chain", '"there"'), ("failing", '"luck"'), ("quick", "1.50")):
        wfctl("start", name, "--id", f"home-{name}", "--input", input, **there)
        wfctl("wait", f"home-{name}", "--for", "terminal", "--timeout", "120s", **there)
    wfctl("start", "parent", "--id", "home-parent", "--input", '"kid"', **there)
    child = until(lambda: wfctl("list", "--parent", "home-parent", "-o", "id", **there).stdout.strip())
    wfctl("wait", child, "--for", "event=go", "--timeout", "120s", **there)

    done = wfctl("export", "--id-prefix", "home-", "--to", "all.jsonl", "-o", "json", **there)
    assert json.loads(done.stdout)["instances"] == 5
    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert lines[0]["lacks"] == ["inbox", "logs"]
    assert {line["appID"] for line in lines[1:-1]} == {"orders"}
    assert next(line for line in lines if line.get("instanceID") == "home-quick")["input"] == "1.50"
    assert wfctl("diff", "home-chain", "all.jsonl", **there).stderr == "the same: 3 steps\n"
    assert wfctl("check", "--from", "all.jsonl", "--app", "home.py").returncode == 0

    imported = wfctl("import", "all.jsonl", "-o", "json", *home)
    assert json.loads(imported.stdout)["paused"] == 2
    wfctl("run", *home)
    listed = json.loads(wfctl("list", "-o", "json", *home).stdout)
    assert {one["instanceID"]: one["runtimeStatus"] for one in listed} == {
        "home-chain": "COMPLETED",
        "home-failing": "FAILED",
        "home-quick": "COMPLETED",
        "home-parent": "SUSPENDED",
        child: "SUSPENDED",
    }
    wfctl("resume", "home-parent", child, *home)
    wfctl("raise-event", child, "go", "--data", '"home"', *home)
    assert json.loads(wfctl("result", "home-parent", *home).stdout) == ["hi kid", "home"]
    assert wfctl("diff", "home-failing", "all.jsonl", *home).returncode == 0

    purged = wfctl("purge", "home-chain", "home-quick", "--export", "gone.jsonl", **there)
    assert "wrote gone.jsonl: 2 instances" in purged.stderr
    wfctl("get", "home-chain", status=3, **there)
    wfctl("import", "gone.jsonl", "--prefix", "gone-", *home)
    assert wfctl("diff", "gone-home-chain", "home-chain", *home).stderr.startswith("the same")
    wfctl("terminate", "home-parent", **there)
