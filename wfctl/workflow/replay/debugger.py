"""Python's debugger in workflow code, as it stands at a step of a replay."""

from __future__ import annotations

import os
import pdb
import sys
from types import CodeType, FrameType, TracebackType
from typing import Any

import wfctl

_OURS = os.path.dirname(os.path.abspath(wfctl.__file__)) + os.sep


class Debugger(pdb.Pdb):
    """It steps over wfctl's own code, and shows none of it."""

    def __init__(self) -> None:
        super().__init__(skip=["wfctl", "wfctl.*", "json.*"], nosigint=True)
        self.left = False  # the user has said `quit`

    def stop_here_at(self, frame: FrameType) -> None:
        """Ask the user now, in this frame. Raises BdbQuit if they have had enough."""
        self.reset()
        self.botframe = self._traced(frame)
        self.interaction(frame, None)
        if self.quitting:
            raise pdb.bdb.BdbQuit  # type: ignore[attr-defined]
        if self.stoplineno != -1 or self.breaks:
            sys.settrace(self.trace_dispatch)

    def stop_at_first_line(self, code: CodeType) -> None:
        """Ask the user at the first line of this code, when it runs."""

        def wait(frame: FrameType, event: str, argument: Any) -> Any:
            if event != "call" or frame.f_code is not code:
                return None
            self.reset()
            sys.settrace(self.trace_dispatch)
            return self.trace_dispatch(frame, event, argument)

        sys.settrace(wait)

    def _traced(self, frame: FrameType) -> FrameType:
        """Let this frame be traced, and those of the user's that it was called by. Returns the last of them."""
        last = frame
        walked: FrameType | None = frame
        while walked is not None and not _is_ours(walked):
            walked.f_trace = self.trace_dispatch
            last, walked = walked, walked.f_back
        return last

    def get_stack(self, f: FrameType | None, t: TracebackType | None) -> tuple[list[tuple[FrameType, int]], int]:
        stack, index = super().get_stack(f, t)
        first = max((at + 1 for at, (frame, _) in enumerate(stack[: index + 1]) if _is_ours(frame)), default=0)
        if first > index:
            return stack, index
        return stack[first:], index - first

    def set_quit(self) -> None:
        self.left = True
        super().set_quit()


def _is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_OURS)
