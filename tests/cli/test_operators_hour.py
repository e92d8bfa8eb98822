"""An operator's hour: 5,000 orders, of which 37 failed for two reasons and 3 hang, through the commands alone.

On a server there are 150 (500 in full size), and on a real Dapr (WFCTL_DAPR_BIN, see tests/live) 200: they list IDs
alone, so that each look asks for every instance, and 5,000 take minutes.
"""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import Cli
from limits import until
from live_dapr import programs, running, sdk_python
from serve_process import served
from sizes import size

from wfctl.render.text import cells

ORDERS = {"embedded": 5_000, "serve": size(150, 500), "dapr": 200}
DECLINED, UNREACHABLE, HANGING = 30, 7, 3
DAPR = programs()
PYTHON = None if DAPR is None else sdk_python()  # both read before the tests' environment is emptied

APP = """
import os, time
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()
HERE = os.path.dirname(os.path.abspath(__file__))

class CardDeclined(Exception):
    pass

def exists(name):
    return os.path.exists(os.path.join(HERE, name))

@wfr.activity(name="Reserve")
def reserve(ctx, order):
    if order["item"] == "remote" and not exists("warehouse-is-back"):
        raise ConnectionError(f"warehouse 10.0.0.{order['id'] % 9}:5432 does not answer")
    while order["item"] == "slow" and not exists("carrier-is-back"):
        time.sleep(0.05)

@wfr.activity(name="ChargeCard")
def charge(ctx, order):
    if order["item"] == "dear" and not exists("bank-is-back"):
        raise CardDeclined(f"card of order {order['id']} was declined")
    with open(os.path.join(HERE, "charged"), "a") as log:
        log.write(f"{order['id']}\\n")

@wfr.workflow(name="Checkout")
def checkout(ctx, order):
    yield ctx.call_activity(reserve, input=order)
    yield ctx.call_activity(charge, input=order)
    return order["id"]

if __name__ == "__main__":
    wfr.start()
    while True:
        time.sleep(60)
"""


