"""Draw the pictures of docs/ui.md from real runs: `python docs/make_ui_pictures.py [FOLDER]`.

The instances of a small shop run in a folder of their own, on the embedded engine and on `wfctl serve`; each picture is
what `wfctl ui --screenshot` writes of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wfctl.cli.main import main

FOLDER = Path(__file__).parent / "images"
SHOP = """\
from datetime import timedelta
from pathlib import Path
from time import sleep

import dapr.ext.workflow as wf

shop = wf.WorkflowRuntime()


@shop.workflow(name="Checkout")
def checkout(ctx, order):
    yield ctx.call_activity(reserve, input=order)
    if order["total"] > 500:
        yield ctx.wait_for_external_event("approval", timeout=timedelta(days=2))
    yield ctx.call_activity(charge, input=order)
    yield ctx.call_activity(ship, input=order)


@shop.activity(name="Reserve")
def reserve(ctx, order):
    if order["item"] == "lamp":
        raise ConnectionError("stock service: HTTP 503")


@shop.activity(name="Charge")
def charge(ctx, order):
    if order["card"] > 9:
        raise ValueError(f"card {order['card']} declined")


@shop.activity(name="Ship")
def ship(ctx, order):
    while order["item"] == "piano" and not Path("carried").exists():
        sleep(0.05)
"""
ORDERS = [("chair", 90, 1), ("piano", 900, 1), ("lamp", 40, 1), ("table", 700, 1), ("vase", 30, 17), ("rug", 80, 1),
          ("sofa", 650, 1), ("clock", 45, 23), ("lamp", 60, 1), ("bench", 120, 1), ("mirror", 70, 31)]  # fmt: skip
SERVED = [("piano", 90, 1), ("desk", 80, 1), ("piano", 70, 1)]
SECONDS = 60.0  # until something that is waited for must have come
SIZE = ("--size", "100x20")
# File, and what comes behind `wfctl ui --screenshot`.
EMBEDDED = {
    "ui-instances.svg": (),
    "ui-instance.svg": ("--instance", "order-5", "--press", "2"),
    "ui-failures.svg": ("--tab", "failures"),
    "ui-events.svg": ("--tab", "events"),
    "ui-raise.svg": ("--tab", "events", "--press", "e"),
}
ON_SERVE = {"ui-workers.svg": ("--tab", "workers")}


def wfctl(*argv: str) -> None:
    status = main([*argv])
    if status:
        raise SystemExit(f"wfctl {' '.join(argv)}: exit status {status}")


def lines(orders: list[tuple[str, int, int]]) -> str:
    made = [
        {"id": f"order-{number}", "input": {"item": item, "total": total, "card": card}}
        for number, (item, total, card) in enumerate(orders, start=1)
    ]
    return "".join(json.dumps(one) + "\n" for one in made)


@contextmanager
def in_a_shop() -> Iterator[None]:
    """Work in a new folder with the shop, without the settings of whoever runs this."""
    before, kept = Path.cwd(), dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        for name in [name for name in os.environ if name.startswith(("WFCTL_", "DAPR_", "NO_COLOR"))]:
            del os.environ[name]
        os.environ.update(XDG_CONFIG_HOME=folder, HOME=folder, TEXTUAL_ANIMATIONS="none")
        os.chdir(folder)
        try:
            Path("shop.py").write_text(SHOP, encoding="utf-8")
            Path("orders.jsonl").write_text(lines(ORDERS), encoding="utf-8")
            Path("wfctl.toml").write_text('target = "embedded"\napp = "shop.py"\nstore = "shop.db"\n', encoding="utf-8")
            yield
        finally:
            os.chdir(before)
            os.environ.clear()
            os.environ.update(kept)


@contextmanager
def served() -> Iterator[str]:
    """Serve the shop. Yields the address, once there is work in its hands."""
    ready = Path("ready.json")
    words = ["serve", "--store", "served.db", "--http-port", "0", "--grpc-port", "0", "--ready-file", str(ready)]
    process = subprocess.Popen([sys.executable, "-m", "wfctl", *words], stderr=subprocess.DEVNULL)
    try:
        until(lambda: ready.exists() and bool(ready.read_text(encoding="utf-8")))
        address = json.loads(ready.read_text(encoding="utf-8"))["httpEndpoint"]
        for number, order in enumerate(SERVED, start=1):
            payload = json.dumps(dict(zip(("item", "total", "card"), order, strict=True)))
            wfctl("start", "Checkout", "--id", f"order-{number}", "--input", payload, "--target", address)
        wfctl("start", "Refund", "--id", "refund-1", "--target", address)  # the shop has no such workflow
        until(lambda: both_hold(address))
        yield address
    finally:
        Path("carried").touch()
        process.terminate()
        process.wait(SECONDS)


def both_hold(address: str) -> bool:
    """Return True once the two pianos are being carried, and the refund waits for a worker."""
    words = ["workers", "-o", "json", "--target", address]
    told = subprocess.run([sys.executable, "-m", "wfctl", *words], stdout=subprocess.PIPE, check=True)
    (app,) = json.loads(told.stdout)
    return app["workers"][0]["activities"] == 2 and len(app["backlog"]) == 1


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not holds():
        if time.monotonic() > end:
            raise SystemExit("what is to be drawn did not come about")
        time.sleep(0.05)


def draw(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with in_a_shop():
        wfctl("start", "Checkout", "--each", "orders.jsonl", "--quiet")
        wfctl("run", "--quiet")
        wfctl("raise-event", "order-4", "aproval", "--quiet")
        for file, words in EMBEDDED.items():
            wfctl("ui", "--screenshot", str(folder / file), *SIZE, *words, "--quiet")
        with served() as address:
            for file, words in ON_SERVE.items():
                wfctl("ui", "--screenshot", str(folder / file), *SIZE, *words, "--quiet", "--target", address)


if __name__ == "__main__":
    draw(Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else FOLDER)
