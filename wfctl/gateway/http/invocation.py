"""Service invocation between the apps of one run, over HTTP: `/v1.0/invoke/{app}/method/...`, or a header.

Nothing more of Dapr's: no names from elsewhere, no gRPC, no resiliency policies but the retry of a connection that is
refused, since the apps of a run start at the same time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from wfctl.gateway.http.app import CALLEE, INVOKE, Answer, Request, error_answer
from wfctl.wire.http_routes import TOKEN_HEADER

# As daprd's built-in retry of service invocation.
ATTEMPTS = 4
PAUSE_SECONDS = 1.0
# These belong to one connection, or are made anew for the next.
_OWN = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "host"}
    | {"content-length", "expect", CALLEE, TOKEN_HEADER, "origin"}
)


@dataclass(frozen=True, slots=True)
class Callee:
    """An app that can be called. `token`: what it wants of its sidecar, by APP_API_TOKEN."""

    port: int | None
    token: str | None = None


class Invocation:
    """The calls that come in at one app's port. `client` is an httpx.AsyncClient, which all apps share."""

    def __init__(self, caller: str, callees: Mapping[str, Callee], client: Any) -> None:
        self._caller = caller
        self._callees = callees
        self._client = client

    async def by_path(self, request: Request) -> Answer:
        """Call `/v1.0/invoke/{app}/method/{path}`."""
        app_id, _, rest = request.path[len(INVOKE) :].partition("/")
        word, _, path = rest.partition("/")
        if word != "method" or not app_id:
            return error_answer(
                400, "ERR_DIRECT_INVOKE", f"call {INVOKE}APP/method/PATH, or any path with the header {CALLEE}"
            )
        return await self._call(unquote(app_id), "/" + path, request)

    async def by_header(self, request: Request) -> Answer:
        """Call the app of the header `dapr-app-id`, by the request's own path."""
        return await self._call(request.headers[CALLEE], request.path, request)

    async def _call(self, app_id: str, path: str, request: Request) -> Answer:
        callee = self._callees.get(app_id)
        if callee is None:
            known = ", ".join(sorted(self._callees))
            return _refused(app_id, f"no app of this run has that ID (there are {known}); Dapr finds others")
        if callee.port is None:
            return _refused(app_id, "its template names no appPort")
        url = f"http://127.0.0.1:{callee.port}{path}" + (f"?{request.raw_query}" if request.raw_query else "")
        headers = {name: value for name, value in request.headers.items() if name not in _OWN}
        headers |= {"dapr-caller-app-id": self._caller, "dapr-callee-app-id": app_id}
        if callee.token is not None:
            headers[TOKEN_HEADER] = callee.token
        return await self._send(app_id, request.method, url, headers, request.body)

    async def _send(self, app_id: str, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        import httpx

        encoded = [(name, value.encode("latin-1")) for name, value in headers.items()]
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = await self._client.request(method, url, headers=encoded, content=body)
                break
            except httpx.ConnectError as error:
                if attempt == ATTEMPTS:
                    return _refused(app_id, f"it does not listen on its appPort: {url.partition('?')[0]}: {error}")
                await asyncio.sleep(PAUSE_SECONDS)
            except httpx.HTTPError as error:
                return _refused(app_id, f"{type(error).__name__}: {error}".rstrip(": "))
        kept = [(n, v) for n, v in answer.headers.multi_items() if n not in _OWN and n not in _MADE]
        return Answer(answer.status_code, answer.content, answer.headers.get("content-type", ""), tuple(kept))


# Made by the server for its own answer; httpx has decoded the body.
_MADE = frozenset({"content-type", "content-encoding", "date", "server"})


def _refused(app_id: str, why: str) -> Answer:
    return error_answer(500, "ERR_DIRECT_INVOKE", f"failed to invoke, id: {app_id}, err: {why}")
