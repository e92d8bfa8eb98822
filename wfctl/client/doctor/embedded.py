"""Check an embedded target for `wfctl doctor`: the disk, the store, its owner, the app.

Nothing is created or changed: a missing store, or one that the next write migrates, is reported.
"""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from wfctl.client.doctor.check import Check, Result, failed
from wfctl.engine.owner_lock import is_owned
from wfctl.engine.store import database, history_inbox
from wfctl.engine.store.backup import contents, last_backup
from wfctl.engine.store.reading import NoStore, open_reader, writable
from wfctl.engine.store.values import Unreadable
from wfctl.errors import WfctlError

if TYPE_CHECKING:
    from wfctl.workflow.loading.app import App

# The check reads the whole file, which takes long for a store of a million instances.
INTEGRITY_SECONDS = 20.0
_STEPS = 100_000  # SQLite VM instructions between two looks at the clock
LOW, TOO_LOW = 1024**3, 64 * 1024**2  # bytes free


def check_embedded(
    store: Path,
    app: str | None,
    load: Callable[[], App],
    environment: Callable[[], str | None] = lambda: None,
    others: Callable[[], Mapping[str, App]] = dict,
) -> list[Check]:
    """Run the checks. `load` imports the app, which runs its code.

    `environment` describes the app's Python environment; None if it is wfctl's own. `others` loads the further apps.
    """
    return list(_checks(store, app, load, environment, others))


def _checks(
    store: Path,
    app: str | None,
    load: Callable[[], App],
    environment: Callable[[], str | None],
    others: Callable[[], Mapping[str, App]],
) -> Iterator[Check]:
    yield _python()
    yield _disk(store)
    yield from _store(store)
    yield from _environment(environment)
    own = _app(app, load)
    yield own
    if own.level is not Result.FAIL:
        yield from _others(others)


def _python() -> Check:
    detail = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    if sqlite3.sqlite_version_info < database.MIN_SQLITE:
        return Check("python", Result.FAIL, detail, "use a Python whose SQLite is 3.35 or later")
    return Check("python", Result.OK, detail)


def _disk(store: Path) -> Check:
    folder = _nearest_folder(store)
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Check("disk", Result.FAIL, f"{folder}: {error.strerror}", "name another file with --store")
    detail = f"{_size(free)} free in {folder}"
    if free < TOO_LOW:
        return Check("disk", Result.FAIL, detail, "free some space: a commit that does not fit is refused")
    if free < LOW:
        return Check("disk", Result.WARN, detail, "free some space, or delete old instances: wfctl purge")
    return Check("disk", Result.OK, detail)


def _no_store(store: Path) -> Check:
    folder = _nearest_folder(store)
    if not os.access(folder, os.W_OK | os.X_OK):
        return Check(
            "store", Result.FAIL, f"{store} cannot be created: {folder} is not writable", "name another: --store"
        )
    return Check("store", Result.OK, f"{store} does not exist yet: the first start creates it")


def _store(store: Path) -> Iterator[Check]:
    try:
        db = open_reader(store)
    except NoStore:
        yield _no_store(store)
        return
    except WfctlError as error:
        yield failed("store", error)
        return
    try:
        size = sum(file.stat().st_size for file in _files(store))
        held = contents(db, store)
        schema = f"schema {held.schema}"
        if held.schema < database.SCHEMA_VERSION:
            schema += f" (the next command that writes migrates it to {database.SCHEMA_VERSION} and keeps a copy)"
        detail = f"{store}, {schema}, {_size(size)}: {_number(held.instances, 'instance')}, {held.live} live"
        if writable(store):
            yield Check("store", Result.OK, detail)
        else:
            fix = "check the permissions of the file and its folder"
            yield Check("store", Result.WARN, f"{detail}; it can only be read", fix)
        yield _integrity(db, store)
        yield from _owner(db, store)
        yield _backup(store)
    except (sqlite3.Error, Unreadable) as error:
        yield failed("store", database.explain_any(error, store))
    finally:
        db.close()


