"""Write what changed in memory into the open transaction: few statements, many rows each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from wfctl.engine.core.folded_state import EventWait
from wfctl.engine.live_instance import LiveInstance
from wfctl.engine.store import causes, clocks, event_waits, history_inbox, instances
from wfctl.engine.store.codec import encode_row
from wfctl.engine.store.database import Connection
from wfctl.engine.store.instances import Row
from wfctl.engine.store.values import maybe_micros, to_micros
from wfctl.engine.transaction import Transaction
from wfctl.model.failure import Cause
from wfctl.model.status import Status


def write(db: Connection, dirty: Sequence[LiveInstance], transaction: Transaction) -> None:
    """Write these instances, which are clean afterwards, and note in `transaction` what was written."""
    inserts: list[Row] = []
    updates: list[Row] = []
    wipes: list[int] = []
    rows: list[tuple[int, int, int, str]] = []
    taken: list[int] = []
    failed: list[tuple[int, Cause]] = []
    ends: list[tuple[int, int]] = []
    stale: list[int] = []
    waits: list[tuple[int, list[EventWait]]] = []
    for live in dirty:
        row = live.row
        if live.timers_changed:
            live.timers_changed = False
            _note_timers(db, live, transaction, stale, waits)
        if live.new:
            live.new = False
            inserts.append(row)
        elif live.changed:
            updates.append(row)
        if live.clock is not None and live.changed and row.completed_at is not None:
            ends.append((row.key, live.clock.real(row.completed_at)))
        live.changed = False
        if live.wipe:
            live.wipe = False
            wipes.append(row.key)
        if live.appended:
            live.seq += 1
            at = to_micros(live.appended[-1].timestamp)
            rows.append((row.key, live.seq, at, encode_row(live.appended, at, row)))
            transaction.history.append((row.key, live.seq, live.appended))
            live.appended = []
        if live.cause is not None:
            failed.append((row.key, live.cause))
            live.cause = None
        if live.taken:
            taken += live.taken
            live.taken = []
    if inserts:
        instances.insert(db, inserts)
    if updates:
        instances.update(db, updates)
    if wipes:
        history_inbox.wipe_history(db, wipes)
    if rows:
        history_inbox.append_history(db, rows)
    if failed:
        causes.put(db, failed)
    if ends:
        clocks.put_real_ends(db, ends)
    if stale:
        event_waits.drop_waits(db, stale)
    if waits:
        event_waits.add_waits(db, waits)
    if taken:
        history_inbox.take_inbox(db, taken)
    transaction.rows += inserts + updates
    transaction.news = transaction.news or bool(inserts or updates)
    transaction.last_inbox = _keep_unconsumed(db, dirty) or transaction.last_inbox


def _keep_unconsumed(db: Connection, dirty: Sequence[LiveInstance]) -> int:
    """Put events that no turn has consumed in this transaction into the inbox. Returns the last seq, 0 if none."""
    last = 0
    for live in dirty:
        for i, (seq, event) in enumerate(live.mailbox):
            if seq is None:
                last = history_inbox.put_inbox(db, live.row.key, event)
                live.mailbox[i] = (last, event)
        live.dirty = False
    return last


def _note_timers(
    db: Connection,
    live: LiveInstance,
    transaction: Transaction,
    stale: list[int],
    changed: list[tuple[int, list[EventWait]]],
) -> None:
    """Bring `wake_at` and the early events into line with the state.

    Adds to `changed` what the instance waits for, if the store is to know, and to `stale` its key if it may know else.
    """
    row = live.row
    wake_at = None if row.status is Status.STALLED else maybe_micros(live.state.wake_at())
    if wake_at is not None and live.clock is not None:
        wake_at = live.clock.real(wake_at)
    if wake_at != row.wake_at:
        row.wake_at = wake_at
        live.changed = transaction.wake_changed = True
    waits, early = live.state.event_waits(), live.state.early_by_name()
    if waits or early or live.waits:
        added = _added_early(live)
        if added is None:
            event_waits.replace_early(db, row.key, live.state.early_events())
        elif added:
            event_waits.add_early(db, row.key, added)
        changed.append((row.key, waits))
        if not live.new:
            stale.append(row.key)
        live.early = {name: (events, len(events)) for name, events in early.items()}
        live.waits = bool(waits or early)
        transaction.news = True


def _added_early(live: LiveInstance) -> list[tuple[str, datetime]] | None:
    """Return the events that came early and are not in the store yet; None if others are to go, or it is not known.

    So thousands that nobody asks for are not written again with each one that follows.
    """
    stored, early = live.early, live.state.early_by_name()
    if stored is None or any(early.get(name) is not events for name, (events, _) in stored.items()):
        return None
    return [one for name, events in early.items() for one in events[stored[name][1] if name in stored else 0 :]]
