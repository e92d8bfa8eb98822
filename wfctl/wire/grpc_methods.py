"""The gRPC methods: path, request and answer of each.

Both services answer on the same port. The task hub service has no package: its methods are
`/TaskHubSidecarService/<name>` (dapr-api 3). The general service has no un-suffixed workflow methods; Alpha1 and Beta1
are the same (dapr-api 2).
"""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue

from wfctl.wire.protos import runtime_pb2 as rt
from wfctl.wire.protos import taskhub_pb2 as th

_TASK_HUB = "/TaskHubSidecarService/"
_RUNTIME = "/dapr.proto.runtime.v1.Dapr/"


@dataclass(frozen=True, slots=True)
class Method:
    """`since` is the first Dapr version (major, minor) that serves it."""

    path: str
    request: type[Message]
    response: type[Message]
    since: tuple[int, int] = (1, 11)

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


HELLO = Method(_TASK_HUB + "Hello", Empty, Empty)
START = Method(_TASK_HUB + "StartInstance", th.CreateInstanceRequest, th.CreateInstanceResponse)
GET = Method(_TASK_HUB + "GetInstance", th.GetInstanceRequest, th.GetInstanceResponse)
WAIT_START = Method(_TASK_HUB + "WaitForInstanceStart", th.GetInstanceRequest, th.GetInstanceResponse)
WAIT_COMPLETION = Method(_TASK_HUB + "WaitForInstanceCompletion", th.GetInstanceRequest, th.GetInstanceResponse)
RAISE = Method(_TASK_HUB + "RaiseEvent", th.RaiseEventRequest, th.RaiseEventResponse)
TERMINATE = Method(_TASK_HUB + "TerminateInstance", th.TerminateRequest, th.TerminateResponse)
SUSPEND = Method(_TASK_HUB + "SuspendInstance", th.SuspendRequest, th.SuspendResponse)
RESUME = Method(_TASK_HUB + "ResumeInstance", th.ResumeRequest, th.ResumeResponse)
PURGE = Method(_TASK_HUB + "PurgeInstances", th.PurgeRequest, th.PurgeResponse)
RERUN = Method(_TASK_HUB + "RerunWorkflowFromEvent", th.RerunRequest, th.RerunResponse, (1, 16))
LIST_IDS = Method(_TASK_HUB + "ListInstanceIDs", th.ListInstanceIDsRequest, th.ListInstanceIDsResponse, (1, 17))
HISTORY = Method(_TASK_HUB + "GetInstanceHistory", th.GetHistoryRequest, th.GetHistoryResponse, (1, 17))
# wfctl's own, in JSON (`wfctl.wire.supplied_results`): a server that does not know it can take it for nothing else.
RERUN_WITH_RESULTS = Method("/wfctl.Workflows/RerunWithResults", StringValue, StringValue)
WORK_ITEMS = Method(_TASK_HUB + "GetWorkItems", th.GetWorkItemsRequest, th.WorkItem)
COMPLETE_ACTIVITY = Method(_TASK_HUB + "CompleteActivityTask", th.ActivityResponse, th.CompleteTaskResponse)
# The deprecated name is the one that the Python SDK calls.
COMPLETE_ORCHESTRATOR = Method(_TASK_HUB + "CompleteOrchestratorTask", th.WorkflowResponse, th.CompleteTaskResponse)
COMPLETE_WORKFLOW = Method(_TASK_HUB + "CompleteWorkflowTask", th.WorkflowResponse, th.CompleteTaskResponse)

TASK_HUB = (
    HELLO,
    START,
    GET,
    WAIT_START,
    WAIT_COMPLETION,
    RAISE,
    TERMINATE,
    SUSPEND,
    RESUME,
    PURGE,
    RERUN,
    LIST_IDS,
    HISTORY,
    WORK_ITEMS,
    COMPLETE_ACTIVITY,
    COMPLETE_ORCHESTRATOR,
    COMPLETE_WORKFLOW,
)


def _workflow(name: str, request: type[Message], response: type[Message] = Empty) -> tuple[Method, Method]:
    return (
        Method(f"{_RUNTIME}{name}WorkflowAlpha1", request, response),
        Method(f"{_RUNTIME}{name}WorkflowBeta1", request, response, (1, 12)),
    )


RUNTIME = (
    *_workflow("Start", rt.StartWorkflowRequest, rt.StartWorkflowResponse),
    *_workflow("Get", rt.GetWorkflowRequest, rt.GetWorkflowResponse),
    *_workflow("Purge", rt.PurgeWorkflowRequest),
    *_workflow("Terminate", rt.TerminateWorkflowRequest),
    *_workflow("Pause", rt.PauseWorkflowRequest),
    *_workflow("Resume", rt.ResumeWorkflowRequest),
    *_workflow("RaiseEvent", rt.RaiseEventWorkflowRequest),
    Method(_RUNTIME + "GetMetadata", rt.GetMetadataRequest, rt.GetMetadataResponse),
    Method(_RUNTIME + "SetMetadata", rt.SetMetadataRequest, Empty),
    Method(_RUNTIME + "Shutdown", rt.ShutdownRequest, Empty),
    Method(_RUNTIME + "GetState", rt.GetStateRequest, rt.GetStateResponse),
    Method(_RUNTIME + "GetBulkState", rt.GetBulkStateRequest, rt.GetBulkStateResponse),
    Method(_RUNTIME + "SaveState", rt.SaveStateRequest, Empty),
    Method(_RUNTIME + "QueryStateAlpha1", rt.QueryStateRequest, rt.QueryStateResponse),
    Method(_RUNTIME + "DeleteState", rt.DeleteStateRequest, Empty),
    Method(_RUNTIME + "DeleteBulkState", rt.DeleteBulkStateRequest, Empty),
    Method(_RUNTIME + "ExecuteStateTransaction", rt.ExecuteStateTransactionRequest, Empty),
)

# A job's name and nothing else is asked: these messages say the same on the wire, and the answer is not looked at.
GET_JOB = Method(_RUNTIME + "GetJobAlpha1", StringValue, Empty, (1, 14))

# The only option that a start over the general service understands: an RFC 3339 time.
START_TIME_OPTION = "dapr.workflow.start_time"
