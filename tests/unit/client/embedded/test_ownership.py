"""What a command does beside the owner of the store."""

from __future__ import annotations

from pathlib import Path

from wfctl.client.embedded.workflows import open_embedded
from wfctl.engine.owner_lock import OwnerLock
from wfctl.engine.store import database
from wfctl.model.instance import StartRequest


def test_a_start_beside_an_owner_that_has_just_taken_the_store(tmp_path: Path) -> None:
    """The owner has the lock and has not recorded its workflows yet: the start is left to it, unchecked."""
    store = tmp_path / "store.db"
    lock = OwnerLock(store)
    workflows = open_embedded(store, None, None, True, note=lambda line: None)
    database.open_store(store).close()
    assert lock.take()
    try:
        assert workflows.start(StartRequest("Echo", "e1")) == "e1"
    finally:
        lock.release()
        workflows.close()
