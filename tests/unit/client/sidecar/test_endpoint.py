"""Where a sidecar is: HTTP and gRPC addresses from what is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from wfctl.client.sidecar.endpoint import Endpoint, GrpcAddress, HttpAddress, grpc_address, http_address
from wfctl.errors import InvalidInput


@pytest.mark.parametrize(
    ("given", "base", "local"),
    [
        ("http://127.0.0.1:3500", "http://127.0.0.1:3500", True),
        ("http://localhost:3500/", "http://localhost:3500", True),
        ("http://[::1]:3500", "http://[::1]:3500", True),
        ("https://dapr.example.com", "https://dapr.example.com", False),
        ("https://example.com/team/dapr/", "https://example.com/team/dapr", False),
        ("10.0.0.7:3500", "http://10.0.0.7:3500", False),
    ],
)
def test_http(given: str, base: str, local: bool) -> None:
    assert http_address(Endpoint(http=given)) == HttpAddress(base, local=local)


@pytest.mark.parametrize(
    "given",
    [
        "ftp://x",
        "http://",
        "http://x:port",
        "http://x:99999",
        "http://x?y=z",
        "http://user:pw@x",
        "http://x#y",
        "grpc://x:1",
    ],
)
def test_no_http_address(given: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        http_address(Endpoint(http=given))
    assert "pw" not in caught.value.message


@pytest.mark.parametrize(
    ("http", "given", "target", "tls"),
    [
        (None, None, "127.0.0.1:50001", False),
        ("http://10.0.0.7:3500", None, "10.0.0.7:50001", False),
        ("https://dapr.example.com", None, "dapr.example.com:50001", True),
        ("http://[::1]:3500", None, "[::1]:50001", False),
        ("http://10.0.0.7:3500", "50002", "10.0.0.7:50002", False),
        (None, "50002", "127.0.0.1:50002", False),
        (None, "example.com:50001", "example.com:50001", False),
        (None, "example.com", "example.com:443", False),
        (None, "example.com:7000?tls=true", "example.com:7000", True),
        (None, "example.com:7000?tls=false", "example.com:7000", False),
        (None, "https://example.com:7000", "example.com:7000", True),
        (None, "http://example.com:7000", "example.com:7000", False),
        (None, "dns:example.com:7000", "example.com:7000", False),
        (None, "dns://example.com:7000?tls=true", "example.com:7000", True),
        ("dns:example.com:7000", None, "example.com:7000", False),
        (None, "unix:///tmp/x.sock", "unix:/tmp/x.sock", False),
        (None, "unix:/tmp/x.sock", "unix:/tmp/x.sock", False),
        (None, "unix-abstract:x", "unix-abstract:x", False),
        ("unix:///tmp/dapr-a-http.socket", None, "unix:/tmp/dapr-a-grpc.socket", False),
    ],
)
def test_grpc(http: str | None, given: str | None, target: str, tls: bool) -> None:
    address = grpc_address(Endpoint(http=http, grpc=given))
    assert (address.target, address.tls) == (target, tls)


@pytest.mark.parametrize(
    "given",
    ["grpc://x:1", "x:1?tls=maybe", "x:1?y=1", "https://x:1?tls=true", "x:1/path", "x:abc", "x:99999", ":50001"],
)
def test_no_grpc_address(given: str) -> None:
    with pytest.raises(InvalidInput):
        grpc_address(Endpoint(grpc=given))


def test_what_is_local() -> None:
    assert GrpcAddress("unix:/x").local
    assert grpc_address(Endpoint()).local
    assert not grpc_address(Endpoint(grpc="example.com:1")).local


def test_a_folder_of_sockets(tmp_path: Path) -> None:
    (tmp_path / "dapr-orders-http.socket").touch()
    (tmp_path / "dapr-orders-grpc.socket").touch()
    endpoint = Endpoint(http=f"unix://{tmp_path}")
    address = http_address(endpoint)
    assert address is not None
    assert address.socket == str(tmp_path / "dapr-orders-http.socket")
    assert grpc_address(endpoint).target == f"unix:{tmp_path}/dapr-orders-grpc.socket"
    (tmp_path / "dapr-billing-http.socket").touch()
    with pytest.raises(InvalidInput, match="2 sidecars"):
        http_address(endpoint)
    chosen = http_address(Endpoint(http=f"unix://{tmp_path}", app_id="billing"))
    assert chosen is not None
    assert chosen.socket == str(tmp_path / "dapr-billing-http.socket")
    with pytest.raises(InvalidInput, match="no sidecar's socket"):
        http_address(Endpoint(http=f"unix://{tmp_path}", app_id="nobody"))
