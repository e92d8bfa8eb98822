"""HTTP to a sidecar elsewhere: httpx knows proxies and TLS."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping

from wfctl.client.sidecar.endpoint import Endpoint, HttpAddress
from wfctl.client.sidecar.errors import broken, unreachable
from wfctl.client.sidecar.http_answer import CONNECT_SECONDS, HALF_AN_ANSWER, NO_ANSWER, Answer, Body, late
from wfctl.client.sidecar.lean_httpx import httpx
from wfctl.errors import InvalidInput, WfctlError


class HttpxClient:
    def __init__(self, endpoint: Endpoint, address: HttpAddress, headers: Mapping[str, str]) -> None:
        self._where = address.shown
        self._endpoint = endpoint
        self._client = httpx.Client(
            base_url=address.base,
            headers=headers,
            verify=_trust(endpoint, address),
            trust_env=not address.local,
        )

    def send(self, method: str, path: str, query: Mapping[str, str], body: bytes) -> Answer:
        seconds = self._endpoint.seconds()
        until = time.monotonic() + seconds
        try:
            request = self._client.build_request(
                method,
                path,
                params=dict(query) or None,
                content=body or None,
                timeout=httpx.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
            )
            response = self._client.send(request, stream=True)
            try:
                content = Body(self._where)
                for chunk in response.iter_bytes():
                    content.add(chunk)
                    if time.monotonic() > until:
                        raise late(self._where, seconds)
                headers = response.headers
                return Answer(response.status_code, content.whole(), headers.get("date"), headers.get("location"))
            finally:
                response.close()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._words(error, seconds) from error

    def _words(self, error: Exception, seconds: float) -> WfctlError:
        if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)):
            return unreachable(self._where, _reason(error))
        if isinstance(error, httpx.TimeoutException):
            return late(self._where, seconds)
        return broken(self._where, _broken(str(error)))

    def close(self) -> None:
        self._client.close()


def _reason(error: Exception) -> str:
    text = str(error)
    if "refused" in text:
        return "connection refused"
    if isinstance(error, httpx.ConnectTimeout):
        return "no connection in time"
    return text or type(error).__name__


def _broken(text: str) -> str:
    """httpx's words in those of `http_plain`."""
    if "disconnected" in text:
        return NO_ANSWER
    return HALF_AN_ANSWER if "peer closed connection" in text else text or HALF_AN_ANSWER


def _trust(endpoint: Endpoint, address: HttpAddress) -> ssl.SSLContext | bool:
    """What certificates to trust. Without TLS nothing is loaded: that alone would take some ten milliseconds."""
    if not address.tls:
        return False
    context = ssl.create_default_context()
    if endpoint.ca_file is not None:
        try:
            context.load_verify_locations(endpoint.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise InvalidInput(f"the ca_file {endpoint.ca_file} cannot be used: {error}") from error
    return context
