"""Make a rerun of each instance of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wfctl.cli.batch.select import Verb
from wfctl.cli.batch.verbs import RERUN
from wfctl.cli.rerun_plan import Beginning, Results, event_number, supplied
from wfctl.client.port import Workflows
from wfctl.errors import NotFound, WfctlError
from wfctl.model import refusals
from wfctl.model.instance import Instance, RerunRequest
from wfctl.model.steps import steps_of
from wfctl.render.text import clean


@dataclass(frozen=True, slots=True)
class Rerun:
    """Hold how each instance is rerun: from where, with which input, and whether it may be once more."""

    beginning: Beginning
    input: str | None = None
    again: bool = False
    results: Sequence[tuple[str, str]] = ()

    @property
    def verb(self) -> Verb:
        given = f" (with the result of {', '.join(clean(step) for step, _ in self.results)})" if self.results else ""
        return replace(
            RERUN,
            once=not self.again,
            repeatable=not self.again,
            continues=not self.again,
            beginning=self.beginning.words + given,
        )

    def begin(self, workflows: Workflows, instance_id: str, new_id: str | None = None) -> str:
        """Make the new instance. Returns its ID. Raises AlreadyRerun, unless it is to be done again."""
        source = workflows.get(instance_id, payloads=False)
        event_id = self.beginning.event_id
        results: Results = ()
        if self.results:
            history = workflows.history(instance_id)
            step = self.beginning.step(source, steps_of(history))
            number, results = step.event_id, supplied(source, history, step, self.results)
        elif event_id is not None:  # said already: no history is needed, which a Dapr before 1.17 does not hand out
            number = event_number(event_id)
        else:
            number = self.beginning.step(source, steps_of(workflows.history(instance_id))).event_id
        if not source.status.terminal:
            raise refusals.rerun_of_live_instance(instance_id, source.status)
        request = RerunRequest(
            instance_id,
            number,
            new_id,
            self.input,
            overwrite_input=self.input is not None,
            once=not self.again and new_id is None,
            results=tuple(results),
        )
        try:
            return workflows.rerun(request)
        except NotFound:
            if event_id is not None:
                self._say_which_numbers(workflows, source)
            raise

    def _say_which_numbers(self, workflows: Workflows, source: Instance) -> None:
        """Raises InvalidInput with the numbers that there are, where the target tells them."""
        try:
            history = workflows.history(source.id)
        except WfctlError:
            return
        self.beginning.step(source, steps_of(history))
