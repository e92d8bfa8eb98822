"""Who may speak to the server."""

from __future__ import annotations

import pytest

from wfctl.errors import InvalidInput
from wfctl.gateway.child_process import environment, lead_here
from wfctl.gateway.listening.security import HostCheck, TokenCheck, check_listen, check_token


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost"])
def test_this_machine_needs_no_token(address: str) -> None:
    check_listen(address, None, False)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "10.0.0.1", "example.org"])
def test_other_addresses_need_a_token_or_a_word(address: str) -> None:
    with pytest.raises(InvalidInput, match="no token"):
        check_listen(address, None, False)
    check_listen(address, "s3cret", False)
    check_listen(address, None, True)


def test_tokens() -> None:
    check = TokenCheck("s3crét")
    assert check.ok("s3crét")
    assert not check.ok("s3cret")
    assert not check.ok("")
    assert not check.ok(None)
    assert TokenCheck(None).ok("anything")


def test_a_token_is_something_that_can_be_sent() -> None:
    check_token("s3cret ~!{}", "X")
    for token in ("s3crét", " s3cret", "s3cret ", "s3\tcret", "s3\ncret", "s3\x00cret", "s3\udce9cret"):
        with pytest.raises(InvalidInput, match="of X has characters"):
            check_token(token, "X")


@pytest.mark.parametrize(
    "host", ["localhost:3500", "127.0.0.1", "[::1]:3500", "LOCALHOST", "mine.test:1", "10.0.0.7:3500", None]
)
def test_own_names_are_served(host: str | None) -> None:
    assert HostCheck("127.0.0.1", ["mine.test"]).refusal(host, None) is None


@pytest.mark.parametrize("host", ["evil.test", "evil.test:3500", "localhost.evil.test", "127.0.0.1.evil.test", ""])
def test_foreign_names_are_refused(host: str) -> None:
    assert HostCheck("127.0.0.1").refusal(host, None) is not None
    assert HostCheck("127.0.0.1", any_host=True).refusal(host, None) is None


@pytest.mark.parametrize("origin", ["http://localhost:3500", "https://evil.test", "null"])
def test_web_pages_are_refused(origin: str) -> None:
    assert HostCheck("127.0.0.1", any_host=True).refusal("localhost", origin) is not None


def test_a_child_is_not_led_elsewhere() -> None:
    env = {"DAPR_GRPC_ENDPOINT": "elsewhere:1", "DAPR_HTTP_ENDPOINT": "http://elsewhere:1", "PATH": "p"}
    lead_here(env, app_id="a", host="127.0.0.1", http_port=1, grpc_port=2, token="t")
    env = environment(env)
    assert "DAPR_HTTP_ENDPOINT" not in env
    assert "DAPR_GRPC_ENDPOINT" not in env
    assert (env["DAPR_HTTP_PORT"], env["DAPR_GRPC_PORT"], env["DAPR_API_TOKEN"], env["PATH"]) == ("1", "2", "t", "p")
