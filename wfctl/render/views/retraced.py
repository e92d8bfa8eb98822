"""The lines of a replay that a person follows: what the code asks for, and what it is given."""

from __future__ import annotations

from pathlib import Path

from wfctl.model.fit import Action, Told
from wfctl.render.table import Cell
from wfctl.render.text import clean, shorten
from wfctl.render.theme import BOLD, DIM, RED
from wfctl.render.views.fits import place_text
from wfctl.render.views.payload import payload_cell

MOST = 200  # characters of a payload
_KINDS = {"child": "child workflow", "event": "wait for", "retry": "timer of a retry"}


def told_line(told: Told, base: Path) -> list[Cell | str]:
    """Return one line, in parts: `3  activity ChargeCard  orders.py:41`, or `3  <- {"paid": true}`."""
    number = "" if told.number is None else str(told.number)
    if told.came is None:
        assert told.action is not None
        return [f"{number:>4}  ", *_action(told.action), "  ", Cell(place_text(told.place, base), DIM)]
    words = _came(told)
    return [f"{number:>4}  ", Cell(f"<- {words}", RED if told.came in ("failed", "terminated") else DIM)]


def _action(action: Action) -> list[Cell | str]:
    kind = _KINDS.get(action.kind, action.kind)
    return [kind] if action.name is None else [f"{kind} ", Cell(clean(action.name), BOLD)]


def _came(told: Told) -> str:
    if told.came == "completed":
        return shorten(payload_cell(told.text) or "no result", MOST)
    if told.came == "failed":
        return "failed: " + shorten(clean(" ".join((told.text or "").split())), MOST)
    if told.came == "raised" and told.action is not None:
        return f"event {clean(told.action.name or '')} {shorten(payload_cell(told.text), MOST)}".rstrip()
    return told.came or ""
