"""What `wfctl serve` answers to `wfctl workers`; not Dapr's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wfctl.model.workers import AppWorkers, Held, Queued, Worker
from wfctl.wire import times
from wfctl.wire.http_bodies import ODD, BadBody, maybe_word, read_json


def write_workers(apps: Sequence[AppWorkers]) -> dict[str, Any]:
    return {
        "apps": [
            {
                "appID": app.app_id,
                "workers": None if app.workers is None else [_write_worker(one) for one in app.workers],
                "backlog": [
                    {"kind": one.kind, "name": one.name, "count": one.count, "since": times.maybe_text(one.since)}
                    for one in app.backlog or ()
                ],
            }
            for app in apps
        ]
    }


def _write_worker(worker: Worker) -> dict[str, Any]:
    return {
        "name": worker.name,
        "address": worker.address,
        "since": times.maybe_text(worker.since),
        "workflows": worker.workflows,
        "activities": worker.activities,
        "holds": [
            {"kind": one.kind, "name": one.name, "instanceID": one.instance_id, "since": times.to_text(one.since)}
            for one in worker.holds
        ],
    }


def read_workers(body: bytes) -> list[AppWorkers]:
    """Read what `write_workers` writes. Raises BadBody."""
    try:
        return [_app(one) for one in read_json(body)["apps"]]
    except ODD as error:
        raise BadBody("not the workers of a wfctl serve") from error


def _app(one: Mapping[str, Any]) -> AppWorkers:
    workers = None if one["workers"] is None else tuple(_worker(each) for each in one["workers"])
    backlog = tuple(
        Queued(str(q["kind"]), maybe_word(q["name"]), int(q["count"]), times.maybe_time(q["since"]))
        for q in one["backlog"]
    )
    return AppWorkers(maybe_word(one["appID"]), None if workers is None else len(workers), workers, backlog)


def _worker(one: Mapping[str, Any]) -> Worker:
    return Worker(
        str(one["name"]),
        maybe_word(one["address"]),
        since=times.maybe_time(one["since"]),
        workflows=int(one["workflows"]),
        activities=int(one["activities"]),
        holds=tuple(
            Held(str(h["kind"]), str(h["name"]), str(h["instanceID"]), times.from_text(str(h["since"])))
            for h in one["holds"]
        ),
    )
