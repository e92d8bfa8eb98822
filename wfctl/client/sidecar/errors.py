"""Turn the problems that a sidecar reports into errors for the user."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from wfctl import errors
from wfctl.client.sidecar.endpoint import MOST_BYTES
from wfctl.install import install_command
from wfctl.model import refusals
from wfctl.wire.error_codes import TABLE, Problem
from wfctl.wire.error_mapping import error_of
from wfctl.wire.http_routes import Operation


class AmbiguousRefusal(errors.WfctlError):
    """Ambiguous refusal: the caller must fetch the instance to find the cause."""


def answer_error(
    problem: Problem,
    operation: Operation,
    *,
    where: str,
    text: str = "",
    instance_id: str | None = None,
) -> errors.WfctlError:
    """Return the error for a problem. `where` is the address, `text` the sidecar's own message."""
    if problem is Problem.LOOK:
        return AmbiguousRefusal(_said(operation, text, where), instance_id=instance_id)
    if problem is Problem.NO_WORKER:
        return no_worker(operation, instance_id, where)
    if problem in _REFUSALS:
        return _REFUSALS[problem](instance_id or "")
    if problem is Problem.STALLED:
        return refusals.stalled(instance_id or "", f"{operation.value} is not possible")
    message, hint = _WORDS.get(problem, (None, None))
    filled = {
        "id": instance_id or "",
        "operation": operation.value,
        "where": where,
        "text": _short(_cause(problem, text)) or "no reason",
    }
    return error_of(problem)(
        _said(operation, text, where) if message is None else message.format_map(filled),
        hint=hint.format_map(filled) if hint else None,
        instance_id=instance_id,
    )


def _cause(problem: Problem, text: str) -> str:
    """Return the cause without the sidecar's internal prefixes."""
    mark = TABLE[problem].mark
    return text[text.index(mark) :] if mark and mark in text else text


def _said(operation: Operation, text: str, where: str) -> str:
    return f"the sidecar at {where} refused {operation.value}: {_short(text) or 'it gave no reason'}"


def _short(text: str, limit: int = 300) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


_MORE_TIME = "give it more: --request-timeout 2m; wfctl doctor says whether it works at all"
GRPC_PORT_HINT = "give its gRPC address: DAPR_GRPC_PORT, or --grpc-endpoint"
_START_WORKER = "start the app; `wfctl doctor` shows how many workers are connected"
# The consequence of a missing worker, by operation; for others it is "... cannot be carried out".
_WITHOUT_WORKER = {
    Operation.START: "a workflow could not start",
    Operation.RERUN: "the rerun of '{id}' could not start",
    Operation.PAUSE: "'{id}' cannot be paused",
    Operation.RESUME: "'{id}' cannot be resumed",
    Operation.RAISE: "'{id}' cannot take an event",
    Operation.TERMINATE: "'{id}' cannot be terminated",
    Operation.PURGE: "'{id}' cannot be purged",
}

# Refusals with the same words for every target, by the ID of the instance.
_REFUSALS: dict[Problem, Callable[[str], errors.WfctlError]] = {
    Problem.NOT_FOUND: refusals.not_found,
    Problem.EXISTS: refusals.id_of_live_instance,
    Problem.NOT_COMPLETED: refusals.not_completed,
    Problem.SOURCE_LIVE: refusals.rerun_of_live_instance,
    Problem.SOURCE_IS_CHILD: refusals.rerun_of_child,
    Problem.SAME_ID: lambda _: refusals.rerun_under_same_id(),
    Problem.NO_EVENT: refusals.no_event,
    Problem.NOT_RERUNNABLE: refusals.not_rerunnable,
    Problem.TIMER_INPUT: lambda _: refusals.timer_takes_no_input(),
    Problem.CHILD_ID: lambda _: refusals.no_child_to_name(),
}

_WORDS: dict[Problem, tuple[str | None, str | None]] = {
    Problem.CHILD_RUNNING: (
        "'{id}' cannot be run anew: {text}",
        "wait for its children, or terminate them: wfctl terminate {id}",
    ),
    Problem.NO_STATE_STORE: (
        "the sidecar at {where} has no state store for workflows",
        'give it a state store component with actorStateStore: "true"',
    ),
    Problem.STORE_FULL: (
        "the disk of the server at {where} is full: nothing of this {operation} was recorded",
        "free some space there: the server continues by itself, and nothing that it acknowledged is lost",
    ),
    Problem.NO_KEY_LISTING: (
        "the sidecar's state store cannot list its keys, which list needs",
        "use a store that can (postgresql v2, sqlite, mysql, redis, mongodb, etcd), or get instances by their ID",
    ),
    Problem.BAD_KEY: (
        "one instance has an ID that the sidecar cannot list, which keeps it from listing the others: {text}",
        "delete it by its ID, which stands between '.workflow||' and '||metadata': wfctl purge --force ID",
    ),
    Problem.NO_ROUTE: (
        "what answers at {where} does not serve Dapr's workflow API for {operation}",
        "check the address and --api-version; wfctl doctor says more",
    ),
    Problem.TOKEN: (
        "the sidecar at {where} wants an API token, and does not accept the one it got (or got none)",
        "set DAPR_API_TOKEN, or token_env or token_file in a profile",
    ),
    Problem.DENIED: ("the sidecar at {where} does not permit {operation}: {text}", None),
    Problem.TOO_LARGE: (
        "the request or the answer of {operation} is larger than the sidecar at {where} lets through",
        "the sidecar's limit is --max-body-size, 4Mi by default",
    ),
    Problem.COMPONENT: ("the sidecar at {where} has no workflow component named dapr: {text}", None),
    Problem.TIMEOUT: (
        "the sidecar at {where} gave no answer to {operation} in time",
        _MORE_TIME,
    ),
    Problem.ID_TOO_LONG: ("the instance ID is longer than 64 bytes", None),
    Problem.ID_INVALID: ("'{id}' is no instance ID: letters, digits, '-' and '_' can be used", None),
}


