"""Send HTTP requests to a sidecar: over TCP, TLS or a Unix socket, each within a deadline. Imports httpx."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from wfctl.client.sidecar.endpoint import MOST_BYTES, Endpoint, HttpAddress
from wfctl.client.sidecar.errors import broken, no_answer_in_time, too_long, unreachable
from wfctl.errors import InvalidInput, WfctlError

# Seconds until a connection must be accepted; a listener on the network does that within one or two.
CONNECT_SECONDS = 5.0
# A batch sends many requests at a time, and must not wait for a place in the pool.
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=32)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    status: int
    body: bytes
    date: str | None = None
    location: str | None = None


class HttpClient:
    """Send requests to one address. Safe for use by several threads."""

    def __init__(self, endpoint: Endpoint, address: HttpAddress, headers: Mapping[str, str]) -> None:
        """Raises InvalidInput where the ca_file cannot be used."""
        self._where = address.shown
        self._endpoint = endpoint
        self._answered = False
        verify = _trust(endpoint, address)
        socket = httpx.HTTPTransport(verify=verify, uds=address.socket, limits=_LIMITS) if address.socket else None
        self._client = httpx.Client(
            base_url=address.base,
            headers=headers,
            verify=verify,
            trust_env=not address.local,
            transport=socket,
            limits=_LIMITS,
        )

    def send(self, method: str, path: str, query: Mapping[str, str], body: bytes) -> HttpResponse:
        """Send a request. Returns the whole response.

        Raises Unreachable (nothing there, or not HTTP), TimedOut and Unsupported (too long a body).

        A GET is sent again if the server may have closed a kept connection just before it.
        """
        seconds = self._endpoint.seconds()
        until = time.monotonic() + seconds
        kept = self._answered
        request = self._client.build_request(method, path, params=dict(query) or None, content=body or None)
        try:
            return self._send(request, seconds, until)
        except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
            if method != "GET" or not kept or isinstance(error, httpx.ConnectError):
                raise self._explain(error, seconds) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._explain(error, seconds) from error
        try:
            return self._send(request, seconds, until)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._explain(error, seconds) from error

    def _send(self, request: httpx.Request, seconds: float, until: float) -> HttpResponse:
        left = max(0.001, until - time.monotonic())
        request.extensions["timeout"] = httpx.Timeout(left, connect=min(CONNECT_SECONDS, left)).as_dict()
        response = self._client.send(request, stream=True)
        self._answered = True
        try:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise too_long(self._where)
                if time.monotonic() > until:
                    raise no_answer_in_time(self._where, seconds)
        finally:
            response.close()
        headers = response.headers
        return HttpResponse(response.status_code, bytes(body), headers.get("date"), headers.get("location"))

    def _explain(self, error: Exception, seconds: float) -> WfctlError:
        if isinstance(error, httpx.ConnectTimeout):
            return unreachable(self._where, "no connection in time")
        if isinstance(error, (httpx.ConnectError, httpx.ProxyError)):
            return unreachable(self._where, _reason(error))
        if isinstance(error, httpx.TimeoutException):
            return no_answer_in_time(self._where, seconds)
        return broken(self._where, _reason(error))

    def close(self) -> None:
        self._client.close()


def _reason(error: BaseException) -> str:
    """Return the system's words where it was a call to the system that failed, else httpx's."""
    text = str(error) or type(error).__name__
    if "disconnected" in text:
        return "it closed the connection without an answer"
    if "peer closed connection" in text:
        return "the connection broke off in the middle of the answer"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror[0].lower() + cause.strerror[1:]
        cause = cause.__cause__ or cause.__context__  # httpcore raises some `from None`
    return text


def _trust(endpoint: Endpoint, address: HttpAddress) -> ssl.SSLContext | bool:
    """Return the certificates to trust. Without TLS none are loaded: that alone would take some ten milliseconds."""
    if not address.tls:
        return False
    context = ssl.create_default_context()
    if endpoint.ca_file is not None:
        try:
            context.load_verify_locations(endpoint.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise InvalidInput(f"the ca_file {endpoint.ca_file} cannot be used: {error}") from error
    return context
