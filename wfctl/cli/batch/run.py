"""Apply one verb to several instances: each has its outcome, each failure its line; the exit status sums them up."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from wfctl.cli.batch.confirm import besides, confirm
from wfctl.cli.batch.interruption import how_far, how_to_finish
from wfctl.cli.batch.options import Which
from wfctl.cli.batch.outcome import VIEW, Done, Outcome, told
from wfctl.cli.batch.progress import Progress
from wfctl.cli.batch.select import AGAIN, GOES, STAYS, Chosen, Verb, choose, narrowed, no_more
from wfctl.cli.empty import tell_empty
from wfctl.cli.session import Session
from wfctl.client.port import Host, Requested, Workflows
from wfctl.engine.garbage import collect_rarely
from wfctl.errors import (
    AlreadyRerun,
    NotAuthenticated,
    NotFound,
    PartFailed,
    StoreError,
    Unreachable,
    Unsupported,
    WfctlError,
)
from wfctl.model.instance import Instance
from wfctl.render.errors import fault_text
from wfctl.render.printer import Format
from wfctl.render.text import plural

if TYPE_CHECKING:
    from concurrent.futures import Future

Result = int | str | Requested | Done | None
Act = Callable[[Workflows, str], Result]
GROUP_SIZE = 200  # the embedded engine commits so many together
_WORKED = (Outcome.DONE, Outcome.REQUESTED)
# What goes wrong with the target itself goes wrong with the next instance as well.
_HOPELESS = (Unreachable, NotAuthenticated, StoreError, Unsupported)


class Batch:
    """Apply a verb: `run` looks, asks, acts and tells each outcome; `finish` raises what failed."""

    def __init__(self, session: Session, verb: Verb, which: Which) -> None:
        self.session = session
        self.verb = verb
        self.which = which
        self.ids = which.ids(session, verb.word)
        if which.filter is not None:
            narrowed(which.filter, verb)  # a filter that can find nothing is an error before anything is opened
        self.outcomes: list[Done] = []
        self._stopped = False
        self._alone = False
        # What is about to be acted on and may have changed, as it is now.
        self._now: dict[str, Instance | None] = {}

    def run(
        self, workflows: Workflows, act: Act, before: Callable[[Sequence[str]], None] = lambda ids: None
    ) -> list[str]:
        """Act on all. Returns what `worked` does.

        `before` is called with the IDs once it is settled that they are acted on; it may raise.
        `act` returns a count, a new ID, what is only requested, or None. Raises Refused, and what the target raises.
        """
        session = self.session
        collect_rarely()  # there may be a million instances, with an outcome each
        if self.verb.asks and not self.which.dry_run:
            session.stopped = lambda: "interrupted: nothing was changed"
        chosen = self.choose(workflows)
        if not chosen.all and chosen.filter is not None:
            tell_empty(session, workflows, chosen.filter)
        elif not chosen.all:
            session.console.note("no IDs, nothing to do")
        if self.which.dry_run:
            self._show(self._planned(workflows, chosen), len(chosen.all))
            for line in besides(chosen) if chosen.filter is not None else ():
                session.console.note(line)
            session.console.note("a dry run: nothing was changed")
            return []
        confirm(session, self.verb, chosen, self.which)
        if chosen.ids:
            before(chosen.ids)
        with self._interruptible(chosen):
            self._show(self.act_on(workflows, chosen, act), len(chosen.all))
        return self.worked()

    def worked(self) -> list[str]:
        """Return the IDs of those that worked or are requested, or that a rerun made."""
        return [done.new_id or done.instance_id for done in self.outcomes if done.outcome in _WORKED]

    @property
    def all_in_effect(self) -> bool:
        """Return True if nothing is only requested."""
        return all(done.outcome is not Outcome.REQUESTED for done in self.outcomes)

    def choose(self, workflows: Workflows) -> Chosen:
        """Find the instances to act on."""
        return choose(self.session, workflows, self.verb, self.ids, self.which.filter, self.which.most)

    @contextmanager
    def _interruptible(self, chosen: Chosen) -> Iterator[None]:
        """Let the command say how far it came, and how to finish, if it is stopped in here."""
        session, which = self.session, self.which
        before = session.going_on
        in_flight = GROUP_SIZE if self._at_once(chosen) == 1 and len(chosen.ids) > 1 else 0
        session.stopped = lambda: how_far(self.verb, chosen, self.outcomes, in_flight)
        session.going_on = lambda: how_to_finish(session, self.verb, which, chosen, self.outcomes)
        session.acting = True
        yield
        session.acting = False
        session.going_on = before
        session.stopped = lambda: "interrupted"

    def finish(self) -> None:
        """Say how many there were. Raises PartFailed, or the one error, for those that failed."""
        counts = Counter(done.outcome for done in self.outcomes)
        failed = [done.error for done in self.outcomes if done.error is not None]
        several = len(self.outcomes) > 1 or self.which.filter is not None
        if several and self.session.format.text and self.outcomes and not self.which.dry_run:
            self.session.console.note(self.summary())
        elif not self.which.dry_run and (again := sum(done.is_left(AGAIN) for done in self.outcomes)):
            self.session.console.note(f"{again:,} left out, rerun already (--again reruns them)")
        for why in dict.fromkeys(done.why for done in self.outcomes if done.outcome is Outcome.REQUESTED):
            self.session.console.note(f"not {self.verb.past} yet: {why}")
        if not failed:
            return
        if self._alone:
            raise failed[0]
        if len(failed) == len(self.outcomes) and len({error.exit_status for error in failed}) == 1:
            raise type(failed[0])(f"all {len(failed):,} failed")
        untried = counts[Outcome.NOT_TRIED]
        rest = f", {untried:,} not tried" if untried else ""
        raise PartFailed(
            f"{len(failed)} of {len(self.outcomes)} failed{rest}",
            hint="--continue-on-error tries the rest as well" if untried else None,
        )

    def summary(self) -> str:
        """Return how many there were of each outcome so far."""
        counts = Counter(done.outcome for done in self.outcomes)
        gone, left, again = (sum(done.is_left(reason) for done in self.outcomes) for reason in (GOES, STAYS, AGAIN))
        skipped, failed = counts[Outcome.SKIPPED] - gone - left - again, counts[Outcome.FAILED]
        words = [self.verb.summed(counts[Outcome.DONE])]
        words += [f"{again:,} left out, rerun already (--again reruns them)"] if again else []
        words += [f"{plural(gone, 'child', 'children')} with their parents"] if gone else []
        words += [f"{plural(left, 'child', 'children')} left to their parents"] if left else []
        counted = ((counts[Outcome.REQUESTED], "requested"), (skipped, "skipped"), (failed, "failed"))
        words += [f"{count:,} {word}" for count, word in counted if count]
        return ", ".join(words)

    # --- acting -----------------------------------------------------------------------------------------------------

    def act_on(self, workflows: Workflows, chosen: Chosen, act: Act) -> Generator[Done, None, None]:
        """Act, without a question. Yields the outcome of each instance that was named or found, as they come."""
        self._alone = len(chosen.all) == 1
        for instance_id, why in chosen.left.items():
            yield self._done(instance_id, Outcome.SKIPPED, why=why)
        results = self._together if self._at_once(chosen) > 1 else self._one_by_one
        with closing(results(workflows, chosen, act)) as found:
            for done in found:
                yield done
                self._stopped = self._stopped or (done.error is not None and self._stops(done.error))

    def _stops(self, error: WfctlError) -> bool:
        """Tell whether the rest is left alone after this: after any failure with a filter; IDs are each tried."""
        return not self.which.go_on and (self.which.filter is not None or isinstance(error, _HOPELESS))

    def _at_once(self, chosen: Chosen) -> int:
        return min(self.which.at_once, self.session.target.connections, len(chosen.ids))

    def _one_by_one(self, workflows: Workflows, chosen: Chosen, act: Act) -> Generator[Done, None, None]:
        """Through one connection, which may commit many together."""
        ids = iter(chosen.ids)
        look = partial(self._look, workflows, chosen)
        for result in workflows.for_each(chosen.ids, partial(self._act, workflows, chosen, act), self._stops, look):
            yield self._outcome(next(ids), result)
        for instance_id in ids:
            yield self._done(instance_id, Outcome.NOT_TRIED)

    def _together(self, workflows: Workflows, chosen: Chosen, act: Act) -> Generator[Done, None, None]:
        """Several at a time, each thread with a connection of its own; the outcomes come in the order of the IDs."""
        from concurrent.futures import ThreadPoolExecutor

        at_once = self._at_once(chosen)
        mine = threading.local()
        opened: list[Workflows] = []

        def one(instance_id: str) -> Done:
            if self._stopped:
                return self._done(instance_id, Outcome.NOT_TRIED)
            if not hasattr(mine, "workflows"):
                mine.workflows = self.session.target.open(Host(self.session.console.note))
                opened.append(mine.workflows)
            return self._one(mine.workflows, chosen, act, instance_id)

        running: deque[Future[Done]] = deque()
        with ThreadPoolExecutor(at_once) as pool:
            try:
                for instance_id in chosen.ids:
                    running.append(pool.submit(one, instance_id))
                    if len(running) >= 2 * at_once:
                        yield running[0].result()
                        running.popleft()
                while running:
                    yield running[0].result()
                    running.popleft()
            except BaseException:  # interrupted, or nobody reads the results: what is in flight ends, and counts
                told = {done.instance_id for done in self.outcomes}
                sent = [future for future in running if not future.cancel()]
                self.outcomes += [done for done in (future.result() for future in sent) if done.instance_id not in told]
                raise
        for connection in opened:
            connection.close()

    def _one(self, workflows: Workflows, chosen: Chosen, act: Act, instance_id: str) -> Done:
        try:
            self._look(workflows, chosen, [instance_id])
            return self._outcome(instance_id, self._act(workflows, chosen, act, instance_id))
        except WfctlError as error:
            return self._failed(instance_id, error)

    def _look(self, workflows: Workflows, chosen: Chosen, ids: Sequence[str]) -> None:
        """Look at what a filter found once more, just before it is acted on."""
        filter = chosen.filter
        if filter is not None:
            still = workflows.still_match(ids, filter)
            others = [one for one in ids if one not in still]
            for one in still if self._now else ():
                self._now.pop(one, None)  # of a commit that failed
            if others:
                self._now.update(dict.fromkeys(others))
                payloads = filter.told or filter.custom_status is not None
                self._now.update(workflows.several(others, payloads=payloads, waiting=filter.told))

    def _act(self, workflows: Workflows, chosen: Chosen, act: Act, instance_id: str) -> Result:
        try:
            now = self._now
            why = no_more(chosen, instance_id, now.pop(instance_id)) if instance_id in now else None
            return act(workflows, instance_id) if why is None else self._done(instance_id, Outcome.SKIPPED, why=why)
        except NotFound as error:
            if chosen.filter is not None and error.instance_id == instance_id:
                return self._done(instance_id, Outcome.SKIPPED, why="it is gone by now")
            raise
        except AlreadyRerun as error:
            if self._alone:
                raise
            return self._done(instance_id, Outcome.SKIPPED, why=f"{AGAIN} {error.rerun_id}")

    def _outcome(self, instance_id: str, result: Result | WfctlError) -> Done:
        if isinstance(result, Done):
            return result
        if isinstance(result, WfctlError):
            return self._failed(instance_id, result)
        if isinstance(result, Requested):
            return self._done(instance_id, Outcome.REQUESTED, why=result.waits_for)
        count, new_id = (None, result) if isinstance(result, str) else (result, None)
        return self._done(instance_id, Outcome.DONE, count=count, new_id=new_id)

    def _failed(self, instance_id: str, error: WfctlError) -> Done:
        error.instance_id = error.instance_id or instance_id
        return self._done(instance_id, Outcome.FAILED, error=error)

    def _done(
        self,
        instance_id: str,
        outcome: Outcome,
        *,
        error: WfctlError | None = None,
        count: int | None = None,
        new_id: str | None = None,
        why: str | None = None,
        instance: Instance | None = None,
    ) -> Done:
        return Done(instance_id, self.verb.past, outcome, error, count, new_id, why, instance)

    def _planned(self, workflows: Workflows, chosen: Chosen) -> Generator[Done, None, None]:
        """Yield what a dry run shows."""
        for instance_id in chosen.all:
            try:
                instance = chosen.known.get(instance_id) or workflows.get(instance_id, payloads=False)
            except WfctlError as error:
                yield self._failed(instance_id, error)
                continue
            why = chosen.left.get(instance_id)
            if why is None and self.verb.able is not None and instance.status not in self.verb.able:
                why = f"it is {instance.status.name}"
            outcome = Outcome.PLANNED if why is None else Outcome.SKIPPED
            yield self._done(instance_id, outcome, why=why, instance=instance)

    # --- telling ----------------------------------------------------------------------------------------------------

    def _show(self, outcomes: Generator[Done, None, None], total: int) -> None:
        """Print each as it comes: records to stdout; for a person, lines on stderr, or a bar."""
        with closing(outcomes):  # which waits for what is in flight, and so knows what became of it
            self._print(self._keep(outcomes), total)

    def _print(self, kept: Iterator[Done], total: int) -> None:
        session = self.session
        if session.format is Format.ID:
            shown = (Outcome.PLANNED,) if self.which.dry_run else _WORKED
            session.printer.many((done for done in kept if done.outcome in shown), VIEW)
        elif not session.format.text or (self.which.dry_run and total):
            session.printer.many(kept, VIEW)
        else:
            with Progress(session, self.verb.past, total) as progress:
                for done in kept:
                    self._tell(done, progress)

    def _keep(self, outcomes: Iterator[Done]) -> Iterator[Done]:
        for done in outcomes:
            self.outcomes.append(done)
            yield done

    def _tell(self, done: Done, progress: Progress) -> None:
        console = self.session.console
        progress.count(done.outcome is Outcome.DONE)
        if done.error is not None:
            if not self._alone:  # else `finish` says it
                progress.line(fault_text(done.error, color=console.err_color))
        elif done.new_id is not None:
            console.word(done.new_id)
            progress.note(told(done, self.verb))
        elif done.outcome is Outcome.DONE and self.verb.prints:
            console.word(done.instance_id)
        elif done.outcome in _WORKED or (
            done.outcome is Outcome.SKIPPED and not (self.which.filter and done.is_left(GOES, STAYS, AGAIN))
        ):
            progress.note(told(done, self.verb))
