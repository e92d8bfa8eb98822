"""Find and describe the store for `wfctl backup` and `wfctl restore`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wfctl.render.printer import View
from wfctl.render.text import plural

if TYPE_CHECKING:
    from wfctl.cli.session import Session
    from wfctl.engine.store.backup import Contents


def embedded_store(session: Session, what: str) -> Path:
    """Return the store of the embedded target. Raises Unsupported where the target is a sidecar."""
    return session.embedded_target(
        f"only the store of the embedded engine can be {what}; the state store of a sidecar is Dapr's",
        "use that state store's own tools; for the store of wfctl serve: --target embedded --store FILE",
    ).store


def describe(held: Contents) -> str:
    return f"{plural(held.instances, 'instance')}, {held.live} live"


def record(store: Path, file: Path, held: Contents, kept: Path | None = None) -> dict[str, object]:
    """Return the JSON record of a backup, or of a restore that has kept the former store in `kept`."""
    return {
        "store": str(store),
        "file": str(file),
        "kept": None if kept is None else str(kept),
        "schema": held.schema,
        "instances": held.instances,
        "live": held.live,
    }


VIEW: View[dict[str, object]] = View(record=dict, id=lambda one: str(one["file"]))