def _integrity(db: database.Connection, store: Path) -> Check:
    until = time.monotonic() + INTEGRITY_SECONDS
    db.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    try:
        found = [row[0] for row in db.execute("PRAGMA quick_check(1)")]
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            return Check(
                "integrity", Result.OK, f"no damage found in the first {INTEGRITY_SECONDS:g} s; the check stopped there"
            )
        found = [str(error)]
    except sqlite3.DatabaseError as error:
        found = [str(error)]
    finally:
        db.set_progress_handler(None, 0)
    if found == ["ok"]:
        return Check("integrity", Result.OK, "SQLite finds no damage")
    fix = "restore a backup: wfctl restore FILE, or try sqlite3's .recover on a copy of it"
    return Check("integrity", Result.FAIL, " ".join(str(found[0]).split()), fix)


def _owner(db: database.Connection, store: Path) -> Iterator[Check]:
    lock = store.with_name(store.name + ".lock")
    if lock.exists() and writable(store) and not os.access(lock, os.R_OK | os.W_OK):
        yield Check("lock", Result.FAIL, f"{lock} cannot be opened", "check its permissions: nobody else can drive")
        return
    owned = is_owned(store)
    yield Check("lock", Result.OK, f"{lock} is {'held' if owned else 'free'}")
    row = history_inbox.get_owner(db)
    if owned and row is None:
        yield Check("owner", Result.OK, "another process is just taking or releasing the store")
    elif row is None:
        yield Check("owner", Result.OK, "no process is executing this store now; a command that starts something does")
    else:
        since = datetime.fromtimestamp(row.since / 1_000_000, timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
        who = f"process {row.pid} since {since}" + (f" with {row.app}" if row.app else "")
        if owned:
            yield Check("owner", Result.OK, f"{who}: {_number(len(row.workflows), 'workflow')} registered")
        else:
            yield Check("owner", Result.OK, f"none; the last one ({who}) was killed, the next one continues from there")


def _backup(store: Path) -> Check:
    last = last_backup(store)
    if last is None:
        return Check("backup", Result.OK, "none is known", "make one, also while others write: wfctl backup FILE")
    when = last.at.strftime("%Y-%m-%d %H:%M:%SZ")
    if not last.there:
        return Check("backup", Result.WARN, f"{last.file} of {when} is gone", "make another: wfctl backup FILE")
    return Check("backup", Result.OK, f"{last.file} of {when}")


def _environment(environment: Callable[[], str | None]) -> Iterator[Check]:
    try:
        found = environment()
    except WfctlError as error:
        yield Check("environment", Result.FAIL, error.message, error.hint)
        return
    if found is not None:
        yield Check("environment", Result.OK, found)


def _app(app: str | None, load: Callable[[], App]) -> Check:
    if app is None:
        fix = '--app orders.py, WFCTL_APP, or app = "orders.py" in wfctl.toml'
        return Check("app", Result.WARN, "none is named: instances can be inspected, but not executed from here", fix)
    try:
        registry = load().registry
    except WfctlError as error:
        return Check("app", Result.FAIL, error.message, error.hint or "wfctl workflows shows the whole error")
    workflows, activities = registry.workflow_names(), registry.activity_names()
    detail = f"{app}: {_number(len(workflows), 'workflow')}, {_number(len(activities), 'activity', 'activities')}"
    if not workflows:
        return Check("app", Result.WARN, detail, "register a workflow with @wfr.workflow")
    return Check(
        "app", Result.OK, f"{detail} ({', '.join(sorted(workflows)[:5])}{', ...' if len(workflows) > 5 else ''})"
    )


def _others(load: Callable[[], Mapping[str, App]]) -> Iterator[Check]:
    """Check the further apps; `load` imports them, which runs their code."""
    try:
        loaded = load()
    except WfctlError as error:
        yield Check("apps", Result.FAIL, error.message, error.hint)
        return
    for app_id, app in loaded.items():
        workflows, activities = app.registry.workflow_names(), app.registry.activity_names()
        counts = f"{_number(len(workflows), 'workflow')}, {_number(len(activities), 'activity', 'activities')}"
        yield Check(f"app {app_id}", Result.OK, f"{app.spec}: {counts}")


def _files(store: Path) -> Iterator[Path]:
    for suffix in ("", "-wal"):
        file = store.with_name(store.name + suffix)
        if file.exists():
            yield file


def _nearest_folder(store: Path) -> Path:
    return next((folder for folder in store.absolute().parents if folder.is_dir()), Path("/"))


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def _number(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
