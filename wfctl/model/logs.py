"""Lines that an app logged while wfctl ran it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

# The levels of Python's logging module, by the names that users write.
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
WORKFLOW = "workflow"  # stands for the step where the workflow's own code logged

# The logger of wfctl's own warnings about workflow code.
OWN_LOGGER = "wfctl"


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of an instance. `step` is the activity's name and `event_id` its number in the history; both are None
    where the workflow's own code logged. `row` is where the store has the line, 0 if it does not yet.
    """

    at: datetime
    level: int
    step: str | None
    event_id: int | None
    logger: str
    message: str
    row: int = 0


def level_name(level: int) -> str:
    """Return the name of the highest level that is not above this one."""
    names = [name for name, number in LEVELS.items() if number <= level]
    return names[-1] if names else "debug"
