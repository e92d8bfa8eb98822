"""Check bundles of histories against the code of an app."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from wfctl.bundle import BundleReader
from wfctl.engine.core.propagate import inherited
from wfctl.engine.execute.checking import fits
from wfctl.errors import InvalidInput
from wfctl.model.events import Event
from wfctl.model.fit import Recorded
from wfctl.testing.apps import app_of
from wfctl.testing.refusals import plainly

MOST_TOLD = 20


@plainly
def check_bundles(bundles: str | Path, app: Any = None) -> int:
    """Check that the code of an app still fits recorded histories, as `wfctl check --from BUNDLE` does.

    No activity runs, and nothing is changed.

    Args:
        bundles: a bundle that `wfctl export` has written, or a folder: then every `*.jsonl` in it is one.
        app: as for `run_workflow`.

    Returns:
        The number of histories, all of which fit.

    Raises:
        AssertionError: some do not; it names each, the first step that differs, and the line of code.
        InvalidInput: there is no bundle, or one is damaged.
        AppError: the app cannot be imported.
    """
    __tracebackhide__ = True
    path = Path(bundles)
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files:
        raise InvalidInput(
            f"there is no bundle in {path}", hint="wfctl export --status COMPLETED > NAME.jsonl writes one"
        )
    loaded = app_of(app)
    parents: dict[str, Sequence[Event]] = {}
    checked, wrong = 0, []
    for file in files:
        parents.clear()
        found = fits(loaded, _histories(file, parents), propagated=lambda one: inherited(one.parent, parents.get))
        for fit in found:
            checked += 1
            if fit.difference is not None:
                place = fit.difference.place
                where = "" if place is None else f" ({place.file}:{place.line})"
                wrong.append(f"{file.name}: {fit.id} ({fit.name}): {fit.difference.text}{where}")
    if wrong:
        more = f"\n... and {len(wrong) - MOST_TOLD} more" if len(wrong) > MOST_TOLD else ""
        raise AssertionError(f"{len(wrong)} of {checked} histories do not fit:\n" + "\n".join(wrong[:MOST_TOLD]) + more)
    return checked


def _histories(file: Path, parents: dict[str, Sequence[Event]]) -> Iterator[Recorded]:
    """Yield the histories of a bundle, which has parents before their children; note those that hand theirs on."""
    try:
        stream = file.open("rb")
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror or error}") from None
    with stream:
        for one in BundleReader(stream, str(file)):
            if any(getattr(event, "scope", 0) for event in one.history):
                parents[one.id] = one.history
            yield Recorded(one.id, one.instance.name, one.history, one.instance.status)
