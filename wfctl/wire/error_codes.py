"""The problems between a client and a sidecar: one table for both ends, which `error_mapping` reads and writes.

Source: dapr-api 1.5, 3.2 and 3.9 (dapr/dapr pkg/messages/predefined.go, errorcodes.go), Dapr 1.11 to 1.18.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from wfctl import errors
from wfctl.wire.http_routes import Operation


class Problem(str, Enum):
    ID_TOO_LONG = "id_too_long"
    ID_INVALID = "id_invalid"
    ID_UNFIT = "id_unfit"
    ID_MISSING = "id_missing"
    NAME_MISSING = "name_missing"
    EVENT_NAME_MISSING = "event_name_missing"
    APP_ID_INVALID = "app_id_invalid"
    COMPONENT = "component"
    NOT_FOUND = "not_found"
    EXISTS = "exists"
    CHILD_RUNNING = "child_running"
    NOT_COMPLETED = "not_completed"
    STALLED = "stalled"
    START_TIME = "start_time"
    NO_STATE_STORE = "no_state_store"
    NO_KEY_LISTING = "no_key_listing"
    BAD_KEY = "bad_key"
    NO_WORKER = "no_worker"
    NO_ROUTE = "no_route"
    STORE_FULL = "store_full"
    UNIMPLEMENTED = "unimplemented"
    TOKEN = "token"
    DENIED = "denied"
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    SOURCE_LIVE = "source_live"
    SOURCE_IS_CHILD = "source_is_child"
    SAME_ID = "same_id"
    NO_EVENT = "no_event"
    NOT_RERUNNABLE = "not_rerunnable"
    TIMER_INPUT = "timer_input"
    CHILD_ID = "child_id"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    LOOK = "look"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Row:
    """One problem as it looks on each wire.

    error      what the client raises
    http       status of the HTTP answer
    code       its errorCode; None: the operation's own, its message wrapping `text`
    grpc       status code of the general service
    hub        status code of the task hub
    text       the message, or the cause inside the operation's own; `{id}` `{name}` `{app}` ... are filled in
    mark       what a task hub's text always holds; empty: the code alone tells
    hub_text   the task hub's message where it differs
    """

    error: type[errors.WfctlError]
    http: int
    code: str | None
    grpc: str
    hub: str
    text: str
    mark: str = ""
    hub_text: str | None = None


BAD, INTERNAL, MISSING = "INVALID_ARGUMENT", "INTERNAL", "NOT_FOUND"
_CREATE = "failed to create workflow instance: "  # the task hub before whatever a start fails with
_EXISTS = "rpc error: code = AlreadyExists desc = "
_RECREATE = "cannot recreate workflow with ID '{id}': child workflow '{child}': orchestration has not yet completed"

TABLE: dict[Problem, Row] = {
    Problem.ID_TOO_LONG: Row(
        errors.InvalidInput, 400, "ERR_INSTANCE_ID_TOO_LONG", BAD, BAD,
        "workflow instance ID exceeds the max length of 64 characters",
    ),
    Problem.ID_INVALID: Row(
        errors.InvalidInput, 400, "ERR_INSTANCE_ID_INVALID", BAD, BAD,
        "workflow instance ID '{id}' is invalid: only alphanumeric and underscore characters are allowed",
    ),
    # Not Dapr's, whose task hub takes any ID: see `wfctl.model.ids`.
    Problem.ID_UNFIT: Row(errors.InvalidInput, 400, None, BAD, BAD, "{reason}"),
    Problem.ID_MISSING: Row(
        errors.InvalidInput, 400, "ERR_INSTANCE_ID_PROVIDED_MISSING", BAD, BAD, "no instance ID was provided"
    ),
    Problem.NAME_MISSING: Row(
        errors.InvalidInput, 400, "ERR_WORKFLOW_NAME_MISSING", BAD, BAD, "workflow name is not configured"
    ),
    Problem.EVENT_NAME_MISSING: Row(
        errors.InvalidInput, 400, "ERR_WORKFLOW_EVENT_NAME_MISSING", BAD, BAD, "missing workflow event name"
    ),
    Problem.APP_ID_INVALID: Row(
        errors.InvalidInput, 400, "ERR_WORKFLOW_APP_ID_INVALID", BAD, BAD,
        "workflow app ID '{app}' is invalid: only alphanumeric, dash and underscore characters are allowed",
    ),
    # 1.11 to 1.14 only.
    Problem.COMPONENT: Row(
        errors.Unsupported, 400, "ERR_WORKFLOW_COMPONENT_NOT_FOUND", BAD, BAD,
        "workflow component '{component}' does not exist",
    ),
    # On pause, resume and raise the code is the operation's own: see `faults`.
    Problem.NOT_FOUND: Row(
        errors.NotFound, 404, "ERR_INSTANCE_ID_NOT_FOUND", MISSING, "UNKNOWN",
        "unable to find workflow with the provided instance ID: {id}",
        "no such instance exists", "no such instance exists",
    ),
    Problem.EXISTS: Row(
        errors.Conflict, 500, None, INTERNAL, "ALREADY_EXISTS",
        f"{_EXISTS}an active workflow with ID '{{id}}' already exists",
        "an active workflow with ID", f"{_CREATE}{_EXISTS}an active workflow with ID '{{id}}' already exists",
    ),
    Problem.CHILD_RUNNING: Row(
        errors.Conflict, 500, None, INTERNAL, "ALREADY_EXISTS",
        f"{_EXISTS}{_RECREATE}", "cannot recreate workflow with ID", f"{_CREATE}{_EXISTS}{_RECREATE}",
    ),
    Problem.NOT_COMPLETED: Row(
        errors.WrongState, 500, None, INTERNAL, "UNKNOWN", "orchestration has not yet completed",
        "orchestration has not yet completed",
    ),
    Problem.STALLED: Row(errors.WrongState, 500, None, INTERNAL, "UNKNOWN", "workflow is stalled", "is stalled"),
    Problem.START_TIME: Row(
        errors.InvalidInput, 500, None, INTERNAL, BAD,
        'start times must be in RFC3339 format (e.g. "2009-11-10T23:00:00Z")',
    ),
    Problem.NO_STATE_STORE: Row(
        errors.Unsupported, 500, None, INTERNAL, INTERNAL,
        "the state store is not configured to use the actor runtime. Have you set the - name: actorStateStore value: "
        '"true" in your state store component file?',
        "state store is not configured to use the actor runtime",
    ),
    Problem.NO_KEY_LISTING: Row(
        errors.Unsupported, 500, None, INTERNAL, "UNKNOWN", "state store does not support listing keys",
        "does not support listing keys",
    ),
    Problem.BAD_KEY: Row(
        errors.StoreError, 500, None, INTERNAL, "UNKNOWN", "invalid key format: {key}", "invalid key format"
    ),
    Problem.NO_WORKER: Row(
        errors.Unreachable, 500, None, INTERNAL, "FAILED_PRECONDITION", "did not find address for actor '{id}'",
        "did not find address for actor",
    ),
    Problem.NO_ROUTE: Row(
        errors.Unsupported, 404, "ERR_DIRECT_INVOKE", MISSING, "UNIMPLEMENTED",
        "failed getting app id either from the URL path or the header dapr-app-id",
    ),
    Problem.UNIMPLEMENTED: Row(
        errors.Unsupported, 404, "ERR_DIRECT_INVOKE", "UNIMPLEMENTED", "UNIMPLEMENTED", "unknown method {name}"
    ),
    Problem.TOKEN: Row(
        errors.NotAuthenticated, 401, "", "UNAUTHENTICATED", "UNAUTHENTICATED", "invalid api token",
        hub_text="authentication error: api token mismatch",
    ),
    Problem.DENIED: Row(
        errors.NotPermitted, 403, None, "PERMISSION_DENIED", "PERMISSION_DENIED",
        "access denied by workflow access policy", "access denied by workflow access policy",
    ),
    Problem.TOO_LARGE: Row(
        errors.InvalidInput, 400, "ERR_BODY_READ", "RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED",
        "failed to read request body: http: request body too large",
    ),
    Problem.STORE_FULL: Row(  # not of Dapr
        errors.DiskFull, 503, "ERR_STORE_FULL", "RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED",
        "there is no room on the disk of the store: nothing of this request was recorded", "no room on the disk",
    ),
    Problem.MALFORMED: Row(errors.InvalidInput, 400, "ERR_MALFORMED_REQUEST", BAD, BAD, "{reason}"),
    # Rerun: the task hub only.
    Problem.SOURCE_LIVE: Row(
        errors.WrongState, 500, None, BAD, BAD, "'{id}' is not in a terminal state", "is not in a terminal state"
    ),
    Problem.SOURCE_IS_CHILD: Row(
        errors.WrongState, 500, None, BAD, BAD, "'{id}': cannot rerun from child-workflows",
        "cannot rerun from child-workflows",
    ),
    Problem.SAME_ID: Row(
        errors.InvalidInput, 500, None, BAD, BAD,
        "rerun workflow instance ID must be different from the original instance ID",
        "must be different from the original instance ID",
    ),
    Problem.NO_EVENT: Row(
        errors.NotFound, 500, None, MISSING, MISSING, "'{id}' does not have history event with ID '{event}'",
        "does not have history event with ID",
    ),
    Problem.NOT_RERUNNABLE: Row(
        errors.NotFound, 500, None, MISSING, MISSING,
        "target event '{kind}' with ID '{event}' is not an event that can be rerun",
        "is not an event that can be rerun",
    ),
    Problem.TIMER_INPUT: Row(
        errors.InvalidInput, 500, None, BAD, BAD, "cannot write input to timer event '{event}'",
        "cannot write input to timer event",
    ),
    Problem.CHILD_ID: Row(
        errors.InvalidInput, 500, None, BAD, BAD,
        "cannot set new child workflow instance ID on {kind} event '{event}'",
        "cannot set new child workflow instance ID",
    ),
    Problem.TIMEOUT: Row(
        errors.TimedOut, 504, None, "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", "context deadline exceeded"
    ),
    Problem.UNAVAILABLE: Row(errors.Unreachable, 503, None, "UNAVAILABLE", "UNAVAILABLE", "{reason}"),
    Problem.OTHER: Row(errors.WfctlError, 500, None, INTERNAL, "UNKNOWN", "{reason}"),
}  # fmt: skip

# The operation's own errorCode, and how its message and the task hub's wrap the cause.
OWN: dict[Operation, tuple[str, str, str]] = {
    Operation.START: (
        "ERR_START_WORKFLOW",
        "error starting workflow '{name}': unable to start workflow: failed to start workflow: {cause}",
        f"{_CREATE}{{cause}}",
    ),
    Operation.GET: ("ERR_GET_WORKFLOW", "error while getting workflow info on instance '{id}': {cause}", "{cause}"),
    Operation.PAUSE: (
        "ERR_PAUSE_WORKFLOW",
        "error pausing workflow {id}: failed to pause workflow {id}: failed to suspend workflow: {cause}",
        "{cause}",
    ),
    Operation.RESUME: (
        "ERR_RESUME_WORKFLOW",
        "error resuming workflow {id}: failed to resume workflow {id}: failed to resume workflow: {cause}",
        "{cause}",
    ),
    Operation.RAISE: (
        "ERR_RAISE_EVENT_WORKFLOW",
        "error raising event on workflow '{id}': failed to raise event {event} on workflow {id}: "
        "failed to raise event: {cause}",
        "{cause}",
    ),
    Operation.TERMINATE: (
        "ERR_TERMINATE_WORKFLOW",
        "error terminating workflow '{id}': failed to terminate workflow {id}: "
        "failed to submit termination request: {cause}",
        "failed to submit termination request: {cause}",
    ),
    Operation.PURGE: (
        "ERR_PURGE_WORKFLOW",
        "error purging workflow {id}: failed to Purge workflow {id}: failed to purge workflow state: {cause}",
        "failed to purge workflow state: {cause}",
    ),
}
