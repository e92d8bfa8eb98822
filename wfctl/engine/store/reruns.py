"""Statements on `reruns`: which instances were made by rerunning which.

A rerun comes after its original, and keys only grow: the reruns that were made after an instance are those of its
family with a greater key. No clock has a say in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from wfctl.engine.store import many
from wfctl.engine.store.database import Connection

Lineage = tuple[str | None, tuple[str, ...]]  # the original's ID, and the IDs of the reruns made since


def later(db: Connection, key: int) -> list[str]:
    """Return the IDs of the reruns of this instance's family that were made after it, in their order."""
    sql = "SELECT id FROM reruns WHERE family = ? AND key > ? ORDER BY key"
    return [one for (one,) in db.execute(sql, (_family(db, key)[0], key))]


def record(db: Connection, key: int, instance_id: str, source_key: int, source_id: str) -> None:
    """Record that the instance `key` is a rerun of `source_key`."""
    family, original = _family(db, source_key)
    db.execute(
        "INSERT INTO reruns (key, id, family, original) VALUES (?, ?, ?, ?)",
        (key, instance_id, family, original or source_id),
    )


def used(db: Connection, source_key: int, instance_id: str) -> bool:
    """Return True if a rerun of this family had that ID, whether or not it is still there."""
    sql = "SELECT 1 FROM reruns WHERE family = ? AND id = ? LIMIT 1"
    return db.execute(sql, (_family(db, source_key)[0], instance_id)).fetchone() is not None


def lineages(db: Connection, keys: Sequence[int]) -> dict[int, Lineage]:
    """Return the lineage of each of these instances that has one."""
    if not keys or not _any(db):
        return {}
    originals: dict[int, str] = {}
    family_of = {key: key for key in keys}
    for key, family, original in many.rows(db, "SELECT key, family, original FROM reruns WHERE key IN", keys):
        family_of[key], originals[key] = family, original
    members: dict[int, list[tuple[int, str]]] = {}
    families = list(dict.fromkeys(family_of.values()))
    for family, key, instance_id in many.rows(db, "SELECT family, key, id FROM reruns WHERE family IN", families):
        members.setdefault(family, []).append((key, instance_id))
    found: dict[int, Lineage] = {}
    for key, family in family_of.items():
        since = tuple(one for other, one in sorted(members.get(family, ())) if other > key)
        if since or key in originals:
            found[key] = (originals.get(key), since)
    return found


def forget(db: Connection, keys: Collection[int], coming: Iterable[int] = ()) -> None:
    """Drop, after these instances were deleted, the families of which nobody is left, or still `coming`."""
    if not keys or not _any(db):
        return
    families = {
        family
        for of_these in ("family IN", "key IN")
        for (family,) in many.rows(db, f"SELECT DISTINCT family FROM reruns WHERE {of_these}", list(keys))
    }
    if not families:
        return
    families.difference_update(_family(db, key)[0] for key in coming)
    left = """
        DELETE FROM reruns WHERE family = :family
            AND NOT EXISTS (SELECT 1 FROM instances WHERE key = :family)
            AND NOT EXISTS (
                SELECT 1 FROM reruns AS r JOIN instances USING (key) WHERE r.family = :family
            )
    """
    db.executemany(left, [{"family": family} for family in families])


def stand_in(db: Connection) -> None:
    """Let a reader of an older schema find that there are none."""
    db.execute("CREATE TEMP TABLE reruns (key INTEGER PRIMARY KEY, id TEXT, family INTEGER, original TEXT)")


def _family(db: Connection, key: int) -> tuple[int, str | None]:
    """Return the key of the original, and its ID unless this is the original itself."""
    found = db.execute("SELECT family, original FROM reruns WHERE key = ?", (key,)).fetchone()
    return (key, None) if found is None else found


def _any(db: Connection) -> bool:
    """Return False for a store without reruns."""
    return db.execute("SELECT 1 FROM reruns LIMIT 1").fetchone() is not None
