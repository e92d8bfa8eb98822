"""A request that cannot be done, in the words of the wire: each API writes the `Problem` its own way."""

from __future__ import annotations

import re

from wfctl.errors import Conflict, WfctlError
from wfctl.wire import error_mapping
from wfctl.wire.error_codes import Problem
from wfctl.wire.http_routes import Operation

_CHILD = re.compile(r"child workflow '(.*)' has not yet completed")


class Trouble(Exception):
    """`names` fill in the texts of the wire's table."""

    def __init__(self, problem: Problem, operation: Operation, **names: str) -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.operation = operation
        self.names = names

    def http(self) -> error_mapping.HttpAnswer:
        return error_mapping.write_http(self.problem, self.operation, **self.names)

    def runtime(self) -> tuple[str, str]:
        return error_mapping.write_runtime(self.problem, self.operation, **self.names)

    def hub(self) -> tuple[str, str]:
        return error_mapping.write_hub(self.problem, self.operation, **self.names)


def trouble(error: WfctlError, operation: Operation, **names: str) -> Trouble:
    """Return the problem that is nearest to an engine's error."""
    if isinstance(error, Conflict):
        child = _CHILD.search(error.message)
        if child is not None:
            return Trouble(Problem.CHILD_RUNNING, operation, child=child[1], **names)
    return Trouble(error_mapping.problem_of(error, operation), operation, reason=error.message, **names)
