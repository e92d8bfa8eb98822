"""What the two HTTP clients, `http_plain` and `http_httpx`, have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from wfctl.client.sidecar.endpoint import MOST_BYTES
from wfctl.client.sidecar.errors import too_long
from wfctl.errors import TimedOut

# Seconds until somebody must have accepted the connection; a listener on the network does within one or two.
CONNECT_SECONDS = 5.0
NO_ANSWER = "it closed the connection without an answer"
HALF_AN_ANSWER = "the connection broke off in the middle of the answer"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    date: str | None = None
    location: str | None = None


class HttpClient(Protocol):
    def send(self, method: str, path: str, query: Mapping[str, str], body: bytes) -> Answer:
        """Raises Unreachable (nobody, or no HTTP), TimedOut and Unsupported (too long an answer)."""
        ...

    def close(self) -> None: ...


class Body:
    """The body of an answer, as it comes in."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._chunks: list[bytes] = []
        self._length = 0

    def add(self, chunk: bytes) -> None:
        """Raises Unsupported where it becomes too long."""
        self._length += len(chunk)
        if self._length > MOST_BYTES:
            raise too_long(self._where)
        self._chunks.append(chunk)

    def whole(self) -> bytes:
        return b"".join(self._chunks)


def late(where: str, seconds: float) -> TimedOut:
    return TimedOut(
        f"no answer from {where} within {seconds:.3g} s",
        hint="give it more: --request-timeout 2m; wfctl doctor says whether it works at all",
    )