def unreachable(where: str, reason: str) -> errors.Unreachable:
    return errors.Unreachable(
        f"no sidecar answers at {where}: {_short(reason)}",
        hint="start it (dapr run, or wfctl serve), or use the embedded engine: --target embedded",
    )


def broken(where: str, reason: str) -> errors.Unreachable:
    return errors.Unreachable(
        f"the answer from {where} is not a sidecar's: {_short(reason)}",
        hint="check the address; wfctl doctor says more",
    )


def no_answer_in_time(where: str, seconds: float) -> errors.TimedOut:
    return errors.TimedOut(f"no answer from {where} within {seconds:.3g} s", hint=_MORE_TIME)


def no_answer_to(operation: Operation, where: str, instance_id: str | None) -> errors.TimedOut:
    return errors.TimedOut(
        f"no answer to {operation.value} from {where} in time", hint=_MORE_TIME, instance_id=instance_id
    )


def too_long(where: str) -> errors.Unsupported:
    return errors.Unsupported(
        f"the answer from {where} is longer than {MOST_BYTES >> 20} MiB, and was not read to its end",
        hint="check the address; wfctl doctor says more",
    )


def redirected(where: str, status: int, location: str) -> errors.Unsupported:
    """Return the error for a redirect. None is followed: it would send the API token to another address."""
    from urllib.parse import urlsplit

    hint = "check the address"
    with contextlib.suppress(ValueError):
        url = urlsplit(location)
        if url.scheme in ("http", "https") and url.hostname:
            hint += f"; if that is the sidecar: --target {_short(f'{url.scheme}://{url.netloc}')}"
    to = f" to {_short(location)}" if location else ""
    return errors.Unsupported(
        f"what answers at {where} redirects{to} (HTTP status {status}), as no sidecar does: it was not followed",
        hint=hint,
    )


def no_worker(
    operation: Operation, instance_id: str | None, where: str, app_id: str | None = None
) -> errors.Unreachable:
    """Return the error for a missing worker. `app_id` is the sidecar's app, if known."""
    of = f" of '{app_id}'" if app_id else ""
    consequence = _WITHOUT_WORKER.get(operation, f"{operation.value} cannot be carried out").format(id=instance_id)
    more = f"; or delete it as it is: wfctl purge --force {instance_id}" if operation is Operation.PURGE else ""
    return errors.Unreachable(
        f"no worker is connected to the sidecar{of} at {where}: {consequence}",
        hint=_START_WORKER + more,
        instance_id=instance_id,
    )


def needs_version(operation: str, version: tuple[int, int], runtime: str, where: str) -> errors.Unsupported:
    there = f"the sidecar at {where} is {runtime}" if runtime else f"the sidecar at {where} is older"
    return errors.Unsupported(
        f"{operation} needs Dapr {version[0]}.{version[1]} or newer; {there}", hint="upgrade Dapr"
    )


def no_supplied_results(where: str) -> errors.Unsupported:
    return errors.Unsupported(
        f"the sidecar at {where} cannot rerun with a supplied result: nothing was rerun",
        hint="the embedded engine and wfctl serve can; elsewhere --input changes what the step is called with",
    )


def no_logs(where: str) -> errors.Unsupported:
    return errors.Unsupported(
        f"the sidecar at {where} keeps no logs: an app beside Dapr writes them to its own output",
        hint="look there: the terminal of dapr run, kubectl logs POD -c CONTAINER, or docker logs CONTAINER",
    )


def no_logs_over_grpc(where: str) -> errors.Unsupported:
    return errors.Unsupported(
        f"logs are read over HTTP, and the target {where} is gRPC alone", hint="name its HTTP address: --target URL"
    )


def needs_grpc(operation: str) -> errors.Unsupported:
    return errors.Unsupported(
        f"{operation} needs gRPC, and this wfctl is installed without it", hint=install_command("grpc")
    )


def no_grpc(operation: str, where: str) -> errors.Unsupported:
    return errors.Unsupported(
        f"{operation} needs the sidecar's gRPC port, and nothing answers at {where}",
        hint=GRPC_PORT_HINT,
    )
