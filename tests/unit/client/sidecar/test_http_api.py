"""Requests and answers over HTTP, as written down in tests/golden/http.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from sidecar_fake import METADATA, Request, http_server

from wfctl.client.sidecar import connection
from wfctl.client.sidecar.endpoint import Endpoint
from wfctl.client.sidecar.workflows import SidecarWorkflows, open_sidecar
from wfctl.errors import WfctlError
from wfctl.model.instance import StartRequest

CASES = yaml.safe_load((Path(__file__).parents[3] / "golden" / "http.yaml").read_text())


def call(sidecar: SidecarWorkflows, what: dict[str, Any]) -> Any:
    ((name, arguments),) = what.items()
    if name == "start":
        return sidecar.start(StartRequest(*arguments))
    return getattr(sidecar, name)(*(arguments if isinstance(arguments, list) else [arguments]))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_exchange(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "grpc_installed", lambda: False)
    version = tuple(int(part) for part in case["runtime"].split(".")[:2])
    metadata = METADATA | {"runtimeVersion": case["runtime"], "workflows": {"connectedWorkers": 1}}
    if version < (1, 16) or case.get("workers") == 0:
        del metadata["workflows"]
    left = list(case["exchanges"])

    def answer(request: Request) -> tuple[int, Any]:
        if request.path == "/v1.0/metadata":
            return 200, metadata
        assert left, f"more than expected: {request.line}"
        exchange = left.pop(0)
        assert request.line == exchange["send"]
        assert request.headers["dapr-api-token"] == "s3cret"
        if "sent" in exchange:
            assert request.body.decode() == exchange["sent"]
        body = exchange["body"]
        return exchange["status"], body.encode() if isinstance(body, str) else body

    with http_server(answer) as server:
        endpoint = Endpoint(http=server.url, token="s3cret", api_version=case.get("api_version"))
        sidecar = open_sidecar(endpoint, note=lambda line: None)
        try:
            if "error" in case:
                with pytest.raises(WfctlError) as caught:
                    call(sidecar, case["call"])
                assert type(caught.value).__name__ == case["error"], str(caught.value)
                assert "\n" not in caught.value.message
                assert "s3cret" not in caught.value.message
            else:
                result = call(sidecar, case["call"])
                for path, value in case.get("is", {}).items():
                    found = result
                    for part in path.split("."):
                        found = getattr(found, part)
                    assert (found.name if path == "status" else found) == value, path
                if "result" in case:
                    assert result == case["result"]
        finally:
            sidecar.close()
    assert not left, f"never sent: {left}"
