"""Asking the target that the command line and the settings name, within a hard limit.

What has not come by then is not waited for. An embedded store is read by a thread; a sidecar is asked by a process
aside, which goes on for a while and remembers what it learns.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from wfctl.errors import WfctlError

if TYPE_CHECKING:
    from wfctl.client.port import Workflows
    from wfctl.config.settings import Settings
    from wfctl.model.events import Event
    from wfctl.model.instance import Filter, Instance

LIMIT = 0.27  # seconds from the start of the process, unless the user allows more
LEAST = 0.06  # seconds to ask in any case: a machine that is slow to start Python answers late anyway
LIMIT_VARIABLE = "WFCTL_COMPLETE_TIMEOUT"
MOST = 200  # candidates


class Candidate(NamedTuple):
    value: str
    help: str = ""


def time_left() -> float:
    return max(LEAST, _limit() - _age())


def _limit() -> float:
    given = os.environ.get(LIMIT_VARIABLE)
    if not given:
        return LIMIT
    from wfctl.cli.parsing.duration import parse_duration

    return parse_duration(given, LIMIT_VARIABLE).total_seconds()


def _age() -> float:
    """Return how many seconds this process has been running, as far as the system tells."""
    if sys.platform.startswith("linux"):
        try:
            fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
            return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError, IndexError):
            pass
    return 0.1


class CompletionReader(Protocol):
    """Read what completion asks of a target."""

    def get(self, instance_id: str) -> Instance: ...

    def list(self, filter: Filter) -> Iterator[Instance]:
        """Return the instances in order, with what they wait for."""
        ...

    def first(self, filter: Filter) -> Iterator[Instance]:
        """Return the first instances that the target can name, in the order that is quickest."""
        ...

    def workflow_names(self) -> Iterator[str | None]: ...

    def app_ids(self) -> Iterator[str]:
        """Return the apps that instances are of by name."""
        ...

    def history(self, instance_id: str) -> Sequence[Event]: ...

    def close(self) -> None: ...


class WorkflowsReader:
    def __init__(self, workflows: Workflows) -> None:
        self.get = workflows.get
        self.list = workflows.list
        self.history = workflows.history
        self.close = workflows.close

    def first(self, filter: Filter) -> Iterator[Instance]:
        """Ignore the prefix, which makes no sidecar quicker: the answer is remembered for other prefixes too."""
        every = replace(filter, id_prefix=None)
        return islice(self.list(every, payloads=False, waiting=False, in_order=False), MOST)

    def workflow_names(self) -> Iterator[str | None]:
        from wfctl.model.instance import Filter

        return (one.name for one in self.first(Filter()))

    def app_ids(self) -> Iterator[str]:
        """A sidecar has the instances of one app."""
        return iter(())


class Question(NamedTuple):
    """`key` tells it from other questions to the same target."""

    key: str
    ask: Callable[[CompletionReader], Iterable[Candidate]]


def asked(settings: Settings, *questions: Question) -> list[Candidate]:
    """Return what the target answers within the limit; nothing after an error."""
    from wfctl.cli.target import choose

    try:
        target = choose(settings)
    except WfctlError:
        return []
    found: list[Candidate] = []

    def ask() -> None:
        if target.embedded is not None:
            from wfctl.cli.complete.store_reader import StoreReader

            reader: CompletionReader = StoreReader(target.embedded.store, target.embedded.app_id)
        else:
            from wfctl.client.port import Host

            reader = WorkflowsReader(target.open(Host(note=lambda text: None)))
        with closing(reader):  # a store that is left open keeps its log beside it
            for question in questions:
                for one in islice(question.ask(reader), MOST):
                    found.append(one)

    if not target.local and hasattr(os, "fork"):
        from wfctl.cli.complete.background import ask_aside

        key = "\n".join([repr(target), *(question.key for question in questions)])
        return [Candidate(*pair) for pair in ask_aside(key, ask, found, time_left())]
    thread = threading.Thread(target=_quietly, args=(ask,), daemon=True)
    thread.start()
    thread.join(time_left())
    return list(found)


def _quietly(ask: Callable[[], None]) -> None:
    try:
        ask()
    except BaseException:
        if os.environ.get("WFCTL_DEBUG"):
            raise
