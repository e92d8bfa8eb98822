"""What there is to say of a line of workflow code."""

from __future__ import annotations

from dataclasses import dataclass

from wfctl.model.fit import Place


@dataclass(frozen=True, slots=True)
class CodeWarning:
    """`# wfctl: ok RULE` silences it. `workflow` is one that comes by; `hint` says what to write instead."""

    rule: str
    workflow: str
    place: Place
    text: str
    hint: str
