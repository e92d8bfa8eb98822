"""The messages between wfctl and an app in a process of its own."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any

from wfctl.engine.execute.checking import Item
from wfctl.engine.execute.port import ActivityTask, Logged
from wfctl.model.events import Event, PropagatedEvents
from wfctl.model.fit import Recorded
from wfctl.model.turn import TurnResult
from wfctl.workflow.replay.retrace import Wish

# The method of a ClientCall that asks for the variables of a DaprClient; the others are those of ClientBackend.
CLIENT_ENVIRONMENT = "client_environment"
# The first protocol that every Python from 3.10 on writes and reads.
_PROTOCOL = 5


@dataclass(frozen=True, slots=True)
class Registered:
    """What the app registers: workflows with their versions and the latest one, and activities."""

    module: str
    path: str | None
    python: str
    workflows: tuple[tuple[str, tuple[str, ...], str | None], ...]
    activities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunTurn:
    """A turn. `past` and `received` are None where the app's side keeps the instance alive."""

    key: int
    instance_id: str
    name: str
    past: tuple[Event, ...] | None
    new: tuple[Event, ...]
    received: PropagatedEvents | None


@dataclass(frozen=True, slots=True)
class CheckHistories:
    """The question how the app's code differs from these histories; see `checking.answers`."""

    items: tuple[Item, ...]
    seconds: float | None
    results: bool
    quiet: bool


@dataclass(frozen=True, slots=True)
class LintCode:
    """The question what there is to say of the code of the app's workflows."""


@dataclass(frozen=True, slots=True)
class Retrace:
    """The wish to replay a history for the person at the terminal, which the app's process has too.

    Each answer but the last is something to tell, and the app goes on when it is answered by GoOn.
    """

    recorded: Recorded
    wish: Wish
    propagated: PropagatedEvents | None


@dataclass(frozen=True, slots=True)
class GoOn:
    """What was to be told is told."""


@dataclass(frozen=True, slots=True)
class TurnDone:
    """The result of a turn, and what its code logged. `alive`: the app's side keeps the instance for its next turn."""

    result: TurnResult
    alive: bool
    logged: tuple[Logged, ...] = ()


@dataclass(frozen=True, slots=True)
class RunActivities:
    tasks: tuple[ActivityTask, ...]


@dataclass(frozen=True, slots=True)
class Forget:
    key: int


@dataclass(frozen=True, slots=True)
class ClientCall:
    """A call of the app's own DaprWorkflowClient, to be answered by an Answer with the same number."""

    number: int
    method: str
    arguments: tuple[Any, ...]
    app_id: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question that the other side asked. Exactly one of a value (which may be None) and an error."""

    number: int
    value: Any = None
    error: Exception | None = None


def pack(message: object) -> bytes:
    return pickle.dumps(message, _PROTOCOL)


def unpack(data: bytes) -> Any:
    return pickle.loads(data)
