"""Colours: few, always beside the word they stand for."""

from __future__ import annotations

from wfctl.model.status import Status, StepStatus

RESET = "\x1b[0m"
BOLD = "\x1b[1m"
DIM = "\x1b[2m"
RED = "\x1b[31m"
GREEN = "\x1b[32m"
YELLOW = "\x1b[33m"
MAGENTA = "\x1b[35m"
CYAN = "\x1b[36m"

_STATUS = {
    Status.RUNNING: CYAN,
    Status.PENDING: DIM,
    Status.COMPLETED: GREEN,
    Status.FAILED: RED,
    Status.TERMINATED: MAGENTA,
    Status.CANCELED: MAGENTA,
    Status.SUSPENDED: YELLOW,
    Status.STALLED: BOLD + RED,
}

_STEP = {
    StepStatus.RUNNING: CYAN,
    StepStatus.WAITING: CYAN,
    StepStatus.RETRYING: YELLOW,
    StepStatus.COMPLETED: GREEN,
    StepStatus.RECEIVED: GREEN,
    StepStatus.FAILED: RED,
    StepStatus.TIMED_OUT: YELLOW,
    StepStatus.ABANDONED: DIM,
}


def status_style(status: Status) -> str:
    return _STATUS.get(status, "")


def step_style(status: StepStatus) -> str:
    return _STEP.get(status, "")


def paint(text: str, style: str, color: bool) -> str:
    return f"{style}{text}{RESET}" if color and style and text else text
