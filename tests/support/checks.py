"""Run the checks of `wfctl doctor` on a sidecar, as the command does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wfctl.client.doctor.check import Check, wait_until_ready
from wfctl.client.port import Host, Target


def examine(target: Target, note: Callable[[str], None]) -> Sequence[Check]:
    with target.checked(Host(note), None) as look:
        return look()


def wait_ready(target: Target, seconds: float, note: Callable[[str], None]) -> Sequence[Check]:
    with target.checked(Host(note), None) as look:
        return wait_until_ready(look, seconds, note)