def items(count: int) -> list[str]:
    """Return what each order is about: the bad ones lie among the good ones, the slow ones at the end."""
    bad = ["dear"] * DECLINED + ["remote"] * UNREACHABLE
    apart = count // 50
    found = [bad[at // apart] if at % apart == 0 and at // apart < len(bad) else "plain" for at in range(count)]
    return found[:-HANGING] + ["slow"] * HANGING


@pytest.fixture(params=[*ORDERS])
def shop(request: pytest.FixtureRequest, app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project whose target is the embedded engine, a server, or a real sidecar."""
    (app / "app.py").write_text(APP)
    if request.param == "serve":
        pytest.importorskip("uvicorn")
        pytest.importorskip("grpc")
        with served(app, app="app.py") as server:
            monkeypatch.setenv("WFCTL_TARGET", server.endpoints["httpEndpoint"])
            monkeypatch.setenv("WFCTL_GRPC_ENDPOINT", server.endpoints["grpcEndpoint"])
            yield app
            (app / "carrier-is-back").touch()
    elif request.param == "dapr":
        if DAPR is None or PYTHON is None:
            pytest.skip("no real Dapr here: set WFCTL_DAPR_BIN to the folder of placement, scheduler and daprd")
        with running(tmp_path, DAPR) as dapr:
            sidecar = dapr.sidecar("shop")
            dapr.run_worker(sidecar, [PYTHON, str(app / "app.py")])
            monkeypatch.setenv("WFCTL_TARGET", sidecar.http)
            monkeypatch.setenv("WFCTL_GRPC_ENDPOINT", sidecar.grpc)
            yield app
    else:
        yield app


def by_status(cli: Cli, *filters: str) -> dict[str, int]:
    return {row["runtimeStatus"]: row["count"] for row in cli("count", *filters, "-o", "json").json}


def screen(cli: Cli, monkeypatch: pytest.MonkeyPatch, *argv: str) -> None:
    """Look at what a command shows at two widths: a line is too long only if it is a command, to be copied."""
    for columns in (80, 120):
        monkeypatch.setenv("COLUMNS", str(columns))
        shown = cli(*argv, "--color", "never", tty=True).out
        assert shown
        long = [line for line in shown.splitlines() if cells(line) > columns and "wfctl " not in line]
        assert not long, long


def test_an_hour(cli: Cli, shop: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    target = request.node.callspec.params["shop"]
    embedded, total = target == "embedded", ORDERS[target]
    lines = [
        json.dumps({"id": f"order-{number:05}", "input": {"id": number, "item": item}})
        for number, item in enumerate(items(total))
    ]
    orders, hanging = lines[:-HANGING], lines[-HANGING:]

    # The orders of the day. Three hang: their process has gone, or an activity of theirs does not return.
    started = cli("start", "Checkout", "--each", "-", "-o", "jsonl", stdin="\n".join(orders))
    assert started.status == 0, started.err
    assert len(started.out.splitlines()) == len(orders)
    more = ["--no-drive"] if embedded else []
    assert cli("start", "Checkout", "--each", "-", *more, stdin="\n".join(hanging)).status == 0
    failed = DECLINED + UNREACHABLE
    until(lambda: by_status(cli).get("COMPLETED") == len(orders) - failed, "the orders are done")
    assert sum(by_status(cli).values()) == total
    assert by_status(cli)["FAILED"] == failed

    # What is wrong?
    until(lambda: len(cli("list", "--stuck", "1s", "-o", "json").json) == HANGING, "the three have not moved for long")
    check = cli("list", "--stuck", "1s", "--fail-if-any", "-o", "id")
    assert check.status == 9
    assert sorted(check.out.split()) == [json.loads(one)["id"] for one in hanging]
    assert cli("failures", "--fail-if-any").status == 9
    groups: list[dict[str, Any]] = cli("failures", "-o", "json").json
    assert [(one["count"], one["workflowName"], one["step"]) for one in groups] == [
        (DECLINED, "Checkout", "ChargeCard"),
        (UNREACHABLE, "Checkout", "Reserve"),
    ]
    assert "CardDeclined" in groups[0]["errorType"]
    assert groups[0]["errorMessage"].startswith("card of order <")

    # Why?
    example = groups[0]["exampleInstanceID"]
    one = cli("get", example, "-o", "json").json
    assert one["failedStep"]["name"] == "ChargeCard"
    cause = one["failure"]
    while cause.get("innerFailure"):
        cause = cause["innerFailure"]
    assert "CardDeclined" in cause["errorType"]
    shown = cli("get", example, "--color", "never", tty=True).out
    assert "raise CardDeclined" in shown, "the user's own line"
    for argv in (
        ["list"], ["list", "--status", "FAILED"], ["list", "--stuck", "1s"], ["failures"], ["get", example],
        ["steps", example], ["history", example], ["count"], ["count", "--by", "step,error", "--status", "FAILED"],
    ):  # fmt: skip
        screen(cli, monkeypatch, *argv)

    # The bank is back: its orders run again from the charge, and however often that is said, no card is charged twice.
    (shop / "bank-is-back").touch()
    _, *command = shlex.split(groups[0]["rerun"])
    planned = cli(*command, "--dry-run", "-o", "jsonl")
    assert len(planned.out.splitlines()) == DECLINED
    for expected in ("done", None):
        rerun = cli(*command, "--yes", "-o", "jsonl")
        assert rerun.status == 0, rerun.err
        outcomes = Counter(json.loads(line)["outcome"] for line in rerun.out.splitlines())
        assert outcomes["done"] == (DECLINED if expected else 0), rerun.err
    assert cli("wait", f"{example}-rerun-1", "--timeout", "120s").status == 0
    good = len(orders) - failed
    until(lambda: by_status(cli).get("COMPLETED") == good + DECLINED, "the reruns are done")
    assert cli("get", example, "-o", "json").json["rerunAs"] == [f"{example}-rerun-1"]

    # So is the warehouse.
    (shop / "warehouse-is-back").touch()
    _, *command = shlex.split(groups[1]["rerun"])
    assert cli(*command, "--yes").status == 0
    until(lambda: by_status(cli).get("COMPLETED") == good + failed, "the reruns are done")

    # And the carrier.
    (shop / "carrier-is-back").touch()
    if embedded:
        assert cli("run").status == 0
    until(lambda: by_status(cli).get("COMPLETED") == good + failed + HANGING, "the three are done")
    assert cli("list", "--stuck", "1s", "--fail-if-any").status == 0
    charged = Counter((shop / "charged").read_text().split())
    assert len(charged) == total
    assert set(charged.values()) == {1}, "no card is charged twice"

    # The evening: what is done goes.
    assert cli("purge", "--status", "COMPLETED,FAILED", "--max", "10000", "--yes", "-q").status == 0
    assert cli("list", "-o", "json").json == []
