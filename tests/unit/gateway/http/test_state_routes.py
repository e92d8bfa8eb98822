"""Dapr's state API, as daprd 1.18.3 with its SQLite component answered."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="needs the extra serve")
from gateway_room import Room, play, room

from wfctl.engine.store import app_state, database
from wfctl.engine.store.app_state import EtagMismatch, Write
from wfctl.gateway.grpc.state import StateCalls
from wfctl.gateway.state_service import StateTrouble
from wfctl.wire.protos import runtime_pb2 as pb

BASE = "/v1.0/state/statestore"
MISMATCH = "possible etag mismatch. error from state store"


def test_save_get_delete(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        items = [{"key": "a", "value": {"x": 1}}, {"key": "a/b c", "value": "é"}, {"key": "n"}]
        answer = await room.http.post(BASE, content=json.dumps(items))
        assert (answer.status_code, answer.content) == (204, b"")
        answer = await room.http.get(f"{BASE}/a")
        assert (answer.status_code, answer.content) == (200, b'{"x":1}')
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["etag"]
        assert (await room.http.get(f"{BASE}/a%2Fb%20c")).json() == "é"
        assert (await room.http.get(f"{BASE}/n")).content == b"null"
        assert (await room.http.get("/v1.0/state/other/a")).status_code == 204
        assert (await room.http.delete(f"{BASE}/a")).status_code == 204
        answer = await room.http.get(f"{BASE}/a")
        assert (answer.status_code, answer.content) == (204, b"")
        assert (await room.http.delete(f"{BASE}/a")).status_code == 204

    play(tmp_path, scenario)


def test_etags_and_concurrency(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        async def save(**item: object) -> tuple[int, str]:
            answer = await room.http.put(BASE, content=json.dumps([{"key": "a", **item}]))
            return answer.status_code, answer.text

        first = {"concurrency": "first-write"}
        assert (await save(value=1, options=first))[0] == 204
        status, text = await save(value=2, options=first)
        assert status == 409
        assert json.loads(text) == {
            "errorCode": "ERR_STATE_SAVE",
            "message": f"failed saving state in state store statestore: {MISMATCH}",
        }
        etag = (await room.http.get(f"{BASE}/a")).headers["etag"]
        assert (await save(value=2, etag="old"))[0] == 409
        assert (await save(value=2, etag=etag))[0] == 204
        assert (await save(value=3, etag=etag))[0] == 409
        assert (await save(value=3))[0] == 204
        assert (await save(value=4, options={"concurrency": "weird"}))[0] == 500
        answer = await room.http.delete(f"{BASE}/a", headers={"if-match": etag})
        assert (answer.status_code, answer.json()["errorCode"]) == (409, "ERR_STATE_DELETE")
        etag = (await room.http.get(f"{BASE}/a")).headers["etag"]
        assert (await room.http.delete(f"{BASE}/a", headers={"if-match": etag})).status_code == 204

    play(tmp_path, scenario)


def test_a_save_of_many_saves_what_it_can_and_a_transaction_all_or_nothing(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        await room.http.post(BASE, content='[{"key":"a","value":1}]')
        answer = await room.http.post(BASE, content='[{"key":"b","value":1},{"key":"a","value":2,"etag":"old"}]')
        assert answer.status_code == 409
        assert (await room.http.get(f"{BASE}/b")).json() == 1

        async def transact(*operations: Mapping[str, object]) -> tuple[int, str]:
            body = json.dumps({"operations": operations, "metadata": {}})
            answer = await room.http.post(f"{BASE}/transaction", content=body)
            return answer.status_code, answer.json()["errorCode"] if answer.content else ""

        upsert = {"operation": "upsert", "request": {"key": "c", "value": [1]}}
        delete = {"operation": "delete", "request": {"key": "a"}}
        bad = {"operation": "delete", "request": {"key": "b", "etag": "old"}}
        assert await transact(upsert, delete, bad) == (500, "ERR_STATE_TRANSACTION")
        assert (await room.http.get(f"{BASE}/c")).status_code == 204
        assert (await room.http.get(f"{BASE}/a")).json() == 1
        assert await transact(upsert, delete) == (204, "")
        assert (await room.http.get(f"{BASE}/c")).json() == [1]
        assert (await room.http.get(f"{BASE}/a")).status_code == 204
        assert await transact({"operation": "weird", "request": {"key": "c"}}) == (
            400,
            "ERR_NOT_SUPPORTED_STATE_OPERATION",
        )
        assert await transact() == (204, "")

    play(tmp_path, scenario)


def test_bulk(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        await room.http.post(BASE, content='[{"key":"a","value":{"x":1}},{"key":"b","value":"t"}]')
        answer = await room.http.post(f"{BASE}/bulk", content='{"keys":["nope","a","b"]}')
        rows = answer.json()
        assert [row["key"] for row in rows] == ["a", "b", "nope"]
        assert [row.get("data") for row in rows] == [{"x": 1}, "t", None]
        assert (await room.http.post(f"{BASE}/bulk", content='{"keys":[]}')).json() == []

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", "xx"),
        ("", '{"key":"a"}'),
        ("", '[{"value":1}]'),
        ("", '[{"key":"","value":1}]'),
        ("", '[{"key":"a||b","value":1}]'),
        ("", "[7]"),
        ("/bulk", "x"),
        ("/bulk", '{"keys":7}'),
        ("/transaction", "x"),
        ("/transaction", '{"operations":7}'),
        ("/transaction", '{"operations":[7]}'),
        ("", r'[{"key":"\ud800","value":1}]'),
        ("", r'[{"key":"a","value":1,"etag":"\ud800"}]'),
        ("/bulk", r'{"keys":["\ud800"]}'),
        ("/transaction", r'{"operations":[{"operation":"upsert","request":{"key":"\ud800","value":1}}]}'),
        ("/transaction", r'{"operations":[{"operation":"delete","request":{"key":"\ud800"}}]}'),
        ("", "[" * 100_000),
        ("", '[{"key":"a","value":' + "[" * 50_000 + "]" * 50_000 + "}]"),
        ("/bulk", "[" * 100_000),
        ("/transaction", "[" * 100_000),
    ],
)
def test_malformed_requests(tmp_path: Path, path: str, body: str) -> None:
    async def scenario(room: Room) -> None:
        answer = await room.http.post(BASE + path, content=body)
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "ERR_MALFORMED_REQUEST")

    play(tmp_path, scenario, max_body=1_000_000)


def test_a_value_with_a_lone_surrogate_comes_back_as_it_was_sent(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        sent = r'"\ud800 caf\u00e9"'
        assert (await room.http.post(BASE, content=f'[{{"key":"a","value":{sent}}}]')).status_code == 204
        got = (await room.http.get(f"{BASE}/a")).content
        assert json.loads(got.decode("utf-8")) == json.loads(sent)
        row = (await room.http.post(f"{BASE}/bulk", content='{"keys":["a"]}')).json()[0]
        assert row["data"] == json.loads(sent)

    play(tmp_path, scenario)


@pytest.mark.parametrize("depth", [900, 950, 970, 980, 990, 1000])
def test_no_depth_is_an_internal_error(tmp_path: Path, depth: int) -> None:
    """About where Python's own limit lies, which reading and writing JSON need not meet at the same depth."""

    async def scenario(room: Room) -> None:
        value = "[" * depth + "]" * depth
        answer = await room.http.post(BASE, content=f'[{{"key":"a","value":{value}}}]')
        assert answer.status_code in (204, 400), answer.text

    play(tmp_path, scenario, max_body=10_000)


