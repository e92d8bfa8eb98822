"""Record what became of each instance of a batch, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from wfctl.errors import WfctlError
from wfctl.model.instance import Instance
from wfctl.render.errors import fault_record
from wfctl.render.json_records import Record
from wfctl.render.printer import View
from wfctl.render.table import Column
from wfctl.render.text import clean
from wfctl.render.views.instances import status_cell


class Outcome(str, Enum):
    DONE = "done"
    REQUESTED = "requested"
    FAILED = "failed"
    SKIPPED = "skipped"
    NOT_TRIED = "not tried"
    PLANNED = "planned"


@dataclass(frozen=True, slots=True)
class Done:
    """Record what became of one instance. `count` is how many it took with it, itself included; `why` says why it was
    skipped, or who must act on what was requested."""

    instance_id: str
    word: str
    outcome: Outcome
    error: WfctlError | None = None
    count: int | None = None
    new_id: str | None = None
    why: str | None = None
    instance: Instance | None = None

    def is_left(self, *reasons: str) -> bool:
        """Tell whether it was not to be acted on by itself, for one of these reasons (GOES, STAYS, AGAIN)."""
        return self.why is not None and self.why.startswith(reasons)


def _record(done: Done) -> Record:
    return {
        "instanceID": done.instance_id,
        "action": done.word,
        "outcome": done.outcome.value,
        "done": done.outcome is Outcome.DONE,
        "count": done.count,
        "newInstanceID": done.new_id,
        "reason": done.why,
        "error": None if done.error is None else fault_record(done.error),
    }


VIEW: View[Done] = View(
    record=_record,
    id=lambda done: done.new_id or done.instance_id,
    columns=(
        Column("ID", lambda done: clean(done.instance_id)),
        Column("WORKFLOW", lambda done: clean(done.instance.name or "") if done.instance else "", shrink=True),
        Column("STATUS", lambda done: status_cell(done.instance.status) if done.instance else ""),
        Column("OUTCOME", lambda done: done.outcome.value),
        Column("DETAIL", lambda done: clean(done.why or (done.error.message if done.error else "")), shrink=True),
    ),
)
