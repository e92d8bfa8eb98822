# ruff: noqa
# fmt: off
# mypy: disable-error-code="type-arg"
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import wrappers_pb2 as _wrappers_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RuntimeStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RUNTIME_STATUS_RUNNING: _ClassVar[RuntimeStatus]
    RUNTIME_STATUS_COMPLETED: _ClassVar[RuntimeStatus]
    RUNTIME_STATUS_CONTINUED_AS_NEW: _ClassVar[RuntimeStatus]
    RUNTIME_STATUS_FAILED: _ClassVar[RuntimeStatus]
    RUNTIME_STATUS_CANCELED: _ClassVar[RuntimeStatus]
    RUNTIME_STATUS_TERMINATED: _ClassVar[RuntimeStatus]
    RUNTIME_STATUS_PENDING: _ClassVar[RuntimeStatus]
    RUNTIME_STATUS_SUSPENDED: _ClassVar[RuntimeStatus]
    RUNTIME_STATUS_STALLED: _ClassVar[RuntimeStatus]

class StallReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STALL_REASON_PATCH_MISMATCH: _ClassVar[StallReason]
    STALL_REASON_VERSION_NOT_AVAILABLE: _ClassVar[StallReason]
    STALL_REASON_PAYLOAD_SIZE_EXCEEDED: _ClassVar[StallReason]

