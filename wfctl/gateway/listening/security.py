"""Who may speak to the server: the token, the address it listens on, and what a browser sends."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable

from wfctl.errors import InvalidInput
from wfctl.wire.http_routes import sendable


class TokenCheck:
    """Compares in constant time. Without a token everybody is let in."""

    def __init__(self, token: str | None) -> None:
        self._token = None if token is None else token.encode()

    @property
    def open(self) -> bool:
        return self._token is None

    def ok(self, given: str | None) -> bool:
        if self._token is None:
            return True
        return hmac.compare_digest(self._token, (given or "").encode("utf-8", "surrogateescape"))


def is_loopback(address: str) -> bool:
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def check_listen(address: str, token: str | None, insecure: bool) -> None:
    """Check the address.

    Raises InvalidInput: another address than this machine's own wants a token, or an explicit word.
    """
    if not is_loopback(address) and token is None and not insecure:
        raise InvalidInput(
            f"--listen {address} lets other machines start and end workflows, and there is no token",
            hint="set DAPR_API_TOKEN or --token-file, or say --insecure",
        )


def check_token(token: str, origin: str) -> None:
    """Check the token. Raises InvalidInput: no client could ever show it."""
    if not sendable(token) or token != token.strip():
        raise InvalidInput(
            f"the API token of {origin} has characters that clients cannot send",
            hint="take printable ASCII, without blanks around it: gRPC metadata holds nothing else",
        )


class HostCheck:
    """Refuses requests that a web page can make through the user's browser.

    A page elsewhere can post to localhost (its request has an `Origin`), and a page whose name resolves to this
    machine can read the answers too (its `Host` is that name; an address as `Host` is no such trick). Where a token is
    demanded, the name does not matter: no page knows the token.
    """

    def __init__(self, listen: str, more: Iterable[str] = (), *, any_host: bool = False) -> None:
        self._any = any_host
        self._hosts = {"localhost", "127.0.0.1", "::1", listen.strip("[]").lower(), *(h.lower() for h in more)}

    def refusal(self, host: str | None, origin: str | None) -> str | None:
        """Return why the request is refused; None if it is not."""
        if origin is not None:
            return "requests from web pages are not served (the request has an Origin)"
        if self._any or host is None:
            return None
        name = _host_name(host)
        if name in self._hosts or _is_address(name):
            return None
        return f"this server is not called {name!r} (the Host of the request)"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _host_name(host: str) -> str:
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
