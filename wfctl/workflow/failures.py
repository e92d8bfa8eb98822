"""What went wrong in user code, as a `Failure` that shows the user's own lines and none of wfctl's."""

from __future__ import annotations

import os
import traceback
from types import TracebackType

import wfctl
from wfctl.model.events import Failure

_OURS = os.path.dirname(os.path.abspath(wfctl.__file__)) + os.sep


def failure_of(error: BaseException, message: str | None = None) -> Failure:
    """The failure to record. Type name, text and frames as the SDK records them."""
    return Failure(type(error).__name__, text_of(error) if message is None else message, user_trace(error))


def text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return f"<{type(error).__name__} whose text cannot be made>"


def user_frames(error: BaseException) -> list[traceback.FrameSummary]:
    return _user_frames(error.__traceback__)


def _user_frames(trace: TracebackType | None) -> list[traceback.FrameSummary]:
    return [
        frame
        for frame in traceback.extract_tb(trace)
        if not frame.filename.startswith(_OURS) and not frame.filename.startswith("<frozen importlib")
    ]


def user_trace(error: BaseException) -> str:
    return "".join(traceback.format_list(user_frames(error)))
