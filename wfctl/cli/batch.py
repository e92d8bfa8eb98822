"""One verb over several instances: each is tried, each failure has its line, the exit status sums them up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wfctl.cli.session import Session
from wfctl.errors import PartFailed, WfctlError
from wfctl.render.faults import fault_record, fault_text
from wfctl.render.printer import Format, View
from wfctl.render.record import Record
from wfctl.render.text import clean, plural


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one instance. `count` is how many it took with it, itself included."""

    instance_id: str
    word: str
    error: WfctlError | None = None
    count: int | None = None


def _record(done: Done) -> Record:
    return {
        "instanceID": done.instance_id,
        "action": done.word,
        "done": done.error is None,
        "count": done.count,
        "error": None if done.error is None else fault_record(done.error),
    }


VIEW: View[Done] = View(record=_record, id=lambda done: done.instance_id)


class Batch:
    """`run` acts on every ID and tells each outcome; `finish` prints the records and raises what failed."""

    def __init__(self, session: Session, ids: Sequence[str], word: str) -> None:
        self.session = session
        self.ids = ids
        self.word = word
        self.outcomes: list[Done] = []

    @property
    def worked(self) -> list[str]:
        return [done.instance_id for done in self.outcomes if done.error is None]

    def run(self, act: Callable[[str], int | None]) -> list[str]:
        for instance_id in self.ids:
            try:
                done = Done(instance_id, self.word, count=act(instance_id))
            except WfctlError as error:
                error.instance_id = error.instance_id or instance_id
                done = Done(instance_id, self.word, error)
            self.outcomes.append(done)
            self._tell(done)
        return self.worked

    def finish(self) -> None:
        session = self.session
        if not session.format.text:
            shown = self.outcomes if session.format is not Format.ID else [d for d in self.outcomes if d.error is None]
            session.printer.many(shown, VIEW)
        failed = [done.error for done in self.outcomes if done.error is not None]
        if not failed:
            return
        if len(self.outcomes) == 1:
            raise failed[0]
        if len(failed) == len(self.outcomes) and len({error.exit_status for error in failed}) == 1:
            raise type(failed[0])(f"all {len(failed)} failed")
        raise PartFailed(f"{len(failed)} of {len(self.outcomes)} failed")

    def _tell(self, done: Done) -> None:
        console = self.session.console
        if not self.session.format.text:
            return
        if done.error is None:
            more = f" ({plural(done.count, 'instance')})" if done.count is not None and done.count > 1 else ""
            console.note(f"{done.word} {clean(done.instance_id)}{more}")
        elif len(self.ids) > 1:
            console.error(fault_text(done.error, color=console.err_color))
