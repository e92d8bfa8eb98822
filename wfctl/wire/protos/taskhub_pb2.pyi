# ruff: noqa
# fmt: off
# mypy: disable-error-code="type-arg"
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import wrappers_pb2 as _wrappers_pb2
from wfctl.wire.protos import history_pb2 as _history_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WorkerCapability(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WORKER_CAPABILITY_UNSPECIFIED: _ClassVar[WorkerCapability]
    WORKER_CAPABILITY_STATEFUL_HISTORY: _ClassVar[WorkerCapability]
    WORKER_CAPABILITY_HEALTH_PING: _ClassVar[WorkerCapability]
WORKER_CAPABILITY_UNSPECIFIED: WorkerCapability
WORKER_CAPABILITY_STATEFUL_HISTORY: WorkerCapability
WORKER_CAPABILITY_HEALTH_PING: WorkerCapability

class ScheduleTask(_message.Message):
    __slots__ = ("name", "version", "input", "task_execution_id", "scope")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    TASK_EXECUTION_ID_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: _wrappers_pb2.StringValue
    input: _wrappers_pb2.StringValue
    task_execution_id: str
    scope: _history_pb2.PropagationScope
    def __init__(self, name: _Optional[str] = ..., version: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., input: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., task_execution_id: _Optional[str] = ..., scope: _Optional[_Union[_history_pb2.PropagationScope, str]] = ...) -> None: ...

class CreateChild(_message.Message):
    __slots__ = ("instance_id", "name", "version", "input", "scope", "retry_parent")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    RETRY_PARENT_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    name: str
    version: _wrappers_pb2.StringValue
    input: _wrappers_pb2.StringValue
    scope: _history_pb2.PropagationScope
    retry_parent: _history_pb2.RetryParentRef
    def __init__(self, instance_id: _Optional[str] = ..., name: _Optional[str] = ..., version: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., input: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., scope: _Optional[_Union[_history_pb2.PropagationScope, str]] = ..., retry_parent: _Optional[_Union[_history_pb2.RetryParentRef, _Mapping]] = ...) -> None: ...

class CreateDetached(_message.Message):
    __slots__ = ("instance_id", "name", "version", "input", "scheduled_start", "execution_id", "tags", "parent_trace_context")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_START_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_ID_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    PARENT_TRACE_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    name: str
    version: _wrappers_pb2.StringValue
    input: _wrappers_pb2.StringValue
    scheduled_start: _timestamp_pb2.Timestamp
    execution_id: _wrappers_pb2.StringValue
    tags: _containers.ScalarMap[str, str]
    parent_trace_context: _history_pb2.TraceContext
    def __init__(self, instance_id: _Optional[str] = ..., name: _Optional[str] = ..., version: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., input: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., scheduled_start: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., execution_id: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., tags: _Optional[_Mapping[str, str]] = ..., parent_trace_context: _Optional[_Union[_history_pb2.TraceContext, _Mapping]] = ...) -> None: ...

class CreateTimer(_message.Message):
    __slots__ = ("fire_at", "name", "timer", "external_event", "activity_retry", "child_retry")
    FIRE_AT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TIMER_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_EVENT_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_RETRY_FIELD_NUMBER: _ClassVar[int]
    CHILD_RETRY_FIELD_NUMBER: _ClassVar[int]
    fire_at: _timestamp_pb2.Timestamp
    name: str
    timer: _history_pb2.TimerOriginTimer
    external_event: _history_pb2.TimerOriginEvent
    activity_retry: _history_pb2.TimerOriginActivityRetry
    child_retry: _history_pb2.TimerOriginChildRetry
    def __init__(self, fire_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., name: _Optional[str] = ..., timer: _Optional[_Union[_history_pb2.TimerOriginTimer, _Mapping]] = ..., external_event: _Optional[_Union[_history_pb2.TimerOriginEvent, _Mapping]] = ..., activity_retry: _Optional[_Union[_history_pb2.TimerOriginActivityRetry, _Mapping]] = ..., child_retry: _Optional[_Union[_history_pb2.TimerOriginChildRetry, _Mapping]] = ...) -> None: ...

class SendEvent(_message.Message):
    __slots__ = ("instance", "name", "data")
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    instance: _history_pb2.InstanceRef
    name: str
    data: _wrappers_pb2.StringValue
    def __init__(self, instance: _Optional[_Union[_history_pb2.InstanceRef, _Mapping]] = ..., name: _Optional[str] = ..., data: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ...) -> None: ...

class Complete(_message.Message):
    __slots__ = ("status", "result", "details", "new_version", "carryover_events", "failure")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    NEW_VERSION_FIELD_NUMBER: _ClassVar[int]
    CARRYOVER_EVENTS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    status: _history_pb2.RuntimeStatus
    result: _wrappers_pb2.StringValue
    details: _wrappers_pb2.StringValue
    new_version: _wrappers_pb2.StringValue
    carryover_events: _containers.RepeatedCompositeFieldContainer[_history_pb2.HistoryEvent]
    failure: _history_pb2.FailureDetails
    def __init__(self, status: _Optional[_Union[_history_pb2.RuntimeStatus, str]] = ..., result: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., details: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., new_version: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., carryover_events: _Optional[_Iterable[_Union[_history_pb2.HistoryEvent, _Mapping]]] = ..., failure: _Optional[_Union[_history_pb2.FailureDetails, _Mapping]] = ...) -> None: ...

class Terminate(_message.Message):
    __slots__ = ("instance_id", "reason", "recurse")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RECURSE_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    reason: _wrappers_pb2.StringValue
    recurse: bool
    def __init__(self, instance_id: _Optional[str] = ..., reason: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., recurse: bool = ...) -> None: ...

class VersionNotAvailable(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Action(_message.Message):
    __slots__ = ("id", "schedule_task", "create_child", "create_timer", "send_event", "complete", "terminate", "version_not_available", "create_detached", "router")
    ID_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_TASK_FIELD_NUMBER: _ClassVar[int]
    CREATE_CHILD_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIMER_FIELD_NUMBER: _ClassVar[int]
    SEND_EVENT_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    TERMINATE_FIELD_NUMBER: _ClassVar[int]
    VERSION_NOT_AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    CREATE_DETACHED_FIELD_NUMBER: _ClassVar[int]
    ROUTER_FIELD_NUMBER: _ClassVar[int]
    id: int
    schedule_task: ScheduleTask
    create_child: CreateChild
    create_timer: CreateTimer
    send_event: SendEvent
    complete: Complete
    terminate: Terminate
    version_not_available: VersionNotAvailable
    create_detached: CreateDetached
    router: _history_pb2.Router
    def __init__(self, id: _Optional[int] = ..., schedule_task: _Optional[_Union[ScheduleTask, _Mapping]] = ..., create_child: _Optional[_Union[CreateChild, _Mapping]] = ..., create_timer: _Optional[_Union[CreateTimer, _Mapping]] = ..., send_event: _Optional[_Union[SendEvent, _Mapping]] = ..., complete: _Optional[_Union[Complete, _Mapping]] = ..., terminate: _Optional[_Union[Terminate, _Mapping]] = ..., version_not_available: _Optional[_Union[VersionNotAvailable, _Mapping]] = ..., create_detached: _Optional[_Union[CreateDetached, _Mapping]] = ..., router: _Optional[_Union[_history_pb2.Router, _Mapping]] = ...) -> None: ...

class GetWorkItemsRequest(_message.Message):
    __slots__ = ("capabilities",)
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    capabilities: _containers.RepeatedScalarFieldContainer[WorkerCapability]
    def __init__(self, capabilities: _Optional[_Iterable[_Union[WorkerCapability, str]]] = ...) -> None: ...

class CachedHistory(_message.Message):
    __slots__ = ("event_count",)
    EVENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    event_count: int
    def __init__(self, event_count: _Optional[int] = ...) -> None: ...

class WorkflowRequest(_message.Message):
    __slots__ = ("instance_id", "execution_id", "past_events", "new_events", "requires_history_streaming", "router", "propagated_history", "cached_history")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_ID_FIELD_NUMBER: _ClassVar[int]
    PAST_EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEW_EVENTS_FIELD_NUMBER: _ClassVar[int]
    REQUIRES_HISTORY_STREAMING_FIELD_NUMBER: _ClassVar[int]
    ROUTER_FIELD_NUMBER: _ClassVar[int]
    PROPAGATED_HISTORY_FIELD_NUMBER: _ClassVar[int]
    CACHED_HISTORY_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    execution_id: _wrappers_pb2.StringValue
    past_events: _containers.RepeatedCompositeFieldContainer[_history_pb2.HistoryEvent]
    new_events: _containers.RepeatedCompositeFieldContainer[_history_pb2.HistoryEvent]
    requires_history_streaming: bool
    router: _history_pb2.Router
    propagated_history: _history_pb2.PropagatedHistory
    cached_history: CachedHistory
    def __init__(self, instance_id: _Optional[str] = ..., execution_id: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., past_events: _Optional[_Iterable[_Union[_history_pb2.HistoryEvent, _Mapping]]] = ..., new_events: _Optional[_Iterable[_Union[_history_pb2.HistoryEvent, _Mapping]]] = ..., requires_history_streaming: bool = ..., router: _Optional[_Union[_history_pb2.Router, _Mapping]] = ..., propagated_history: _Optional[_Union[_history_pb2.PropagatedHistory, _Mapping]] = ..., cached_history: _Optional[_Union[CachedHistory, _Mapping]] = ...) -> None: ...

class ActivityRequest(_message.Message):
    __slots__ = ("name", "version", "input", "instance", "task_id", "parent_trace_context", "task_execution_id", "propagated_history")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_TRACE_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    TASK_EXECUTION_ID_FIELD_NUMBER: _ClassVar[int]
    PROPAGATED_HISTORY_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: _wrappers_pb2.StringValue
    input: _wrappers_pb2.StringValue
    instance: _history_pb2.InstanceRef
    task_id: int
    parent_trace_context: _history_pb2.TraceContext
    task_execution_id: str
    propagated_history: _history_pb2.PropagatedHistory
    def __init__(self, name: _Optional[str] = ..., version: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., input: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., instance: _Optional[_Union[_history_pb2.InstanceRef, _Mapping]] = ..., task_id: _Optional[int] = ..., parent_trace_context: _Optional[_Union[_history_pb2.TraceContext, _Mapping]] = ..., task_execution_id: _Optional[str] = ..., propagated_history: _Optional[_Union[_history_pb2.PropagatedHistory, _Mapping]] = ...) -> None: ...

class HealthPing(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WorkItem(_message.Message):
    __slots__ = ("workflow_request", "activity_request", "health_ping", "completion_token")
    WORKFLOW_REQUEST_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_REQUEST_FIELD_NUMBER: _ClassVar[int]
    HEALTH_PING_FIELD_NUMBER: _ClassVar[int]
    COMPLETION_TOKEN_FIELD_NUMBER: _ClassVar[int]
    workflow_request: WorkflowRequest
    activity_request: ActivityRequest
    health_ping: HealthPing
    completion_token: str
    def __init__(self, workflow_request: _Optional[_Union[WorkflowRequest, _Mapping]] = ..., activity_request: _Optional[_Union[ActivityRequest, _Mapping]] = ..., health_ping: _Optional[_Union[HealthPing, _Mapping]] = ..., completion_token: _Optional[str] = ...) -> None: ...

class WorkflowResponse(_message.Message):
    __slots__ = ("instance_id", "actions", "custom_status", "completion_token", "num_events_processed", "version")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_STATUS_FIELD_NUMBER: _ClassVar[int]
    COMPLETION_TOKEN_FIELD_NUMBER: _ClassVar[int]
    NUM_EVENTS_PROCESSED_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    actions: _containers.RepeatedCompositeFieldContainer[Action]
    custom_status: _wrappers_pb2.StringValue
    completion_token: str
    num_events_processed: _wrappers_pb2.Int32Value
    version: _history_pb2.Version
    def __init__(self, instance_id: _Optional[str] = ..., actions: _Optional[_Iterable[_Union[Action, _Mapping]]] = ..., custom_status: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., completion_token: _Optional[str] = ..., num_events_processed: _Optional[_Union[_wrappers_pb2.Int32Value, _Mapping]] = ..., version: _Optional[_Union[_history_pb2.Version, _Mapping]] = ...) -> None: ...

class ActivityResponse(_message.Message):
    __slots__ = ("instance_id", "task_id", "result", "failure", "completion_token")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    COMPLETION_TOKEN_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    task_id: int
    result: _wrappers_pb2.StringValue
    failure: _history_pb2.FailureDetails
    completion_token: str
    def __init__(self, instance_id: _Optional[str] = ..., task_id: _Optional[int] = ..., result: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., failure: _Optional[_Union[_history_pb2.FailureDetails, _Mapping]] = ..., completion_token: _Optional[str] = ...) -> None: ...

class CompleteTaskResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class InstanceState(_message.Message):
    __slots__ = ("instance_id", "name", "version", "status", "scheduled_start", "created", "last_updated", "input", "output", "custom_status", "failure", "execution_id", "completed", "parent_instance_id", "tags", "parent_app_id", "started")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_START_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATED_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_STATUS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_ID_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    PARENT_INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    PARENT_APP_ID_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    name: str
    version: _wrappers_pb2.StringValue
    status: _history_pb2.RuntimeStatus
    scheduled_start: _timestamp_pb2.Timestamp
    created: _timestamp_pb2.Timestamp
    last_updated: _timestamp_pb2.Timestamp
    input: _wrappers_pb2.StringValue
    output: _wrappers_pb2.StringValue
    custom_status: _wrappers_pb2.StringValue
    failure: _history_pb2.FailureDetails
    execution_id: _wrappers_pb2.StringValue
    completed: _timestamp_pb2.Timestamp
    parent_instance_id: _wrappers_pb2.StringValue
    tags: _containers.ScalarMap[str, str]
    parent_app_id: _wrappers_pb2.StringValue
    started: _timestamp_pb2.Timestamp
    def __init__(self, instance_id: _Optional[str] = ..., name: _Optional[str] = ..., version: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., status: _Optional[_Union[_history_pb2.RuntimeStatus, str]] = ..., scheduled_start: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., created: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., last_updated: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., input: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., output: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., custom_status: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., failure: _Optional[_Union[_history_pb2.FailureDetails, _Mapping]] = ..., execution_id: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., completed: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., parent_instance_id: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., tags: _Optional[_Mapping[str, str]] = ..., parent_app_id: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., started: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CreateInstanceRequest(_message.Message):
    __slots__ = ("instance_id", "name", "version", "input", "scheduled_start", "execution_id", "tags", "parent_trace_context", "enforce_unique_instance_id", "router")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_START_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_ID_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    PARENT_TRACE_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    ENFORCE_UNIQUE_INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    ROUTER_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    name: str
    version: _wrappers_pb2.StringValue
    input: _wrappers_pb2.StringValue
    scheduled_start: _timestamp_pb2.Timestamp
    execution_id: _wrappers_pb2.StringValue
    tags: _containers.ScalarMap[str, str]
    parent_trace_context: _history_pb2.TraceContext
    enforce_unique_instance_id: bool
    router: _history_pb2.Router
    def __init__(self, instance_id: _Optional[str] = ..., name: _Optional[str] = ..., version: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., input: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., scheduled_start: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., execution_id: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., tags: _Optional[_Mapping[str, str]] = ..., parent_trace_context: _Optional[_Union[_history_pb2.TraceContext, _Mapping]] = ..., enforce_unique_instance_id: bool = ..., router: _Optional[_Union[_history_pb2.Router, _Mapping]] = ...) -> None: ...

class CreateInstanceResponse(_message.Message):
    __slots__ = ("instance_id",)
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    def __init__(self, instance_id: _Optional[str] = ...) -> None: ...

class GetInstanceRequest(_message.Message):
    __slots__ = ("instance_id", "get_inputs_and_outputs", "router")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    GET_INPUTS_AND_OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    ROUTER_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    get_inputs_and_outputs: bool
    router: _history_pb2.Router
    def __init__(self, instance_id: _Optional[str] = ..., get_inputs_and_outputs: bool = ..., router: _Optional[_Union[_history_pb2.Router, _Mapping]] = ...) -> None: ...

class GetInstanceResponse(_message.Message):
    __slots__ = ("exists", "state")
    EXISTS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    exists: bool
    state: InstanceState
    def __init__(self, exists: bool = ..., state: _Optional[_Union[InstanceState, _Mapping]] = ...) -> None: ...

class RaiseEventRequest(_message.Message):
    __slots__ = ("instance_id", "name", "input", "router")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    ROUTER_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    name: str
    input: _wrappers_pb2.StringValue
    router: _history_pb2.Router
    def __init__(self, instance_id: _Optional[str] = ..., name: _Optional[str] = ..., input: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., router: _Optional[_Union[_history_pb2.Router, _Mapping]] = ...) -> None: ...

class RaiseEventResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TerminateRequest(_message.Message):
    __slots__ = ("instance_id", "output", "recursive", "router")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    RECURSIVE_FIELD_NUMBER: _ClassVar[int]
    ROUTER_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    output: _wrappers_pb2.StringValue
    recursive: bool
    router: _history_pb2.Router
    def __init__(self, instance_id: _Optional[str] = ..., output: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., recursive: bool = ..., router: _Optional[_Union[_history_pb2.Router, _Mapping]] = ...) -> None: ...

class TerminateResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SuspendRequest(_message.Message):
    __slots__ = ("instance_id", "reason", "router")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ROUTER_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    reason: _wrappers_pb2.StringValue
    router: _history_pb2.Router
    def __init__(self, instance_id: _Optional[str] = ..., reason: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., router: _Optional[_Union[_history_pb2.Router, _Mapping]] = ...) -> None: ...

class SuspendResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ResumeRequest(_message.Message):
    __slots__ = ("instance_id", "reason", "router")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ROUTER_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    reason: _wrappers_pb2.StringValue
    router: _history_pb2.Router
    def __init__(self, instance_id: _Optional[str] = ..., reason: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., router: _Optional[_Union[_history_pb2.Router, _Mapping]] = ...) -> None: ...

class ResumeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PurgeFilter(_message.Message):
    __slots__ = ("created_from", "created_to", "statuses")
    CREATED_FROM_FIELD_NUMBER: _ClassVar[int]
    CREATED_TO_FIELD_NUMBER: _ClassVar[int]
    STATUSES_FIELD_NUMBER: _ClassVar[int]
    created_from: _timestamp_pb2.Timestamp
    created_to: _timestamp_pb2.Timestamp
    statuses: _containers.RepeatedScalarFieldContainer[_history_pb2.RuntimeStatus]
    def __init__(self, created_from: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., created_to: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., statuses: _Optional[_Iterable[_Union[_history_pb2.RuntimeStatus, str]]] = ...) -> None: ...

class PurgeRequest(_message.Message):
    __slots__ = ("instance_id", "filter", "recursive", "force", "router")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    RECURSIVE_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    ROUTER_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    filter: PurgeFilter
    recursive: bool
    force: bool
    router: _history_pb2.Router
    def __init__(self, instance_id: _Optional[str] = ..., filter: _Optional[_Union[PurgeFilter, _Mapping]] = ..., recursive: bool = ..., force: bool = ..., router: _Optional[_Union[_history_pb2.Router, _Mapping]] = ...) -> None: ...

class PurgeResponse(_message.Message):
    __slots__ = ("deleted_instance_count", "is_complete")
    DELETED_INSTANCE_COUNT_FIELD_NUMBER: _ClassVar[int]
    IS_COMPLETE_FIELD_NUMBER: _ClassVar[int]
    deleted_instance_count: int
    is_complete: _wrappers_pb2.BoolValue
    def __init__(self, deleted_instance_count: _Optional[int] = ..., is_complete: _Optional[_Union[_wrappers_pb2.BoolValue, _Mapping]] = ...) -> None: ...

class RerunRequest(_message.Message):
    __slots__ = ("source_instance_id", "event_id", "new_instance_id", "input", "overwrite_input", "new_child_instance_id", "router")
    SOURCE_INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    NEW_INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OVERWRITE_INPUT_FIELD_NUMBER: _ClassVar[int]
    NEW_CHILD_INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    ROUTER_FIELD_NUMBER: _ClassVar[int]
    source_instance_id: str
    event_id: int
    new_instance_id: str
    input: _wrappers_pb2.StringValue
    overwrite_input: bool
    new_child_instance_id: str
    router: _history_pb2.Router
    def __init__(self, source_instance_id: _Optional[str] = ..., event_id: _Optional[int] = ..., new_instance_id: _Optional[str] = ..., input: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping]] = ..., overwrite_input: bool = ..., new_child_instance_id: _Optional[str] = ..., router: _Optional[_Union[_history_pb2.Router, _Mapping]] = ...) -> None: ...

class RerunResponse(_message.Message):
    __slots__ = ("new_instance_id",)
    NEW_INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    new_instance_id: str
    def __init__(self, new_instance_id: _Optional[str] = ...) -> None: ...

class ListInstanceIDsRequest(_message.Message):
    __slots__ = ("continuation_token", "page_size")
    CONTINUATION_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    continuation_token: str
    page_size: int
    def __init__(self, continuation_token: _Optional[str] = ..., page_size: _Optional[int] = ...) -> None: ...

class ListInstanceIDsResponse(_message.Message):
    __slots__ = ("instance_ids", "continuation_token")
    INSTANCE_IDS_FIELD_NUMBER: _ClassVar[int]
    CONTINUATION_TOKEN_FIELD_NUMBER: _ClassVar[int]
    instance_ids: _containers.RepeatedScalarFieldContainer[str]
    continuation_token: str
    def __init__(self, instance_ids: _Optional[_Iterable[str]] = ..., continuation_token: _Optional[str] = ...) -> None: ...

class GetHistoryRequest(_message.Message):
    __slots__ = ("instance_id",)
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    def __init__(self, instance_id: _Optional[str] = ...) -> None: ...

class GetHistoryResponse(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_history_pb2.HistoryEvent]
    def __init__(self, events: _Optional[_Iterable[_Union[_history_pb2.HistoryEvent, _Mapping]]] = ...) -> None: ...
