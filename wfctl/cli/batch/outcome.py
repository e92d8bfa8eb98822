"""Record what became of each instance of a batch, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from wfctl.cli.batch.select import Verb
from wfctl.errors import WfctlError
from wfctl.model.instance import Instance
from wfctl.render.errors import fault_record
from wfctl.render.json_records import Record
from wfctl.render.printer import View
from wfctl.render.table import Column
from wfctl.render.text import clean, plural
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


def told(done: Done, verb: Verb) -> str:
    """Return what a person is told of an instance with which all went well, or that was left out."""
    one = clean(done.instance_id)
    if done.outcome is Outcome.REQUESTED:
        return f"requested to {verb.word} {one}"
    if done.outcome is Outcome.SKIPPED:
        return f"skipped {one}: {clean(done.why or '')}"
    if done.new_id is not None:
        return f"{done.word} {one} as {clean(done.new_id)}"
    more = f" ({plural(done.count, 'instance')})" if done.count is not None and done.count > 1 else ""
    return f"{verb.told or done.word} {one}{more}"


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
