"""Answers of a worker that speaks Microsoft's messages instead of Dapr's.

Both come from one origin and share their first fields. Microsoft's `durabletask` package works up to 1.3; from 1.4 on
it puts a trace context where Dapr has the version of the workflow.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from wfctl.wire.protos import taskhub_pb2 as pb
from wfctl.wire.protos.history_pb2 import Version

_INSTANCE_ID, _VERSION = 1, 6  # fields of WorkflowResponse
# How a timestamp begins, the second part of Microsoft's trace context. No name of a version does.
_TIMESTAMP = "\b"

WHY = (
    "this worker's answers are in Microsoft's messages, not in Dapr's, as those of its durabletask package are from "
    "1.4 on: use Dapr's SDK, or durabletask 1.3 or older"
)


def is_foreign(response: pb.WorkflowResponse) -> bool:
    """Tell whether an answer that could be decoded has a trace context for a version."""
    return response.version.name.startswith(_TIMESTAMP)


def foreign_instance(data: bytes) -> str | None:
    """Return the instance ID of an answer that could not be decoded, None where it is not one of Microsoft's."""
    try:
        unknown: Any = UnknownFieldSet(Empty.FromString(data))  # an iterable, which its type stubs do not know
        fields = {field.field_number: field.data for field in unknown}
        instance_id, version = fields.get(_INSTANCE_ID), fields.get(_VERSION)
        if not isinstance(instance_id, bytes) or not isinstance(version, bytes):
            return None
        text = instance_id.decode()
    except (DecodeError, UnicodeDecodeError):
        return None
    try:
        Version.FromString(version)
    except DecodeError:
        return text
    return None
