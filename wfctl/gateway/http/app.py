"""The HTTP side of the server: a plain ASGI application.

Written against ASGI itself: Dapr's routing has rules of its own (segments are decoded as queries are, a doubled slash
counts once, what matches nothing is service invocation), which a framework's router would first have to be talked
out of.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote_plus

from wfctl.errors import StoreError
from wfctl.gateway.api_error import Trouble, trouble
from wfctl.gateway.listening.security import HostCheck, TokenCheck
from wfctl.gateway.log import Log
from wfctl.gateway.tracing.trace_ids import INCOMING
from wfctl.gateway.unserved import CODE, http_block, message
from wfctl.wire import http_bodies
from wfctl.wire.error_codes import Problem
from wfctl.wire.http_routes import HEALTH, OUTBOUND_HEALTH, TOKEN_HEADER, Operation

JSON = "application/json"
# Service invocation: by a path, or by a header.
INVOKE = "/v1.0/invoke/"
CALLEE = "dapr-app-id"

# The paths that need no token, as with daprd.
_OPEN_PATHS = frozenset({HEALTH, OUTBOUND_HEALTH})


@dataclass(slots=True)
class Request:
    method: str
    path: str
    segments: list[str]
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes
    names: dict[str, str] = field(default_factory=dict)  # what the route's placeholders stand for
    raw_query: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


Handler = Callable[[Request], Awaitable[Answer]]


class Invocation(Protocol):
    """What calls other apps."""

    async def by_path(self, request: Request) -> Answer: ...
    async def by_header(self, request: Request) -> Answer: ...


def json_answer(status: int, body: Any) -> Answer:
    return Answer(status, json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace"))


def error_answer(status: int, code: str, message: str) -> Answer:
    return json_answer(status, http_bodies.write_error(code, message))


class Routes:
    """Method and path template (`/v1.0/workflows/{component}/{instance}`) to handler."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, list[str], Handler]] = []

    def add(self, method: str, template: str, handler: Handler) -> None:
        self._routes.append((method, template.strip("/").split("/"), handler))

    def all(self) -> list[tuple[str, str]]:
        """Method and template of each."""
        return [(method, "/" + "/".join(template)) for method, template, _ in self._routes]

    def find(self, method: str, segments: list[str]) -> tuple[Handler, dict[str, str]] | None:
        for wanted, template, handler in self._routes:
            if wanted == method and len(template) == len(segments):
                names = _match(template, segments)
                if names is not None:
                    return handler, names
        return None


def _match(template: list[str], segments: list[str]) -> dict[str, str] | None:
    names: dict[str, str] = {}
    for wanted, given in zip(template, segments, strict=True):
        if wanted[0] == "{":
            names[wanted[1:-1]] = given
        elif wanted != given:
            return None
    return names


class HttpApp:
    """`max_body` in bytes. `invocation` calls other apps, where there are several."""

    def __init__(
        self,
        routes: Routes,
        token: TokenCheck,
        hosts: HostCheck,
        max_body: int,
        log: Log,
        invocation: Invocation | None = None,
    ) -> None:
        self._invocation = invocation
        self._routes = routes
        self._token = token
        self._hosts = hosts
        self._max_body = max_body
        self._log = log

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        answer = await self._answer(scope, receive)
        headers = [(name.encode(), value.encode()) for name, value in answer.headers]
        if answer.body or answer.status != 204:
            headers.append((b"content-type", answer.content_type.encode()))
            headers.append((b"content-length", str(len(answer.body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})

    async def _answer(self, scope: Any, receive: Any) -> Answer:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        raw = re.sub(rb"/{2,}", b"/", scope["raw_path"].partition(b"?")[0])
        refusal = self._hosts.refusal(headers.get("host"), headers.get("origin"))
        if refusal is not None:
            return error_answer(403, "ERR_FORBIDDEN", refusal)
        path = raw.decode("latin-1")
        if path not in _OPEN_PATHS and not self._token.ok(headers.get(TOKEN_HEADER)):
            return Answer(401, b"invalid api token\n", "text/plain; charset=utf-8")
        try:
            segments = [_unquote(part) for part in path.strip("/").split("/")]
            handler, names = self._find(scope["method"], path, segments, headers)
            INCOMING.set(headers.get("traceparent"))
            raw_query = scope["query_string"].decode("latin-1")
            query = {} if self._invokes(handler) else _query(raw_query)
            body = await self._body(receive, headers)
            return await handler(Request(scope["method"], path, segments, query, headers, body, names, raw_query))
        except Trouble as error:
            return trouble_answer(error)
        except StoreError as error:
            return trouble_answer(trouble(error, Operation.GET))
        except Exception as error:
            self._log.error("a request failed", path=path, error=f"{type(error).__name__}: {error}")
            return error_answer(500, "ERR_INTERNAL", f"{type(error).__name__}: {error}")

    def _find(
        self, method: str, path: str, segments: list[str], headers: Mapping[str, str]
    ) -> tuple[Handler, dict[str, str]]:
        """Return the handler of a request, and its names. Raises Trouble: there is none."""
        if self._invocation is not None and path.startswith(INVOKE):
            return self._invocation.by_path, {}
        found = None if "" in segments else self._routes.find(method, segments)
        if found is not None:
            return found
        if self._invocation is not None and CALLEE in headers:
            return self._invocation.by_header, {}
        block = http_block(path)
        if block is not None:
            return _unserved(block), {}
        raise Trouble(Problem.NO_ROUTE, Operation.GET)

    def _invokes(self, handler: Handler) -> bool:
        """Return True if the query is another app's, which need not be text."""
        return self._invocation is not None and handler in (self._invocation.by_path, self._invocation.by_header)

    async def _body(self, receive: Any, headers: Mapping[str, str]) -> bytes:
        """Read the body. Raises Trouble: it is too large, or the caller went away."""
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > self._max_body:
            raise Trouble(Problem.TOO_LARGE, Operation.GET)
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Trouble(Problem.UNAVAILABLE, Operation.GET, reason="the client has gone")
            part: bytes = message.get("body", b"")
            size += len(part)
            if size > self._max_body:
                raise Trouble(Problem.TOO_LARGE, Operation.GET)
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)


def _unserved(block: str) -> Handler:
    async def refuse(request: Request) -> Answer:
        return error_answer(501, CODE, message(block))

    return refuse


def trouble_answer(error: Trouble) -> Answer:
    answer = error.http()
    return error_answer(answer.status, answer.code, answer.message)


def malformed(reason: str) -> Trouble:
    return Trouble(Problem.MALFORMED, Operation.GET, reason=reason)


def text_of(body: bytes, what: str = "the body") -> str:
    """Decode UTF-8. Raises Trouble: it is none, and what stood in its place would not be what was sent."""
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise malformed(f"{what} is not valid UTF-8 (byte {error.start})") from error


def _unquote(segment: str) -> str:
    """Segments are decoded as queries are: a `+` is a space. Latin-1 stands for the bytes. Raises Trouble."""
    return text_of(unquote_plus(segment, "latin-1").encode("latin-1"), "a segment of the path")


def _query(text: str) -> dict[str, str]:
    pairs = parse_qsl(text, keep_blank_values=True, encoding="latin-1")
    what = "the query"
    return {text_of(key.encode("latin-1"), what): text_of(value.encode("latin-1"), what) for key, value in pairs}
