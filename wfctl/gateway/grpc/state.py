"""The state API over gRPC: values are bytes, kept as they come."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from google.protobuf.empty_pb2 import Empty

from wfctl.engine.store.app_state import Entry
from wfctl.engine.store.values import from_micros
from wfctl.gateway.state_service import EXPIRES, Item, StateService, no_query, not_supported
from wfctl.wire import times
from wfctl.wire.protos import runtime_pb2 as pb

_CONCURRENCY = {0: "", 1: "first-write", 2: "last-write"}


class StateCalls:
    def __init__(self, state: StateService) -> None:
        self._state = state

    def methods(self) -> dict[str, Callable[[Any], Awaitable[Any]]]:
        return {
            "GetState": self.get,
            "GetBulkState": self.bulk,
            "SaveState": self.save,
            "QueryStateAlpha1": self.query,
            "DeleteState": self.delete,
            "DeleteBulkState": self.delete_bulk,
            "ExecuteStateTransaction": self.transact,
        }

    async def get(self, request: pb.GetStateRequest) -> pb.GetStateResponse:
        found = self._state.get(request.store_name, request.key)
        if found is None:
            return pb.GetStateResponse()
        return pb.GetStateResponse(data=found.value, etag=found.etag, metadata=_metadata(found))

    async def bulk(self, request: pb.GetBulkStateRequest) -> pb.GetBulkStateResponse:
        response = pb.GetBulkStateResponse()
        found = self._state.get_all(request.store_name, request.keys)
        # Missing ones come last, as from daprd.
        for key, entry in sorted(zip(request.keys, found, strict=True), key=lambda row: row[1] is None):
            item = response.items.add(key=key)
            if entry is not None:
                item.data, item.etag = entry.value, entry.etag
                item.metadata.update(_metadata(entry))
        return response

    async def save(self, request: pb.SaveStateRequest) -> Empty:
        await self._state.save(request.store_name, [_item(item) for item in request.states])
        return Empty()

    async def query(self, request: pb.QueryStateRequest) -> pb.QueryStateResponse:
        raise no_query()

    async def delete(self, request: pb.DeleteStateRequest) -> Empty:
        etag = request.etag.value if request.HasField("etag") else None
        concurrency = _CONCURRENCY.get(int(request.options.concurrency), "")
        await self._state.delete(request.store_name, [Item(request.key, None, etag, concurrency)])
        return Empty()

    async def delete_bulk(self, request: pb.DeleteBulkStateRequest) -> Empty:
        if request.states:
            await self._state.delete(request.store_name, [_item(item, delete=True) for item in request.states])
        return Empty()

    async def transact(self, request: pb.ExecuteStateTransactionRequest) -> Empty:
        items: list[Item] = []
        for operation in request.operations:
            if operation.operation_type not in ("upsert", "delete"):
                raise not_supported(operation.operation_type)
            items.append(_item(operation.request, delete=operation.operation_type == "delete"))
        await self._state.transact(request.store_name, items)
        return Empty()


def _item(item: pb.StateItem, *, delete: bool = False) -> Item:
    return Item(
        item.key,
        None if delete else item.value,
        item.etag.value if item.HasField("etag") else None,
        _CONCURRENCY.get(int(item.options.concurrency), ""),
        dict(item.metadata),
    )


def _metadata(entry: Entry) -> dict[str, str]:
    if entry.expires_at is None:
        return {}
    return {EXPIRES: times.to_text(from_micros(entry.expires_at))}