def test_a_value_that_is_too_deep_to_be_looked_at_comes_as_base64_in_bulk(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        value = b"[" * 100_000 + b"]" * 100_000
        item = pb.StateItem(key="a", value=value)
        await StateCalls(room.gateway.state).save(pb.SaveStateRequest(store_name="s", states=[item]))
        answer = await room.http.post("/v1.0/state/s/bulk", content='{"keys":["a"]}')
        assert answer.status_code == 200, answer.text
        assert b64decode(answer.json()[0]["data"]) == value

    play(tmp_path, scenario)


def test_what_expires(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        item = {"key": "a", "value": 1, "metadata": {"ttlInSeconds": "100"}}
        assert (await room.http.post(BASE, content=json.dumps([item]))).status_code == 204
        assert (await room.http.get(f"{BASE}/a")).headers["metadata.ttlexpiretime"].endswith("Z")
        await room.http.post(f"{BASE}?metadata.ttlInSeconds=50", content='[{"key":"b","value":1}]')
        assert "metadata.ttlexpiretime" in (await room.http.get(f"{BASE}/b")).headers
        item["metadata"] = {"ttlInSeconds": "abc"}
        assert (await room.http.post(BASE, content=json.dumps([item]))).status_code == 500

    play(tmp_path, scenario)


def test_expired_entries_are_gone_before_they_are_deleted(tmp_path: Path) -> None:
    db = database.open_store(tmp_path / "store.db")
    app_state.apply(db, "s", [Write("a", b"1", expires_at=100), Write("b", b"2")], 50)
    assert app_state.get(db, "s", "a", 99) is not None
    assert app_state.get(db, "s", "a", 100) is None
    app_state.apply(db, "s", [Write("a", b"3", first=True)], 100)
    with pytest.raises(EtagMismatch):
        app_state.apply(db, "s", [Write("b", b"4"), Write("b", b"5", first=True)], 100)
    found = app_state.get(db, "s", "b", 100)
    assert found is not None
    assert found.value == b"2"
    app_state.apply(db, "s", [Write("a", b"1", expires_at=100)], 50)
    assert app_state.delete_expired(db, 99) == 0
    assert app_state.delete_expired(db, 100) == 1
    db.close()


def test_over_grpc(tmp_path: Path) -> None:
    async def scenario(room: Room) -> None:
        calls = StateCalls(room.gateway.state)

        async def refused(call: object) -> tuple[str, str]:
            with pytest.raises(StateTrouble) as caught:
                await call  # type: ignore[misc]
            return caught.value.runtime()

        def item(key: str, value: bytes = b"", **more: object) -> pb.StateItem:
            return pb.StateItem(key=key, value=value, **more)  # type: ignore[arg-type]

        await calls.save(pb.SaveStateRequest(store_name="s", states=[item("a", b"\x00\x01"), item("b", b"2")]))
        found = await calls.get(pb.GetStateRequest(store_name="s", key="a"))
        assert found.data == b"\x00\x01"
        bad = pb.SaveStateRequest(store_name="s", states=[item("a", b"3", etag=pb.Etag(value="old"))])
        assert await refused(calls.save(bad)) == ("ABORTED", f"failed saving state in state store s: {MISMATCH}")
        good = pb.SaveStateRequest(store_name="s", states=[item("a", b"3", etag=pb.Etag(value=found.etag))])
        await calls.save(good)
        bulk = await calls.bulk(pb.GetBulkStateRequest(store_name="s", keys=["nope", "a"]))
        assert [(row.key, row.data) for row in bulk.items] == [("a", b"3"), ("nope", b"")]
        delete = pb.DeleteStateRequest(store_name="s", key="a", etag=pb.Etag(value="old"))
        assert await refused(calls.delete(delete)) == ("ABORTED", f"failed deleting state with key a: {MISMATCH}")
        operations = [
            pb.TransactionalStateOperation(operation_type="upsert", request=item("c", b"1")),
            pb.TransactionalStateOperation(operation_type="delete", request=item("a")),
        ]
        await calls.transact(pb.ExecuteStateTransactionRequest(store_name="s", operations=operations))
        assert not (await calls.get(pb.GetStateRequest(store_name="s", key="a"))).data
        operations[0].operation_type = "weird"
        request = pb.ExecuteStateTransactionRequest(store_name="s", operations=operations)
        assert (await refused(calls.transact(request)))[0] == "UNIMPLEMENTED"
        assert (await refused(calls.get(pb.GetStateRequest(store_name="s"))))[0] == "INVALID_ARGUMENT"
        await calls.delete_bulk(pb.DeleteBulkStateRequest(store_name="s", states=[item("b"), item("c")]))
        assert not (await calls.get(pb.GetStateRequest(store_name="s", key="c"))).data
        assert (await refused(calls.query(pb.QueryStateRequest())))[0] == "INTERNAL"

    play(tmp_path, scenario)


def test_state_survives_the_server(tmp_path: Path) -> None:
    async def save() -> None:
        async with room(tmp_path / "store.db") as made:
            await made.http.post(BASE, content='[{"key":"a","value":1}]')

    async def read() -> None:
        async with room(tmp_path / "store.db") as made:
            assert (await made.http.get(f"{BASE}/a")).json() == 1

    asyncio.run(save())
    asyncio.run(read())