class PropagationScope(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROPAGATION_SCOPE_NONE: _ClassVar[PropagationScope]
    PROPAGATION_SCOPE_OWN_HISTORY: _ClassVar[PropagationScope]
    PROPAGATION_SCOPE_LINEAGE: _ClassVar[PropagationScope]
RUNTIME_STATUS_RUNNING: RuntimeStatus
RUNTIME_STATUS_COMPLETED: RuntimeStatus
RUNTIME_STATUS_CONTINUED_AS_NEW: RuntimeStatus
RUNTIME_STATUS_FAILED: RuntimeStatus
RUNTIME_STATUS_CANCELED: RuntimeStatus
RUNTIME_STATUS_TERMINATED: RuntimeStatus
RUNTIME_STATUS_PENDING: RuntimeStatus
RUNTIME_STATUS_SUSPENDED: RuntimeStatus
RUNTIME_STATUS_STALLED: RuntimeStatus
STALL_REASON_PATCH_MISMATCH: StallReason
STALL_REASON_VERSION_NOT_AVAILABLE: StallReason
STALL_REASON_PAYLOAD_SIZE_EXCEEDED: StallReason
PROPAGATION_SCOPE_NONE: PropagationScope
PROPAGATION_SCOPE_OWN_HISTORY: PropagationScope
PROPAGATION_SCOPE_LINEAGE: PropagationScope

class Router(_message.Message):
    __slots__ = ("source_app_id", "target_app_id", "target_app_namespace")
    SOURCE_APP_ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_APP_ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_APP_NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    source_app_id: str
    target_app_id: str
    target_app_namespace: str
    def __init__(self, source_app_id: _Optional[str] = ..., target_app_id: _Optional[str] = ..., target_app_namespace: _Optional[str] = ...) -> None: ...

class Version(_message.Message):
    __slots__ = ("patches", "name")
    PATCHES_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    patches: _containers.RepeatedScalarFieldContainer[str]
    name: str
    def __init__(self, patches: _Optional[_Iterable[str]] = ..., name: _Optional[str] = ...) -> None: ...

class InstanceRef(_message.Message):
    __slots__ = ("instance_id", "execution_id")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_ID_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    execution_id: _wrappers_pb2.StringValue
    def __init__(self, instance_id: _Optional[str] = ..., execution_id: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ...) -> None: ...

class FailureDetails(_message.Message):
    __slots__ = ("error_type", "error_message", "stack_trace", "inner_failure", "is_non_retriable")
    ERROR_TYPE_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    STACK_TRACE_FIELD_NUMBER: _ClassVar[int]
    INNER_FAILURE_FIELD_NUMBER: _ClassVar[int]
    IS_NON_RETRIABLE_FIELD_NUMBER: _ClassVar[int]
    error_type: str
    error_message: str
    stack_trace: _wrappers_pb2.StringValue
    inner_failure: FailureDetails
    is_non_retriable: bool
    def __init__(self, error_type: _Optional[str] = ..., error_message: _Optional[str] = ..., stack_trace: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., inner_failure: _Optional[_Union[FailureDetails, _Mapping]] = ..., is_non_retriable: bool = ...) -> None: ...

class ParentRef(_message.Message):
    __slots__ = ("task_scheduled_id", "name", "version", "instance", "app_id", "app_namespace")
    TASK_SCHEDULED_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    APP_ID_FIELD_NUMBER: _ClassVar[int]
    APP_NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    task_scheduled_id: int
    name: _wrappers_pb2.StringValue
    version: _wrappers_pb2.StringValue
    instance: InstanceRef
    app_id: str
    app_namespace: str
    def __init__(self, task_scheduled_id: _Optional[int] = ..., name: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., version: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., instance: _Optional[_Union[InstanceRef, _Mapping]] = ..., app_id: _Optional[str] = ..., app_namespace: _Optional[str] = ...) -> None: ...

class RerunParentRef(_message.Message):
    __slots__ = ("instance_id",)
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    def __init__(self, instance_id: _Optional[str] = ...) -> None: ...

class RetryParentRef(_message.Message):
    __slots__ = ("instance_id",)
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    def __init__(self, instance_id: _Optional[str] = ...) -> None: ...

class TraceContext(_message.Message):
    __slots__ = ("trace_parent", "span_id", "trace_state")
    TRACE_PARENT_FIELD_NUMBER: _ClassVar[int]
    SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_STATE_FIELD_NUMBER: _ClassVar[int]
    trace_parent: str
    span_id: str
    trace_state: _wrappers_pb2.StringValue
    def __init__(self, trace_parent: _Optional[str] = ..., span_id: _Optional[str] = ..., trace_state: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ...) -> None: ...

class ActivityAttestation(_message.Message):
    __slots__ = ("payload", "signature")
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    payload: bytes
    signature: bytes
    def __init__(self, payload: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class ChildAttestation(_message.Message):
    __slots__ = ("payload", "signature")
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    payload: bytes
    signature: bytes
    def __init__(self, payload: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class TimerOriginTimer(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TimerOriginEvent(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class TimerOriginActivityRetry(_message.Message):
    __slots__ = ("task_execution_id",)
    TASK_EXECUTION_ID_FIELD_NUMBER: _ClassVar[int]
    task_execution_id: str
    def __init__(self, task_execution_id: _Optional[str] = ...) -> None: ...

class TimerOriginChildRetry(_message.Message):
    __slots__ = ("instance_id",)
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    def __init__(self, instance_id: _Optional[str] = ...) -> None: ...

class ExecutionStarted(_message.Message):
    __slots__ = ("name", "version", "input", "instance", "parent", "scheduled_start", "parent_trace_context", "workflow_span_id", "tags")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    PARENT_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_START_FIELD_NUMBER: _ClassVar[int]
    PARENT_TRACE_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: _wrappers_pb2.StringValue
    input: _wrappers_pb2.StringValue
    instance: InstanceRef
    parent: ParentRef
    scheduled_start: _timestamp_pb2.Timestamp
    parent_trace_context: TraceContext
    workflow_span_id: _wrappers_pb2.StringValue
    tags: _containers.ScalarMap[str, str]
    def __init__(self, name: _Optional[str] = ..., version: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., input: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., instance: _Optional[_Union[InstanceRef, _Mapping]] = ..., parent: _Optional[_Union[ParentRef, _Mapping]] = ..., scheduled_start: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., parent_trace_context: _Optional[_Union[TraceContext, _Mapping]] = ..., workflow_span_id: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., tags: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ExecutionCompleted(_message.Message):
    __slots__ = ("status", "result", "failure")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    status: RuntimeStatus
    result: _wrappers_pb2.StringValue
    failure: FailureDetails
    def __init__(self, status: _Optional[_Union[RuntimeStatus, str]] = ..., result: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., failure: _Optional[_Union[FailureDetails, _Mapping]] = ...) -> None: ...

class ExecutionTerminated(_message.Message):
    __slots__ = ("input", "recurse")
    INPUT_FIELD_NUMBER: _ClassVar[int]
    RECURSE_FIELD_NUMBER: _ClassVar[int]
    input: _wrappers_pb2.StringValue
    recurse: bool
    def __init__(self, input: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., recurse: bool = ...) -> None: ...

class TaskScheduled(_message.Message):
    __slots__ = ("name", "version", "input", "parent_trace_context", "task_execution_id", "rerun_parent", "scope")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    PARENT_TRACE_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    TASK_EXECUTION_ID_FIELD_NUMBER: _ClassVar[int]
    RERUN_PARENT_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: _wrappers_pb2.StringValue
    input: _wrappers_pb2.StringValue
    parent_trace_context: TraceContext
    task_execution_id: str
    rerun_parent: RerunParentRef
    scope: PropagationScope
    def __init__(self, name: _Optional[str] = ..., version: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., input: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., parent_trace_context: _Optional[_Union[TraceContext, _Mapping]] = ..., task_execution_id: _Optional[str] = ..., rerun_parent: _Optional[_Union[RerunParentRef, _Mapping]] = ..., scope: _Optional[_Union[PropagationScope, str]] = ...) -> None: ...

class TaskCompleted(_message.Message):
    __slots__ = ("task_scheduled_id", "result", "task_execution_id", "attestation", "signer_certificate")
    TASK_SCHEDULED_ID_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    TASK_EXECUTION_ID_FIELD_NUMBER: _ClassVar[int]
    ATTESTATION_FIELD_NUMBER: _ClassVar[int]
    SIGNER_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    task_scheduled_id: int
    result: _wrappers_pb2.StringValue
    task_execution_id: str
    attestation: ActivityAttestation
    signer_certificate: bytes
    def __init__(self, task_scheduled_id: _Optional[int] = ..., result: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., task_execution_id: _Optional[str] = ..., attestation: _Optional[_Union[ActivityAttestation, _Mapping]] = ..., signer_certificate: _Optional[bytes] = ...) -> None: ...

class TaskFailed(_message.Message):
    __slots__ = ("task_scheduled_id", "failure", "task_execution_id", "attestation", "signer_certificate")
    TASK_SCHEDULED_ID_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    TASK_EXECUTION_ID_FIELD_NUMBER: _ClassVar[int]
    ATTESTATION_FIELD_NUMBER: _ClassVar[int]
    SIGNER_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    task_scheduled_id: int
    failure: FailureDetails
    task_execution_id: str
    attestation: ActivityAttestation
    signer_certificate: bytes
    def __init__(self, task_scheduled_id: _Optional[int] = ..., failure: _Optional[_Union[FailureDetails, _Mapping]] = ..., task_execution_id: _Optional[str] = ..., attestation: _Optional[_Union[ActivityAttestation, _Mapping]] = ..., signer_certificate: _Optional[bytes] = ...) -> None: ...

class ChildCreated(_message.Message):
    __slots__ = ("instance_id", "name", "version", "input", "parent_trace_context", "rerun_parent", "scope", "retry_parent")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    PARENT_TRACE_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    RERUN_PARENT_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    RETRY_PARENT_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    name: str
    version: _wrappers_pb2.StringValue
    input: _wrappers_pb2.StringValue
    parent_trace_context: TraceContext
    rerun_parent: RerunParentRef
    scope: PropagationScope
    retry_parent: RetryParentRef
    def __init__(self, instance_id: _Optional[str] = ..., name: _Optional[str] = ..., version: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., input: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., parent_trace_context: _Optional[_Union[TraceContext, _Mapping]] = ..., rerun_parent: _Optional[_Union[RerunParentRef, _Mapping]] = ..., scope: _Optional[_Union[PropagationScope, str]] = ..., retry_parent: _Optional[_Union[RetryParentRef, _Mapping]] = ...) -> None: ...

class ChildCompleted(_message.Message):
    __slots__ = ("task_scheduled_id", "result", "attestation", "signer_certificate")
    TASK_SCHEDULED_ID_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    ATTESTATION_FIELD_NUMBER: _ClassVar[int]
    SIGNER_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    task_scheduled_id: int
    result: _wrappers_pb2.StringValue
    attestation: ChildAttestation
    signer_certificate: bytes
    def __init__(self, task_scheduled_id: _Optional[int] = ..., result: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., attestation: _Optional[_Union[ChildAttestation, _Mapping]] = ..., signer_certificate: _Optional[bytes] = ...) -> None: ...

class ChildFailed(_message.Message):
    __slots__ = ("task_scheduled_id", "failure", "attestation", "signer_certificate")
    TASK_SCHEDULED_ID_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    ATTESTATION_FIELD_NUMBER: _ClassVar[int]
    SIGNER_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    task_scheduled_id: int
    failure: FailureDetails
    attestation: ChildAttestation
    signer_certificate: bytes
    def __init__(self, task_scheduled_id: _Optional[int] = ..., failure: _Optional[_Union[FailureDetails, _Mapping]] = ..., attestation: _Optional[_Union[ChildAttestation, _Mapping]] = ..., signer_certificate: _Optional[bytes] = ...) -> None: ...

class DetachedCreated(_message.Message):
    __slots__ = ("instance_id",)
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    def __init__(self, instance_id: _Optional[str] = ...) -> None: ...

class TimerCreated(_message.Message):
    __slots__ = ("fire_at", "name", "rerun_parent", "timer", "external_event", "activity_retry", "child_retry")
    FIRE_AT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    RERUN_PARENT_FIELD_NUMBER: _ClassVar[int]
    TIMER_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_EVENT_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_RETRY_FIELD_NUMBER: _ClassVar[int]
    CHILD_RETRY_FIELD_NUMBER: _ClassVar[int]
    fire_at: _timestamp_pb2.Timestamp
    name: str
    rerun_parent: RerunParentRef
    timer: TimerOriginTimer
    external_event: TimerOriginEvent
    activity_retry: TimerOriginActivityRetry
    child_retry: TimerOriginChildRetry
    def __init__(self, fire_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., name: _Optional[str] = ..., rerun_parent: _Optional[_Union[RerunParentRef, _Mapping]] = ..., timer: _Optional[_Union[TimerOriginTimer, _Mapping]] = ..., external_event: _Optional[_Union[TimerOriginEvent, _Mapping]] = ..., activity_retry: _Optional[_Union[TimerOriginActivityRetry, _Mapping]] = ..., child_retry: _Optional[_Union[TimerOriginChildRetry, _Mapping]] = ...) -> None: ...

class TimerFired(_message.Message):
    __slots__ = ("fire_at", "timer_id")
    FIRE_AT_FIELD_NUMBER: _ClassVar[int]
    TIMER_ID_FIELD_NUMBER: _ClassVar[int]
    fire_at: _timestamp_pb2.Timestamp
    timer_id: int
    def __init__(self, fire_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., timer_id: _Optional[int] = ...) -> None: ...

class WorkflowStarted(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: Version
    def __init__(self, version: _Optional[_Union[Version, _Mapping]] = ...) -> None: ...

class WorkflowCompleted(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class EventSent(_message.Message):
    __slots__ = ("instance_id", "name", "input")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    name: str
    input: _wrappers_pb2.StringValue
    def __init__(self, instance_id: _Optional[str] = ..., name: _Optional[str] = ..., input: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ...) -> None: ...

class EventRaised(_message.Message):
    __slots__ = ("name", "input")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    name: str
    input: _wrappers_pb2.StringValue
    def __init__(self, name: _Optional[str] = ..., input: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ...) -> None: ...

class ContinuedAsNew(_message.Message):
    __slots__ = ("input",)
    INPUT_FIELD_NUMBER: _ClassVar[int]
    input: _wrappers_pb2.StringValue
    def __init__(self, input: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ...) -> None: ...

class ExecutionSuspended(_message.Message):
    __slots__ = ("input",)
    INPUT_FIELD_NUMBER: _ClassVar[int]
    input: _wrappers_pb2.StringValue
    def __init__(self, input: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ...) -> None: ...

class ExecutionResumed(_message.Message):
    __slots__ = ("input",)
    INPUT_FIELD_NUMBER: _ClassVar[int]
    input: _wrappers_pb2.StringValue
    def __init__(self, input: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ...) -> None: ...

class ExecutionStalled(_message.Message):
    __slots__ = ("reason", "description")
    REASON_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    reason: StallReason
    description: str
    def __init__(self, reason: _Optional[_Union[StallReason, str]] = ..., description: _Optional[str] = ...) -> None: ...

class HistoryEvent(_message.Message):
    __slots__ = ("event_id", "timestamp", "execution_started", "execution_completed", "execution_terminated", "task_scheduled", "task_completed", "task_failed", "child_created", "child_completed", "child_failed", "timer_created", "timer_fired", "workflow_started", "workflow_completed", "event_sent", "event_raised", "continued_as_new", "execution_suspended", "execution_resumed", "execution_stalled", "detached_created", "router")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_STARTED_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_COMPLETED_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_TERMINATED_FIELD_NUMBER: _ClassVar[int]
    TASK_SCHEDULED_FIELD_NUMBER: _ClassVar[int]
    TASK_COMPLETED_FIELD_NUMBER: _ClassVar[int]
    TASK_FAILED_FIELD_NUMBER: _ClassVar[int]
    CHILD_CREATED_FIELD_NUMBER: _ClassVar[int]
    CHILD_COMPLETED_FIELD_NUMBER: _ClassVar[int]
    CHILD_FAILED_FIELD_NUMBER: _ClassVar[int]
    TIMER_CREATED_FIELD_NUMBER: _ClassVar[int]
    TIMER_FIRED_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_STARTED_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_COMPLETED_FIELD_NUMBER: _ClassVar[int]
    EVENT_SENT_FIELD_NUMBER: _ClassVar[int]
    EVENT_RAISED_FIELD_NUMBER: _ClassVar[int]
    CONTINUED_AS_NEW_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_SUSPENDED_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_RESUMED_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_STALLED_FIELD_NUMBER: _ClassVar[int]
    DETACHED_CREATED_FIELD_NUMBER: _ClassVar[int]
    ROUTER_FIELD_NUMBER: _ClassVar[int]
    event_id: int
    timestamp: _timestamp_pb2.Timestamp
    execution_started: ExecutionStarted
    execution_completed: ExecutionCompleted
    execution_terminated: ExecutionTerminated
    task_scheduled: TaskScheduled
    task_completed: TaskCompleted
    task_failed: TaskFailed
    child_created: ChildCreated
    child_completed: ChildCompleted
    child_failed: ChildFailed
    timer_created: TimerCreated
    timer_fired: TimerFired
    workflow_started: WorkflowStarted
    workflow_completed: WorkflowCompleted
    event_sent: EventSent
    event_raised: EventRaised
    continued_as_new: ContinuedAsNew
    execution_suspended: ExecutionSuspended
    execution_resumed: ExecutionResumed
    execution_stalled: ExecutionStalled
    detached_created: DetachedCreated
    router: Router
    def __init__(self, event_id: _Optional[int] = ..., timestamp: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., execution_started: _Optional[_Union[ExecutionStarted, _Mapping]] = ..., execution_completed: _Optional[_Union[ExecutionCompleted, _Mapping]] = ..., execution_terminated: _Optional[_Union[ExecutionTerminated, _Mapping]] = ..., task_scheduled: _Optional[_Union[TaskScheduled, _Mapping]] = ..., task_completed: _Optional[_Union[TaskCompleted, _Mapping]] = ..., task_failed: _Optional[_Union[TaskFailed, _Mapping]] = ..., child_created: _Optional[_Union[ChildCreated, _Mapping]] = ..., child_completed: _Optional[_Union[ChildCompleted, _Mapping]] = ..., child_failed: _Optional[_Union[ChildFailed, _Mapping]] = ..., timer_created: _Optional[_Union[TimerCreated, _Mapping]] = ..., timer_fired: _Optional[_Union[TimerFired, _Mapping]] = ..., workflow_started: _Optional[_Union[WorkflowStarted, _Mapping]] = ..., workflow_completed: _Optional[_Union[WorkflowCompleted, _Mapping]] = ..., event_sent: _Optional[_Union[EventSent, _Mapping]] = ..., event_raised: _Optional[_Union[EventRaised, _Mapping]] = ..., continued_as_new: _Optional[_Union[ContinuedAsNew, _Mapping]] = ..., execution_suspended: _Optional[_Union[ExecutionSuspended, _Mapping]] = ..., execution_resumed: _Optional[_Union[ExecutionResumed, _Mapping]] = ..., execution_stalled: _Optional[_Union[ExecutionStalled, _Mapping]] = ..., detached_created: _Optional[_Union[DetachedCreated, _Mapping]] = ..., router: _Optional[_Union[Router, _Mapping]] = ...) -> None: ...

class PropagatedChunk(_message.Message):
    __slots__ = ("raw_events", "app_id", "instance_id", "workflow_name", "raw_signatures", "signing_cert_chains")
    RAW_EVENTS_FIELD_NUMBER: _ClassVar[int]
    APP_ID_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_NAME_FIELD_NUMBER: _ClassVar[int]
    RAW_SIGNATURES_FIELD_NUMBER: _ClassVar[int]
    SIGNING_CERT_CHAINS_FIELD_NUMBER: _ClassVar[int]
    raw_events: _containers.RepeatedScalarFieldContainer[bytes]
    app_id: str
    instance_id: str
    workflow_name: str
    raw_signatures: _containers.RepeatedScalarFieldContainer[bytes]
    signing_cert_chains: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, raw_events: _Optional[_Iterable[bytes]] = ..., app_id: _Optional[str] = ..., instance_id: _Optional[str] = ..., workflow_name: _Optional[str] = ..., raw_signatures: _Optional[_Iterable[bytes]] = ..., signing_cert_chains: _Optional[_Iterable[bytes]] = ...) -> None: ...

class PropagatedHistory(_message.Message):
    __slots__ = ("scope", "chunks")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    CHUNKS_FIELD_NUMBER: _ClassVar[int]
    scope: PropagationScope
    chunks: _containers.RepeatedCompositeFieldContainer[PropagatedChunk]
    def __init__(self, scope: _Optional[_Union[PropagationScope, str]] = ..., chunks: _Optional[_Iterable[_Union[PropagatedChunk, _Mapping]]] = ...) -> None: ...
