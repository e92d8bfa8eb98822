"""What a command run in the test's own process came to, and the app that it runs."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

APP = """
from datetime import timedelta
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="Echo")
def echo(ctx, value):
    result = yield ctx.call_activity(back, input=value)
    return result

@wfr.workflow(name="Approval")
def approval(ctx, value):
    ctx.set_custom_status("asked")
    decision = yield ctx.wait_for_external_event("approval", timeout=timedelta(hours=3))
    return decision

@wfr.workflow(name="Broken")
def broken(ctx, value):
    yield ctx.call_activity(back, input="first")
    yield ctx.call_activity(fail, input=value)

@wfr.workflow(name="Parent")
def parent(ctx, value):
    name = value.get("child") if isinstance(value, dict) else None
    result = yield ctx.call_child_workflow(approval, input=value, instance_id=name)
    return result

@wfr.workflow(name="Later")
def later(ctx, value):
    yield ctx.create_timer(timedelta(hours=1))

@wfr.activity(name="Back")
def back(ctx, value):
    print("activity says", value)
    return value

@wfr.activity(name="Fail")
def fail(ctx, value):
    raise ValueError(f"no {value}")
"""

# Of the record of an instance.
RECORD_KEYS = [
    "instanceID",
    "appID",
    "workflowName",
    "runtimeStatus",
    "createdAt",
    "lastUpdatedAt",
    "completedAt",
    "input",
    "output",
    "customStatus",
    "failure",
    "failedStep",
    "parentInstanceID",
    "waitingFor",
    "rerunOf",
    "rerunAs",
    "skippedTime",
]


def one_file(store: Path) -> bytes:
    """Return a store with its write-ahead log folded in: written back, it is as it was now."""
    with closing(sqlite3.connect(store)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return store.read_bytes()


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The one error object on stderr."""
        found: dict[str, Any] = json.loads(self.err.strip().splitlines()[-1])["error"]
        return found


class Stream(io.StringIO):
    def __init__(self, tty: bool) -> None:
        super().__init__()
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty


Cli = Callable[..., Outcome]
Ask = Callable[..., Outcome]  # the answer, then the arguments
