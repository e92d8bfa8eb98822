"""Dapr's HTTP answers, as daprd 1.18.3 gave them: statuses, fields and error codes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("uvicorn", reason="needs the extra serve")
from gateway_room import Room, play

from wfctl.gateway.listening.listeners import http_routes

NO_ROUTE = {
    "errorCode": "ERR_DIRECT_INVOKE",
    "message": "failed getting app id either from the URL path or the header dapr-app-id",
}


def test_start_get_and_the_three_prefixes(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        room.worker()
        for number, version in enumerate(("v1.0", "v1.0-beta1", "v1.0-alpha1")):
            answer = await room.http.post(f"/{version}/workflows/any/Quick/start?instanceID=i{number}", content='"bob"')
            assert (answer.status_code, answer.json()) == (202, {"instanceID": f"i{number}"})
            assert answer.headers["content-type"] == "application/json"
            body = await room.status(f"i{number}", "COMPLETED")
            assert body.keys() == {
                "instanceID", "workflowName", "createdAt", "lastUpdatedAt", "runtimeStatus", "properties"
            }  # fmt: skip
            assert body["properties"] == {"dapr.workflow.input": '"bob"', "dapr.workflow.output": '"done"'}
        answer = await room.http.post("/v1.0/workflows/dapr/Quick/start?instanceID=")
        assert len(answer.json()["instanceID"]) == 36
        body = await room.status(answer.json()["instanceID"], "COMPLETED")
        assert body["properties"]["dapr.workflow.input"] == ""

    play(tmp_path, scenario)


def test_a_pending_instance_says_next_to_nothing(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        await room.http.post("/v1.0/workflows/dapr/Quick/start?instanceID=p", content="1")
        assert (await room.http.get("/v1.0/workflows/dapr/p")).json() == {
            "instanceID": "p",
            "createdAt": "0001-01-01T00:00:00Z",
            "lastUpdatedAt": "0001-01-01T00:00:00Z",
            "runtimeStatus": "PENDING",
            "properties": {"wfctl.workflow.unattended": "true"},  # not Dapr's
        }
        room.worker()
        await room.status("p", "COMPLETED")

    play(tmp_path, scenario)


def test_a_failed_instance(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        room.worker()
        await room.http.post("/v1.0/workflows/dapr/Fail/start?instanceID=f", content="1")
        body = await room.status("f", "FAILED")
        assert body["properties"] == {
            "dapr.workflow.input": "1",
            "dapr.workflow.failure.error_type": "ValueError",
            "dapr.workflow.failure.error_message": "kaboom",
            "dapr.workflow.failure.stack_trace": "line 1",
        }

    play(tmp_path, scenario)


BAD_IDS = [
    ("a.b", "ERR_INSTANCE_ID_INVALID"),
    ("a%20b", "ERR_INSTANCE_ID_INVALID"),
    ("a+b", "ERR_INSTANCE_ID_INVALID"),
    ("a%2Fb", "ERR_INSTANCE_ID_INVALID"),
    ("a:b", "ERR_INSTANCE_ID_INVALID"),
    ("x" * 65, "ERR_INSTANCE_ID_TOO_LONG"),
    ("%C3%A9" * 33, "ERR_INSTANCE_ID_TOO_LONG"),
]


def test_ids_are_checked_on_a_start_only(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        room.worker()
        for bad, code in BAD_IDS:
            answer = await room.http.post(f"/v1.0/workflows/dapr/Quick/start?instanceID={bad}")
            assert (answer.status_code, answer.json()["errorCode"]) == (400, code), bad
        for good, told in (("%C3%A9t%C3%A9", "été"), ("%E4%B8%AD", "中"), ("-", "-"), ("_", "_"), ("x" * 64, "x" * 64)):
            answer = await room.http.post(f"/v1.0/workflows/dapr/Quick/start?instanceID={good}")
            assert (answer.status_code, answer.json()) == (202, {"instanceID": told})
        for odd, told in (("a.b", "a.b"), ("a%2Fb", "a/b"), ("a+b", "a b")):
            answer = await room.http.get(f"/v1.0/workflows/dapr/{odd}")
            assert (answer.status_code, answer.json()) == (
                404,
                {
                    "errorCode": "ERR_INSTANCE_ID_NOT_FOUND",
                    "message": f"unable to find workflow with the provided instance ID: {told}",
                },
            )

    play(tmp_path, scenario)


NOWHERE = [
    ("GET", "/v1.0/workflows/dapr/"),
    ("GET", "/v1.0/workflows/dapr"),
    ("GET", "/"),
    ("POST", "/v1.0/workflows/dapr/i/raiseEvent/"),
    ("POST", "/v1.0/workflows/dapr/i/PAUSE"),
    ("POST", "/v1.0/workflows/dapr/i/suspend"),
    ("POST", "/v1.0/workflows/dapr/i/events/go"),
    ("POST", "/v1.0/workflows/dapr/i"),
    ("DELETE", "/v1.0/workflows/dapr/i"),
    ("PUT", "/v1.0/workflows/dapr/Quick/start"),
    ("OPTIONS", "/v1.0/workflows/dapr/i"),
    ("GET", "/v1.0/workflow/dapr/i"),
    ("GET", "/v2.0/workflows/dapr/i"),
]


def test_what_is_no_route_is_service_invocation(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        for method, path in NOWHERE:
            answer = await room.http.request(method, path)
            assert (answer.status_code, answer.json()) == (404, NO_ROUTE), (method, path)
        answer = await room.http.head("/v1.0/workflows/dapr/i")
        assert (answer.status_code, answer.content) == (404, b"")

    play(tmp_path, scenario)


def test_slashes_that_do_not_count(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        room.worker()
        await room.http.post("/v1.0/workflows/dapr/Quick/start?instanceID=i")
        await room.status("i", "COMPLETED")
        for path in ("/v1.0/workflows/dapr/i/", "/v1.0//workflows/dapr/i", "/v1.0/workflows/dapr/i?x=y"):
            assert (await room.http.get(path)).status_code == 200, path

    play(tmp_path, scenario)


MISSING = [
    ("pause", 500, "ERR_PAUSE_WORKFLOW"),
    ("resume", 500, "ERR_RESUME_WORKFLOW"),
    ("raiseEvent/go", 500, "ERR_RAISE_EVENT_WORKFLOW"),
    ("terminate", 404, "ERR_INSTANCE_ID_NOT_FOUND"),
    ("purge", 404, "ERR_INSTANCE_ID_NOT_FOUND"),
]


def test_a_missing_instance(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        for action, status, code in MISSING:
            answer = await room.http.post(f"/v1.0/workflows/dapr/nobody/{action}")
            assert (answer.status_code, answer.json()["errorCode"]) == (status, code), action
            if status == 500:
                assert answer.json()["message"].endswith("no such instance exists")

    play(tmp_path, scenario)


def test_the_life_of_an_instance(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        room.worker()
        path = "/v1.0/workflows/dapr/w"

        async def act(action: str, content: str = "") -> tuple[int, Any]:
            answer = await room.http.post(f"{path}/{action}", content=content)
            return answer.status_code, answer.json()

        await room.http.post("/v1.0/workflows/dapr/Wait/start?instanceID=w")
        assert (await room.status("w", "RUNNING"))["properties"]["dapr.workflow.custom_status"] == "waiting"
        status, body = await act("purge")
        assert (status, body["errorCode"]) == (500, "ERR_PURGE_WORKFLOW")
        assert body["message"].endswith("orchestration has not yet completed")
        answer = await room.http.post("/v1.0/workflows/dapr/Wait/start?instanceID=w")
        assert (answer.status_code, answer.json()["errorCode"]) == (500, "ERR_START_WORKFLOW")
        assert "an active workflow with ID 'w' already exists" in answer.json()["message"]
        # Dapr with Python's SDK would fail the instance here; a resume of what is not suspended changes nothing.
        assert await act("resume") == (202, {})
        assert await act("pause") == (202, {})
        await room.status("w", "SUSPENDED")
        assert await act("pause") == (202, {})
        assert await act("resume", "{}") == (202, {})
        await room.status("w", "RUNNING")
        assert await act("raiseEvent/other", '"x"') == (202, {})
        assert await act("raiseEvent/GO", "not json") == (202, {})
        assert (await room.status("w", "COMPLETED"))["properties"]["dapr.workflow.output"] == "not json"
        for action in ("pause", "resume", "terminate", "raiseEvent/go"):
            assert await act(action) == (202, {}), action
        await room.status("w", "COMPLETED")
        # A finished ID may be used again.
        answer = await room.http.post("/v1.0/workflows/dapr/Wait/start?instanceID=w", content="2")
        assert answer.status_code == 202
        await room.status("w", "RUNNING")
        assert await act("terminate") == (202, {})
        await room.status("w", "TERMINATED")
        assert await act("purge") == (202, {})
        assert (await act("purge"))[0] == 404

    play(tmp_path, scenario)


def test_a_stalled_instance_reads_unknown_and_refuses(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        room.worker()
        await room.http.post("/v1.0/workflows/dapr/Stall/start?instanceID=s")
        await room.status("s", "UNKNOWN")
        for action in ("pause", "resume", "terminate", "raiseEvent/go"):
            answer = await room.http.post(f"/v1.0/workflows/dapr/s/{action}")
            assert answer.status_code == 500, action
            assert "stalled" in answer.json()["message"], action
        answer = await room.http.post("/v1.0/workflows/dapr/Stall/start?instanceID=s")
        assert answer.status_code == 500
        assert "stalled" in answer.json()["message"]

    play(tmp_path, scenario)


def test_bodies_that_are_no_json_objects(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        for body in ("not json", "[1]", "7"):
            answer = await room.http.post("/v1.0/workflows/dapr/i/pause", content=body)
            assert (answer.status_code, answer.json()["errorCode"]) == (400, "ERR_MALFORMED_REQUEST"), body

    play(tmp_path, scenario)


@pytest.mark.parametrize("action", ["", "/pause", "/resume", "/terminate", "/purge"])
def test_a_deeply_nested_body_is_malformed(tmp_path: Path, action: str) -> None:
    async def scenario(room: Room) -> None:
        for body in ('{"a":' * 50_000 + "1" + "}" * 50_000, "[" * 100_000):
            answer = await room.http.request(
                "POST" if action else "GET", f"/v1.0/workflows/dapr/i{action}", content=body
            )
            assert (answer.status_code, answer.json()["errorCode"]) == (400, "ERR_MALFORMED_REQUEST"), answer.text
            assert "nested too deeply" in answer.json()["message"]

    play(tmp_path, scenario, max_body=1_000_000)


@pytest.mark.parametrize("path", ["/v1.0/workflows/dapr/Quick/start", "/v1.0/workflows/dapr/w/raiseEvent/go"])
def test_a_payload_that_is_not_utf_8_is_refused(tmp_path: Path, path: str) -> None:
    async def scenario(room: Room) -> None:
        await room.http.post("/v1.0/workflows/dapr/Wait/start?instanceID=w")
        answer = await room.http.post(path, content=b'"caf\xe9"')
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "ERR_MALFORMED_REQUEST")
        assert "not valid UTF-8" in answer.json()["message"]
        assert (await room.http.post(path, content='"café"'.encode())).status_code == 202

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1.0/workflows/dapr/caf%E9/start"),
        ("POST", "/v1.0/workflows/dapr/w/raiseEvent/caf%E9"),
        ("POST", "/v1.0/workflows/dapr/Wait/start?instanceID=caf%E9"),
        ("GET", "/v1.0/state/s/caf%E9"),
        ("PUT", "/v1.0/metadata/caf%E9"),
    ],
)
def test_a_name_that_is_not_utf_8_is_refused(tmp_path: Path, method: str, path: str) -> None:
    """Else two names would be taken for one, with the same sign in the place of what is wrong."""

    async def scenario(room: Room) -> None:
        await room.http.post("/v1.0/workflows/dapr/Wait/start?instanceID=w")
        answer = await room.http.request(method, path)
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "ERR_MALFORMED_REQUEST")
        assert "not valid UTF-8" in answer.json()["message"]

    play(tmp_path, scenario)


def test_metadata_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        answer = await room.http.put("/v1.0/metadata/colour", content=b"caf\xe9")
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "ERR_MALFORMED_REQUEST")
        assert "colour" not in (await room.http.get("/v1.0/metadata")).json()["extended"]

    play(tmp_path, scenario)


def test_a_body_that_is_too_large(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        answer = await room.http.post("/v1.0/workflows/dapr/Quick/start", content="x" * 1001)
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "ERR_BODY_READ")

        async def parts() -> Any:
            for _ in range(11):
                yield b"x" * 100

        answer = await room.http.post("/v1.0/workflows/dapr/Quick/start", content=parts())
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "ERR_BODY_READ")

    play(tmp_path, scenario)


def test_the_token_is_asked_for_everywhere_but_for_health(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        for path in ("/v1.0/workflows/dapr/i", "/v1.0/metadata", "/nowhere", "/metrics"):
            answer = await room.http.get(path)
            assert (answer.status_code, answer.text) == (401, "invalid api token\n"), path
            assert (await room.http.get(path, headers={"dapr-api-token": "s3cret"})).status_code != 401
        for path in ("/v1.0/healthz", "/v1.0/healthz/outbound"):
            assert (await room.http.get(path)).status_code == 204

    play(tmp_path, scenario, token="s3cret")


def test_a_web_page_cannot_start_workflows(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        path = "/v1.0/workflows/dapr/Quick/start?instanceID=evil"
        assert (await room.http.post(path, headers={"origin": "https://evil.test"})).status_code == 403
        assert (await room.http.post(path, headers={"host": "evil.test"})).status_code == 403
        assert (await room.http.get("/v1.0/workflows/dapr/evil")).status_code == 404

    play(tmp_path, scenario)


def test_metadata_health_metrics_and_shutdown(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        about = (await room.http.get("/v1.0/metadata")).json()
        assert (about["id"], about["runtimeVersion"]) == ("wfctl", "1.18.3")
        assert "workflows" not in about
        room.worker()
        assert (await room.http.put("/v1.0/metadata/colour", content="blue")).status_code == 204
        about = (await room.http.get("/v1.0/metadata")).json()
        assert about["workflows"] == {"connectedWorkers": 1}
        assert about["extended"]["colour"] == "blue"
        answer = await room.http.get("/v1.0/healthz?appid=other")
        assert (answer.status_code, answer.json()["errorCode"]) == (500, "ERR_HEALTH_APPID_NOT_MATCH")
        await room.http.post("/v1.0/workflows/dapr/Quick/start?instanceID=m")
        await room.status("m", "COMPLETED")
        text = (await room.http.get("/metrics")).text
        assert 'dapr_runtime_workflow_execution_count{app_id="wfctl",namespace="default",status="success"} 1' in text
        assert 'operation="create_workflow",status="success"} 1' in text
        assert (await room.http.post("/v1.0/shutdown")).status_code == 204
        assert room.shut_down

    play(tmp_path, scenario)


def test_the_openapi_file_describes_the_routes(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        answer = await room.http.get("/openapi.yaml")
        described = {
            (method.upper(), path.replace("{version}", version))
            for path, operations in yaml.safe_load(answer.text)["paths"].items()
            for method in operations
            if method != "parameters"
            for version in ("v1.0", "v1.0-beta1", "v1.0-alpha1")
        }
        served = set(http_routes(room.gateway, room.gateway.fronts[0], lambda: None, lambda: False).all())
        # PUT is a second name of POST for state; queries are refused.
        served = {route for route in served if not route[1].endswith("/query")}
        served -= {("PUT", path) for method, path in served if method == "POST"}
        assert described == served

    play(tmp_path, scenario)


@pytest.mark.parametrize("seed", range(5))
def test_no_request_is_an_internal_error(tmp_path: Path, seed: int) -> None:
    """Random methods, paths and bodies, well-formed and not."""
    draw = random.Random(seed)
    words = ["v1.0", "workflows", "state", "dapr", "x", "start", "pause", "%00", "%ff", "a%2Fb", "+", "", "..", "bulk"]
    bodies = [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        b'[{"key":"a","value":1}]',
        b'{"operations":[{}]}',
        b'{"keys":[null]}',
    ]

    async def scenario(room: Room) -> None:
        for _ in range(200):
            path = "/" + "/".join(draw.choice(words) for _ in range(draw.randint(1, 6)))
            if draw.random() < 0.7:
                path = draw.choice(["/v1.0/workflows/dapr/", "/v1.0/state/s/", "/v1.0/state/s"]) + path[1:]
            answer = await room.http.request(
                draw.choice(["GET", "POST", "PUT", "DELETE"]), path, content=draw.choice(bodies)
            )
            assert answer.status_code in (200, 202, 204, 400, 404, 409, 500), path
            assert b"ERR_INTERNAL" not in answer.content, path

    play(tmp_path, scenario)
