"""Check stored histories against the code of a loaded app, in this process or in the app's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from wfctl.model.code_warning import CodeWarning
from wfctl.model.events import PropagatedEvents
from wfctl.model.fit import Difference, Fit, Recorded, Retraced, Told
from wfctl.workflow.loading.app import App
from wfctl.workflow.registry import Registry
from wfctl.workflow.replay.guard import SECONDS, Guard

_AT_ONCE = 50  # histories that go to an app's own process in one message

if TYPE_CHECKING:
    from wfctl.workflow.replay.retrace import Wish

ReadPropagated = Callable[[Recorded], PropagatedEvents | None]


def _nothing(recorded: Recorded) -> PropagatedEvents | None:
    return None


class Asked(BaseException):
    """Raised in code that asks for what its parent has propagated, where that is not known."""


def fits(
    app: App,
    histories: Iterable[Recorded],
    *,
    propagated: ReadPropagated = _nothing,
    seconds: float | None = SECONDS,
    results: bool = False,
    quiet: bool = True,
) -> Iterator[Fit]:
    """Yield for each history whether the code fits it, in order; see `difference` and `Guard` for the options.

    `propagated` reads what the parent of one has propagated; it is called for those alone whose code asks for it.
    Raises AppExited if the app has a process of its own, and that ends.
    """
    if type(app) is App:
        with Guard(app.registry, seconds=seconds, results=results, quiet=quiet) as guard:
            for one in histories:
                yield _fit(one, guard.difference(one, lambda one=one: propagated(one)))  # type: ignore[misc]
        return
    from wfctl.engine.execute.child.process import ProcessApp

    assert isinstance(app, ProcessApp)
    process = app.process

    def ask(items: Sequence[Item]) -> Answers:
        return process.check(items, seconds, results, quiet)

    for one, answer in _answered(histories, ask):
        if answer == ASKED:
            (answer,) = ask([(one, (propagated(one),))])
        assert not isinstance(answer, str)
        yield _fit(one, answer)


def _answered(
    histories: Iterable[Recorded], ask: Callable[[Sequence[Item]], Answers]
) -> Iterator[tuple[Recorded, Difference | str | None]]:
    """Ask many at a time. While the app's process is at some, the next are read."""
    from concurrent.futures import Future, ThreadPoolExecutor

    rest = iter(histories)
    asked: tuple[tuple[Recorded, ...], Future[Answers]] | None = None
    with ThreadPoolExecutor(1) as thread:
        while True:
            part = tuple(islice(rest, _AT_ONCE))
            before, asked = asked, (part, thread.submit(ask, [(one, None) for one in part])) if part else None
            if before is not None:
                yield from zip(before[0], before[1].result(), strict=True)
            if asked is None:
                return


def retraced(
    app: App, recorded: Recorded, wish: Wish, tell: Callable[[Told], None], propagated: ReadPropagated = _nothing
) -> Retraced:
    """Replay a history for a person, who sees what the code prints; see `retrace`. Raises AppExited."""
    if type(app) is App:
        from wfctl.workflow.replay.retrace import retrace

        return retrace(app.registry, recorded, wish, tell, lambda: propagated(recorded))
    from wfctl.engine.execute.child.process import ProcessApp

    assert isinstance(app, ProcessApp)
    given = None if recorded.parent is None else propagated(recorded)
    return app.process.retrace(recorded, wish, tell, given)


def code_warnings(app: App) -> list[CodeWarning]:
    """Return what there is to say of the code of the app's workflows; see `lint`. Raises AppExited."""
    if type(app) is App:
        from wfctl.workflow.lint.lint import lint

        return lint(app.registry)
    from wfctl.engine.execute.child.process import ProcessApp

    assert isinstance(app, ProcessApp)
    return app.process.lint()


def _fit(recorded: Recorded, difference: Difference | None) -> Fit:
    return Fit(recorded.id, recorded.workflow, recorded.status, difference)


# The answer of the app's process where its code asks for what was propagated, and that was not sent along.
ASKED = "asked"
Item = tuple[Recorded, tuple[PropagatedEvents | None] | None]
Answers = list[Difference | str | None]


def answers(registry: Registry, items: Sequence[Item], seconds: float | None, results: bool, quiet: bool) -> Answers:
    """Check these in the process of the app: each with what its parent has propagated, or None if that is not known."""
    found: Answers = []
    with Guard(registry, seconds=seconds, results=results, quiet=quiet) as guard:
        for recorded, propagated in items:
            asked: list[bool] = []

            def read(
                propagated: tuple[PropagatedEvents | None] | None = propagated, asked: list[bool] = asked
            ) -> PropagatedEvents | None:
                if propagated is None:
                    asked.append(True)
                    raise Asked
                return propagated[0]

            difference = guard.difference(recorded, read)
            found.append(ASKED if asked else difference)
    return found
