"""Exceptions of user code as a `Failure` that shows the user's own lines and none of wfctl's."""

from __future__ import annotations

import os
import traceback

import wfctl
from wfctl.model.failure import Failure

_OURS = os.path.dirname(os.path.abspath(wfctl.__file__)) + os.sep


def failure_of(error: BaseException, message: str | None = None) -> Failure:
    """Return the failure to record: type name, text (or `message`) and frames, as Dapr's SDK records them."""
    return Failure(type(error).__name__, text_of(error) if message is None else message, user_trace(error))


def text_of(error: BaseException) -> str:
    """Return the text of an exception, even if its `__str__` raises."""
    try:
        return str(error)
    except Exception:
        return f"<{type(error).__name__} whose text cannot be made>"


def user_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Return the frames of the traceback that are neither wfctl's nor the import machinery's."""
    return [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(_OURS) and not frame.filename.startswith("<frozen importlib")
    ]


def user_trace(error: BaseException) -> str:
    """Return the frames of `user_frames` as a traceback prints them."""
    return "".join(traceback.format_list(user_frames(error)))
