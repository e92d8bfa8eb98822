"""What every app of this folder must come to, on whatever path it is run.

Start `workflow` of `app` with the JSON text `input` (None: no input), raise `events` (name, JSON text) in this order,
at any time from then on, and wait: it ends with `status` and `output`. Where it fails, the failure has the type
`error_type` and a message that contains `error`. Timers in the apps take a second at most.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    app: str
    workflow: str
    input: str | None = None
    events: tuple[tuple[str, str | None], ...] = ()
    status: str = "COMPLETED"
    output: Any = None
    error_type: str | None = None
    error: str = ""
    custom_status: str | None = None
    sdk: bool = True  # whether the official SDK comes to the same

    @property
    def id(self) -> str:
        return f"{self.app}-{self.workflow}-{CASES.index(self)}"


CASES = [
    Case("task_chaining", "task_chain_workflow", "42", output=[43, 86, 7396]),
    Case(
        "task_chaining",
        "task_chain_workflow",
        "-5",
        status="FAILED",
        error_type="TaskFailedError",
        error="Activity task #3 failed: a negative number",
    ),
    Case("fan_out_fan_in", "batch_processing", "10", output={"count": 10, "total": 90}),
    Case("fan_out_fan_in", "batch_processing", "0", output={"count": 0, "total": 0}),
    Case(
        "fan_out_fan_in",
        "batch_processing",
        "15",
        status="FAILED",
        error_type="TaskFailedError",
        error="item 13 cannot be processed",
    ),
    Case(
        "child_workflow",
        "main_workflow",
        "2",
        output={
            "first": ["0001", "0001", "0001"],
            "named": ["named"],
            "both": [["0003"], ["0004", "0001"]],
            "failure": "TaskFailedError",
        },
    ),
    Case("monitor", "start_monitor", '"job1"', output={"job": "job1", "checks": 4}),
    Case("human_approval", "purchase_order_wf", '{"cost": 10}', output="Auto-approved"),
    Case(
        "human_approval",
        "purchase_order_wf",
        '{"cost": 2000}',
        (("Approval_Received", '{"approver": "Ann", "approved": true}'),),
        output="Approved by 'Ann'",
    ),
    Case(
        "human_approval",
        "purchase_order_wf",
        '{"cost": 2000}',
        (("approval_received", '{"approver": "Bob", "approved": false}'),),
        output="Rejected by 'Bob'",
    ),
    Case("human_approval", "purchase_order_wf", '{"cost": 2000, "timeout_ms": 200}', output="Canceled"),
    Case("human_approval", "approval_with_timeout", "200", output="timed out"),
    Case("human_approval", "approval_with_timeout", "0", output="timed out"),
    Case("human_approval", "approval_with_timeout", "60000", (("approval", "false"),), output=False),
    Case(
        "async_activities",
        "gather_workflow",
        '["a", "bc", "def"]',
        output={"fetched": ["A", "BC", "DEF"], "total": 6, "broken": "nobody there"},
    ),
    Case(
        "pydantic_models",
        "order_workflow",
        '{"order_id": "o1", "amount": 42}',
        output={"order_id": "o1", "approved": True, "message": "ok!"},
    ),
    Case("pydantic_models", "order_workflow", '{"amount": 42}', status="FAILED", error_type="ValidationError"),
    Case(
        "dataclass_inputs",
        "dataclass_workflow",
        '"ann"',
        output={"quantity": 7, "moved": [2, 3], "named": "Ann"},
    ),
    Case("versioning", "versioned", None, (("go", None),), output="v2 done"),
    Case("versioning", "patched", None, (("go", None),), output=["patch1 done", "patch2 done", "patch1 again"]),
    Case(
        "retries",
        "retry_workflow",
        output={
            "result": "xx",
            "child": "yy",
            "failures": ["OSError: never", "NonRetryableError: do not try again"],
        },
    ),
    Case(
        "timers",
        "timer_workflow",
        "20",
        output={"passed": True, "first": "quick", "seen": [0, 1, 2], "nested": [7, 8]},
    ),
    Case(
        "continue_as_new_events",
        "accumulator",
        '{"sum": 0, "left": 4}',
        (("add", "1"), ("ADD", "2"), ("Add", "0"), ("add", "3")),
        output=6,
        sdk=False,  # the SDK carries 0 over as None
    ),
    Case(
        "continue_as_new_events",
        "accumulator",
        '{"sum": 0, "left": 3}',
        (("add", "1"), ("ADD", "2"), ("add", "3")),
        output=6,
    ),
    Case("custom_status", "status_workflow", "3", output="done", custom_status=json.dumps({"step": 3, "of": 3})),
    Case(
        "simple",
        "hello_world_wf",
        "10",
        (
            ("zero", "0"),
            ("no", "false"),
            ("empty", '""'),
            ("event1", '{"a": 1.5, "b": "\\u00e9"}'),
            ("nothing", None),
        ),
        output={"counter": 1111, "event": {"a": 1.5, "b": "é"}, "falsy": [0, False, "", None]},
    ),
    Case("simple", "at_once", '{"x": [1, 2]}', output=[{"x": [1, 2]}, False]),
    Case("simple", "yields_no_task", status="FAILED", error_type="TypeError"),
]

APPS = sorted({case.app for case in CASES})
