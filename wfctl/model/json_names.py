"""The names of fields in JSON."""

from __future__ import annotations


def camel(name: str) -> str:
    """`task_execution_id` to `taskExecutionID`: an ID is written as in `instanceID` everywhere."""
    head, *tail = name.split("_")
    return head + "".join("ID" if part == "id" else part.capitalize() for part in tail)
