"""Test workflows: run one with its activities replaced, its time skipped and its events scripted, on the real engine.

    from wfctl.testing import event, run_workflow

    def test_too_late():
        run = run_workflow("Approval", {"amount": 100}, app="approval.py", activities={"notify": None})
        assert run.output == "too late"
        assert run.duration == timedelta(days=3)
        assert run.called("notify") == ["please approve 100"]

Importing this module makes `dapr.ext.workflow` wfctl's own in this process, as `wfctl start` does: import it before the
app. With pytest, the fixture `run_workflow` finds the app as the commands do. docs/testing.md has more examples.
"""

from __future__ import annotations

from wfctl.testing.bundles import check_bundles
from wfctl.testing.outcome import Call, Run
from wfctl.testing.replacements import in_turn, takes
from wfctl.testing.runner import run_workflow
from wfctl.testing.script import event
from wfctl.workflow.loading import import_hook

import_hook.install()

__all__ = ["Call", "Run", "check_bundles", "event", "in_turn", "run_workflow", "takes"]
