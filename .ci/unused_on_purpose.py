"""Names that no code of wfctl uses, and why each is there: what vulture is told (./dev check).

A name belongs here only if somebody outside calls or reads it. Everything else that vulture finds is dead: delete it.
"""

# Typer and Click read or call these.
_.__signature__
_.__annotations__
_.coerce
_.collect_usage_pieces
_.format_help

# shlex reads these.
_.whitespace_split
_.commenters

# http.server, socketserver and uvicorn read or call these.
_.do_GET
_.do_POST
_.do_PUT
_.do_DELETE
_.log_message
_.handle_error
client_address
_.daemon_threads
_.block_on_close
_.should_exit
_.capture_signals

# Python's import system calls it.
_.create_module

# SQLite's backup passes it.
remaining

# A field of a message.
_.event_count

# Read by getattr.
_.grpc_endpoint
_.activity_room

# Rich reads these.
_.no_wrap
_.overflow

# Keeps a task from being collected.
_._ending

# Tests need them: the methods of the service, and the process as it was before the import hook.
TASK_HUB
uninstall

# Dapr's SDK has these names, and authors of workflows use them.
Activity
ActivityWrapper
CHILD_WORKFLOW_INSTANCE_COMPLETED
CHILD_WORKFLOW_INSTANCE_FAILED
CONTINUE_AS_NEW
ClientInterceptor
DETACHED_WORKFLOW_INSTANCE_CREATED
EVENT_RAISED
EVENT_SENT
EXECUTION_COMPLETED
EXECUTION_RESUMED
EXECUTION_STALLED
EXECUTION_STARTED
EXECUTION_SUSPENDED
EXECUTION_TERMINATED
Logger
MCP_WORKFLOW_PREFIX
NONE
NonDeterminismError
NonRetryableError
OWN_HISTORY
TASK_COMPLETED
TASK_FAILED
TIMER_FIRED
WORKFLOW_COMPLETED
WORKFLOW_STARTED
WorkflowStateError
_.__signature__
_._missing_
_.call_activity
_.call_child_workflow
_.from_proto
_.get_all_tools
_.get_app_ids
_.get_completed_tasks
_.get_connected_servers
_.get_events_by_app_id
_.get_events_by_instance_id
_.get_events_by_workflow_name
_.get_exception
_.get_inner_context
_.get_last_activity_by_name
_.get_last_child_workflow_by_name
_.get_last_workflow_by_name
_.get_options
_.get_result
_.get_server_tools
_.get_tasks
_.get_workflows
_.is_complete
_.is_failed
_.is_replaying
_.is_rerunnable
_.iter_workflow_instance_ids
_.pending_tasks
_.raise_if_failed
_.random_choice
_.random_int
_.random_string
_.set_custom_status
_.versioned_workflow
_.wait_for_external_event
_.wait_for_worker_ready
_.workflow_id
allowed_tools
call_tool_workflow
current_utc_datetime_with_sequence
disable_stateful_history
history_cache_max_bytes
history_cache_max_instances
history_cache_ttl
input_schema
interceptors
logger_options
max_grpc_message_length
maximum_concurrent_orchestration_work_items
orchestrator
server_name
wf_client
worker_ready_timeout

# For the tests of users.
_.called
# Python's debugger and its tracing read these.
_.botframe
_.f_trace
