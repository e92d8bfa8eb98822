"""Errors on the wire: a client reads an answer into a `Problem`, a gateway writes a `Problem` as the answer.

HTTP answers are told apart by operation, status and `errorCode`, never by their text: where that leaves several
causes, `read_http` says `LOOK` and the client asks for the instance. The task hub has nothing but a status code and a
text; there the documented marks decide.
"""

from __future__ import annotations

from dataclasses import dataclass

from wfctl import errors
from wfctl.wire.error_codes import BAD, INTERNAL, MISSING, OWN, TABLE, Problem
from wfctl.wire.http_routes import Operation

Version = tuple[int, int]

# Where a missing instance is not told from another failure: 500 with the operation's own code.
_UNTOLD = frozenset({Operation.PAUSE, Operation.RESUME, Operation.RAISE})
# Task hub codes of a missing instance where it is not UNKNOWN with the mark.
_HUB_MISSING = {
    Operation.HISTORY: "workflow instance '{id}' not found",
    Operation.RERUN: "workflow instance does not exist with ID '{id}'",
}
_RERUN_EXISTS = "workflow '{id}' has already been created"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """`code` is empty where the body is plain text (a wrong token)."""

    status: int
    code: str
    message: str


class _Names(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""


def write_http(problem: Problem, operation: Operation, **names: str) -> HttpAnswer:
    """Return what Dapr 1.18 answers, its slips of formatting left out. `names` fill in the texts."""
    row = TABLE[problem]
    filled = _Names(names)
    if row.code is not None and not (problem is Problem.NOT_FOUND and operation in _UNTOLD):
        return HttpAnswer(row.http, row.code, row.text.format_map(filled))
    cause = row.hub_text if problem is Problem.NOT_FOUND and row.hub_text else row.text
    filled["cause"] = cause.format_map(filled)
    code, text, _ = OWN.get(operation, ("ERR_GET_WORKFLOW", "{cause}", ""))
    status = 500 if problem is Problem.NOT_FOUND else row.http
    return HttpAnswer(status, code, text.format_map(filled))


def write_runtime(problem: Problem, operation: Operation, **names: str) -> tuple[str, str]:
    """Status code (its name in grpc.StatusCode) and text of the general gRPC service."""
    answer = write_http(problem, operation, **names)
    row = TABLE[problem]
    code = INTERNAL if problem is Problem.NOT_FOUND and operation in _UNTOLD else row.grpc
    return code, row.hub_text if problem is Problem.TOKEN and row.hub_text else answer.message


def write_hub(problem: Problem, operation: Operation, **names: str) -> tuple[str, str]:
    """Status code (its name in grpc.StatusCode) and text of the task hub service."""
    row = TABLE[problem]
    filled = _Names(names)
    if problem is Problem.NOT_FOUND and operation in _HUB_MISSING:
        return MISSING, _HUB_MISSING[operation].format_map(filled)
    if problem is Problem.EXISTS and operation is Operation.RERUN:
        return row.hub, _RERUN_EXISTS.format_map(filled)
    text = (row.hub_text or row.text).format_map(filled)
    if row.hub == "UNKNOWN" and operation in OWN:
        filled["cause"] = text
        text = OWN[operation][2].format_map(filled)
    return row.hub, text


_BY_CODE = {row.code: problem for problem, row in TABLE.items() if row.code} | {
    "ERR_WORKFLOW_COMPONENT_MISSING": Problem.COMPONENT,
    "ERR_ACTOR_RUNTIME_NOT_FOUND": Problem.NO_STATE_STORE,
    "ERR_DIRECT_INVOKE": Problem.NO_ROUTE,
}
_OWN_CODES = frozenset(code for code, _, _ in OWN.values())


def read_http(operation: Operation, status: int, code: str | None, runtime: Version | None = None) -> Problem:
    """Return the problem.

    `code` is None where the body held none. `runtime` is the sidecar's version where it is known.

    Before 1.12 there was no code for a missing instance: a failed get is one (dapr-api 1.5).
    """
    if status == 401:
        return Problem.TOKEN
    if status == 403:
        return Problem.DENIED
    if status == 413:
        return Problem.TOO_LARGE
    if code in _BY_CODE:
        return _BY_CODE[code]
    if code in _OWN_CODES:
        if operation is Operation.GET:
            return Problem.NOT_FOUND if runtime is not None and runtime < (1, 12) else Problem.OTHER
        return Problem.LOOK
    if code is None and status in (404, 405):
        return Problem.NO_ROUTE
    return Problem.UNAVAILABLE if status in (502, 503, 504) else Problem.OTHER


_BY_HUB_CODE = {
    "UNAUTHENTICATED": Problem.TOKEN,
    "PERMISSION_DENIED": Problem.DENIED,
    "UNIMPLEMENTED": Problem.UNIMPLEMENTED,
    "RESOURCE_EXHAUSTED": Problem.TOO_LARGE,
    "DEADLINE_EXCEEDED": Problem.TIMEOUT,
    "UNAVAILABLE": Problem.UNAVAILABLE,
    "CANCELLED": Problem.UNAVAILABLE,  # a server that stops ends its calls so
}
_BY_HUB_CODE_AND_MARK = {"UNAVAILABLE": Problem.NO_WORKER, "RESOURCE_EXHAUSTED": Problem.STORE_FULL}
# Other words for a problem, besides its mark in the table.
_MORE_MARKS = {
    "no state store with actor support found": Problem.NO_STATE_STORE,
    # A real sidecar takes a method that it does not know for a call to another app, whose name it then misses.
    "required metadata dapr-callee-app-id": Problem.UNIMPLEMENTED,
}


def read_hub(operation: Operation, code: str, text: str) -> Problem:
    """`code` is the name of the status code.

    A mark is looked for before the codes that say no more than "no": one failure has had several codes over the
    versions (a duplicate is UNKNOWN before 1.18.2).
    """
    told = _BY_HUB_CODE_AND_MARK.get(code)
    if told is not None and TABLE[told].mark in text:
        return told
    if code in _BY_HUB_CODE:
        return _BY_HUB_CODE[code]
    # Several may be there ("cannot recreate ...: child ...: orchestration has not yet completed"): the first counts.
    marks = {row.mark: problem for problem, row in TABLE.items() if row.mark} | _MORE_MARKS
    marked = [(text.find(mark), problem) for mark, problem in marks.items() if mark in text]
    if marked:
        return min(marked)[1]
    if code == "NOT_FOUND":
        return Problem.NOT_FOUND
    if code == "ALREADY_EXISTS":
        return Problem.EXISTS
    return Problem.MALFORMED if code == BAD else Problem.OTHER


def read_scheduler(text: str) -> bool | None:
    """Return True if the scheduler answered, judged by what a sidecar says of a job that nobody has; None: unknown."""
    if "job not found" in text:
        return True
    return False if "failed to get job" in text else None


def error_of(problem: Problem) -> type[errors.WfctlError]:
    return errors.WfctlError if problem is Problem.LOOK else TABLE[problem].error


def problem_of(error: errors.WfctlError, operation: Operation) -> Problem:
    """Return the nearest problem to an engine's error, for a gateway that has no closer knowledge."""
    if isinstance(error, errors.WrongState):
        return {Operation.PURGE: Problem.NOT_COMPLETED, Operation.RERUN: Problem.SOURCE_LIVE}.get(
            operation, Problem.STALLED
        )
    by_class: dict[type[errors.WfctlError], Problem] = {
        errors.NotFound: Problem.NOT_FOUND,
        errors.Conflict: Problem.EXISTS,
        errors.InvalidInput: Problem.MALFORMED,
        errors.NotAuthenticated: Problem.TOKEN,
        errors.NotPermitted: Problem.DENIED,
        errors.TimedOut: Problem.TIMEOUT,
        errors.Unreachable: Problem.UNAVAILABLE,
        errors.DiskFull: Problem.STORE_FULL,
    }
    return next((problem for kind, problem in by_class.items() if isinstance(error, kind)), Problem.OTHER)
