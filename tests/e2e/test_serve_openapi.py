"""What the server answers is what its OpenAPI file says, whatever it is asked."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from limits import LIMIT_SECONDS

pytest.importorskip("uvicorn", reason="needs the extra serve")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # those of its own dependencies
    schemathesis = pytest.importorskip("schemathesis", reason="needs schemathesis")

import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from serve_process import Served, served

EXAMPLES = 25  # of each operation
# Dapr answers 500 where another API would answer 404 or 409; any other 5xx is a defect.
DAPRS_500 = {
    "start": {"ERR_START_WORKFLOW"},
    "raiseEvent": {"ERR_RAISE_EVENT_WORKFLOW"},
    "pause": {"ERR_PAUSE_WORKFLOW"},
    "resume": {"ERR_RESUME_WORKFLOW"},
    "terminate": {"ERR_TERMINATE_WORKFLOW"},
    "purge": {"ERR_PURGE_WORKFLOW"},
    "saveState": {"ERR_STATE_SAVE"},
    "deleteState": {"ERR_STATE_DELETE"},
    "transactState": {"ERR_STATE_TRANSACTION"},
    "health": {"ERR_HEALTH_APPID_NOT_MATCH"},
}
APP = """
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="Wait")
def wait(ctx, _):
    yield ctx.wait_for_external_event("go")

@wfr.workflow(name="End")
def end(ctx, value):
    return value
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("openapi")
    (folder / "app.py").write_text(APP)
    with served(folder, "--log-level", "error", app=str(folder / "app.py")) as server:
        yield server


def description() -> dict[str, Any]:
    from importlib import resources

    loaded: dict[str, Any] = yaml.safe_load((resources.files("wfctl.gateway") / "openapi.yaml").read_text())
    return loaded


def operations() -> list[str]:
    """Their IDs; without the one that ends the server."""
    paths = description()["paths"].values()
    every = [what["operationId"] for item in paths for verb, what in item.items() if verb != "parameters"]
    return sorted(set(every) - {"shutdown"})


@pytest.mark.parametrize("name", operations())
def test_no_answer_that_is_not_described(server: Served, name: str) -> None:
    """Generated requests, valid ones and others, some for instances and keys that are there."""
    if server.http.get("/v1.0/workflows/dapr/waiting").status_code != 200:
        server.start("Wait", "waiting")
        server.start("End", "ended")
        server.ended("ended")
    schema = schemathesis.openapi.from_url(f"{server.endpoints['httpEndpoint']}/openapi.yaml", wait_for_schema=10)
    operation = schema.find_operation_by_id(name)
    checks = [
        getattr(schemathesis.checks, check)
        for check in ("response_schema_conformance", "status_code_conformance", "content_type_conformance")
    ]
    strategy = st.one_of(
        operation.as_strategy(),
        operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE),
    )

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy, known=st.sampled_from(["waiting", "ended", None]))
    def ask(case: Any, known: str | None) -> None:
        if known is not None and "instance" in (case.path_parameters or {}):
            case.path_parameters["instance"] = known
        answer = case.call(timeout=LIMIT_SECONDS)
        case.validate_response(answer, checks=checks)
        if answer.status_code >= 500:
            code = answer.json()["errorCode"]
            assert code in DAPRS_500.get(name, ()), (case.as_curl_command(), answer.text)
            assert not re.search(r"Traceback|Error:", answer.json()["message"]), answer.text

    ask()


def test_the_file_has_every_route(server: Served) -> None:
    """And the file that is served is the one that is checked in."""
    from wfctl.wire.http_routes import ROUTES

    assert yaml.safe_load(server.http.get("/openapi.yaml").text) == description()
    paths = set(description()["paths"])
    for _, path in ROUTES.values():
        assert any(_same(f"/{{version}}{path}", described) for described in paths), path


def _same(one: str, other: str) -> bool:
    return re.sub(r"\{.*?\}", "{}", one) == re.sub(r"\{.*?\}", "{}", other)
