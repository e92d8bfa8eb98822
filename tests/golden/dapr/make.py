"""Run the app beside this file on a real Dapr, and write what it leaves behind into a bundle: dapr-1.18.jsonl.

    WFCTL_DAPR_BIN=FOLDER python tests/golden/dapr/make.py

Needs the official SDK and the extra grpc. What it is for is to have been written by Dapr: make it again for a new Dapr,
under that one's name, and leave the older ones.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "support"))

from live_dapr import programs, running, until, version  # noqa: E402

from wfctl.errors import WfctlError  # noqa: E402
from wfctl.model.instance import StartRequest  # noqa: E402
from wfctl.model.status import Status  # noqa: E402

# Each workflow, and its input.
STARTED = {
    "chain": ("Chain", '"paperclips"'),
    "together": ("Together", "4"),
    "retries": ("Retries", '"x"'),
    "waits": ("Waits", '"x"'),
    "waiting": ("Waits", '"y"'),
    "paused": ("Waits", '"z"'),
    "ended": ("Waits", '"w"'),
    "parent": ("Parent", '"x"'),
    "fails": ("Fails", '"x"'),
    "again": ("Again", "3"),
    "patched": ("Patched", '"x"'),
    "versioned": ("Versioned", '"x"'),
}


def main() -> None:
    where = programs()
    assert where is not None, "WFCTL_DAPR_BIN"
    name = "dapr-" + ".".join(map(str, version(where))) + ".jsonl"
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), where) as dapr:
        daprd = dapr.sidecar("golden")
        dapr.run_worker(daprd, [sys.executable, str(HERE / "app.py")])
        sidecar = daprd.open()
        for instance_id, (workflow, payload) in STARTED.items():
            sidecar.start(StartRequest(workflow, instance_id, payload))

        def stands(instance_id: str) -> bool:
            one = sidecar.get(instance_id)
            return one.status.terminal or any(wait.name == "said" for wait in one.waiting_for)

        for instance_id in STARTED:
            until(lambda instance_id=instance_id: stands(instance_id), 60)  # type: ignore[misc]
        sidecar.raise_event("waits", "said", '{"by": "phone"}')
        sidecar.pause("paused", reason="lunch")
        sidecar.raise_event("paused", "said", "1")
        sidecar.terminate("ended", output='"stopped"')
        for instance_id in ("waits", "ended"):
            until(lambda instance_id=instance_id: sidecar.get(instance_id).status.terminal, 60)  # type: ignore[misc]
        until(lambda: sidecar.get("paused").status is Status.SUSPENDED, 60)
        sidecar.close()
        target = ["--target", daprd.http, "--grpc-endpoint", daprd.grpc]
        written = Path(folder) / name
        subprocess.run([sys.executable, "-m", "wfctl", "export", *target, "--to", str(written)], check=True)
        (HERE / name).write_text(of_no_machine(written.read_text()))


def of_no_machine(text: str) -> str:
    """Take the folders of this machine out of the stack traces, and with them the sum of the bytes."""
    text = text.replace(str(HERE), "/app").replace(sysconfig.get_path("purelib"), "/site-packages")
    *lines, last = text.splitlines()
    end = json.loads(last)
    del end["sha256"]
    return "\n".join([*lines, json.dumps(end, separators=(",", ":"))]) + "\n"


if __name__ == "__main__":
    try:
        main()
    except WfctlError as error:
        sys.exit(error.message)
