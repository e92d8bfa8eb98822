"""The state API over HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from wfctl.engine.store.app_state import Entry
from wfctl.engine.store.values import from_micros
from wfctl.gateway.http.app import Answer, Request, Routes
from wfctl.gateway.state_service import EXPIRES, Item, StateService, malformed, no_query, not_supported
from wfctl.wire import times

_STATE = "/v1.0/state/{store}"
_METADATA = "metadata."


class StateRoutes:
    def __init__(self, state: StateService) -> None:
        self._state = state

    def add_to(self, routes: Routes) -> None:
        for method in ("POST", "PUT"):
            routes.add(method, _STATE, self.save)
            routes.add(method, _STATE + "/bulk", self.bulk)
            routes.add(method, _STATE + "/transaction", self.transaction)
            routes.add(method, "/v1.0-alpha1/state/{store}/query", self.query)
        routes.add("GET", _STATE + "/{key}", self.get)
        routes.add("DELETE", _STATE + "/{key}", self.delete)

    async def save(self, request: Request) -> Answer:
        items = _json(request.body)
        if not isinstance(items, list):
            raise malformed("json: cannot unmarshal object into a list of state items")
        await self._state.save(request.names["store"], [_item(item, request.query) for item in items])
        return Answer(204)

    async def get(self, request: Request) -> Answer:
        found = self._state.get(request.names["store"], request.names["key"])
        if found is None:
            return Answer(204)
        headers = [("etag", found.etag)]
        if found.expires_at is not None:
            headers.append((f"{_METADATA}{EXPIRES.lower()}", times.to_text(from_micros(found.expires_at))))
        return Answer(200, found.value, headers=tuple(headers))

    async def delete(self, request: Request) -> Answer:
        item = Item(
            request.names["key"],
            None,
            request.headers.get("if-match"),
            request.query.get("concurrency", ""),
        )
        await self._state.delete(request.names["store"], [item])
        return Answer(204)

    async def bulk(self, request: Request) -> Answer:
        """Write a value that is not JSON (one saved over gRPC) as base64, as Go writes bytes."""
        body = _json(request.body, "failed deserializing HTTP body: ")
        keys = body.get("keys") if isinstance(body, dict) else None
        if keys is None:
            keys = []
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise malformed("failed deserializing HTTP body: keys must be a list of strings")
        found = self._state.get_all(request.names["store"], keys)
        # Missing ones come last, as from daprd.
        rows = sorted(zip(keys, found, strict=True), key=lambda row: row[1] is None)
        return Answer(200, b"[" + b",".join(_bulk_row(key, entry) for key, entry in rows) + b"]")

    async def transaction(self, request: Request) -> Answer:
        body = _json(request.body, "failed deserializing HTTP body: ")
        operations = body.get("operations") if isinstance(body, dict) else None
        if not isinstance(operations or [], list):
            raise malformed("failed deserializing HTTP body: operations must be a list")
        common = body.get("metadata") if isinstance(body, dict) else None
        items = [_operation(operation, common) for operation in operations or []]
        await self._state.transact(request.names["store"], items)
        return Answer(204)

    async def query(self, request: Request) -> Answer:
        raise no_query()


def _operation(operation: Any, common: Any) -> Item:
    if not isinstance(operation, dict):
        raise malformed("failed deserializing HTTP body: an operation must be an object")
    kind = operation.get("operation")
    if kind not in ("upsert", "delete"):
        raise not_supported(str(kind or ""))
    query = {f"{_METADATA}{key}": str(value) for key, value in (common if isinstance(common, dict) else {}).items()}
    return _item(operation.get("request"), query, delete=kind == "delete")


def _item(item: Any, query: Mapping[str, str], *, delete: bool = False) -> Item:
    if not isinstance(item, dict):
        raise malformed("json: a state item must be an object")
    key, etag, options = item.get("key"), item.get("etag"), item.get("options")
    if not isinstance(key, str) or not key:
        raise malformed('"key" is a required field')
    own = item.get("metadata")
    metadata = {name[len(_METADATA) :]: value for name, value in query.items() if name.startswith(_METADATA)}
    metadata |= {name: str(value) for name, value in (own if isinstance(own, dict) else {}).items()}
    concurrency = options.get("concurrency") if isinstance(options, dict) else None
    return Item(
        key,
        None if delete else _bytes(item.get("value")),
        etag if isinstance(etag, str) else None,
        concurrency if isinstance(concurrency, str) else "",
        metadata,
    )


def _bytes(value: Any) -> bytes:
    """Write JSON. Lone surrogates, which UTF-8 cannot hold, stay escapes. Raises StateTrouble: it is too deep."""
    try:
        try:
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return json.dumps(value, separators=(",", ":")).encode()
    except RecursionError as error:
        raise malformed("json: the value is nested too deeply") from error


def _bulk_row(key: str, entry: Entry | None) -> bytes:
    head = b'{"key":' + _bytes(key)
    if entry is None:
        return head + b"}"
    try:
        json.loads(entry.value)
        data = entry.value
    except (ValueError, RecursionError):
        from base64 import b64encode

        data = b'"' + b64encode(entry.value) + b'"'
    return head + b',"data":' + data + b',"etag":' + _bytes(entry.etag) + b"}"


def _json(body: bytes, prefix: str = "") -> Any:
    try:
        return json.loads(body)
    except RecursionError as error:
        raise malformed(f"{prefix}the body is nested too deeply") from error
    except ValueError as error:
        first = body[:1].decode("latin-1")
        raise malformed(f"{prefix}invalid character '{first}' looking for beginning of value") from error
