"""`wfctl replay`: one history in the app's code, with what that prints, and with a debugger."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from environments import make
from harness import Cli

from wfctl.bundle import BundleWriter, Exported, Header
from wfctl.engine.store import reads
from wfctl.engine.store.reading import open_reader

APP = """
import logging
from datetime import timedelta
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()
policy = wf.RetryPolicy(first_retry_interval=timedelta(milliseconds=1), max_number_of_attempts=2)

@wfr.workflow(name="Order")
def order(ctx, paid):
    total = yield ctx.call_activity("Price", input=paid)
    print("the total is", total, ctx.is_replaying)
    logging.getLogger("shop").info("still here")
    try:
        yield ctx.call_activity("Charge", input=total, retry_policy=policy)
    except wf.TaskFailedError:
        pass
    event = yield ctx.wait_for_external_event("sent")
    return [total, event]

@wfr.activity(name="Price")
def price(ctx, value):
    return 12

@wfr.activity(name="Charge")
def charge(ctx, value):
    raise ValueError("card declined")
"""


@pytest.fixture
def orders(project: Path, cli: Cli) -> Path:
    (project / "app.py").write_text(APP)
    (project / "wfctl.toml").write_text('target = "embedded"\napp = "app.py"\nstore = "store.db"\n')
    cli("start", "Order", "--id", "one", "--input", "3")
    cli("raise-event", "one", "sent", "--data", '"today"')
    assert cli("wait", "one").status == 0
    return project


def line_of(part: str) -> int:
    return next(number for number, line in enumerate(APP.splitlines(), 1) if part in line)


def test_steps_and_prints_as_they_go(cli: Cli, orders: Path) -> None:
    result = cli("replay", "one")
    assert result.status == 0
    charge = line_of('"Charge", input')
    assert [line.strip() for line in result.out.splitlines()] == [
        f"1  activity Price  app.py:{line_of('Price')}",
        "1  <- 12",
        "the total is 12 True",
        f"2  activity Charge  app.py:{charge}",
        "2  <- failed: ValueError: card declined",
        f"3  timer of a retry  app.py:{charge}",
        "3  <- fired",
        "4  <- failed: ValueError: card declined",
        f"5  wait for sent  app.py:{line_of('wait_for')}",
        '<- event sent "today"',
    ]
    assert result.err.splitlines()[-1] == "the code fits: 3 steps replayed"


def test_until_a_step(cli: Cli, orders: Path) -> None:
    for step in ("Charge", "2"):
        result = cli("replay", "one", "--until", step)
        assert (result.status, "replayed 2 steps" in result.err) == (0, True)
        assert "activity Charge" in result.out.splitlines()[-1]
    result = cli("replay", "one", "--until", "Chargee")
    assert (result.status, "it asks for: Price, Charge, sent" in result.err) == (2, True)


def test_code_that_differs(cli: Cli, orders: Path) -> None:
    (orders / "new.py").write_text(APP.replace('ctx.call_activity("Charge"', 'ctx.call_activity("Take"'))
    result = cli("replay", "one", "--app", "new.py")
    assert result.status == 9
    line = line_of('"Charge", input')
    assert f"the code asks for activity 'Take', new.py:{line}" in result.err
    result = cli("replay", "one", "--app", "new.py", "-o", "json")
    assert (result.status, result.json["step"], "the total is" in result.out) == (9, 2, False)
    (orders / "other.py").write_text(APP.replace('name="Order"', 'name="Purchase"'))
    result = cli("replay", "one", "--app", "other.py")
    assert (result.status, "workflow 'Order' is not registered" in result.err) == (9, True)


def test_bundles(cli: Cli, orders: Path) -> None:
    cli("start", "Order", "--id", "two", "--input", "3")
    db = open_reader(orders / "store.db")
    found = [(reads.get(db, one, payloads=True, driven=True), reads.history(db, one)) for one in ("one", "two")]
    db.close()
    for name, count in (("single.jsonl", 1), ("both.jsonl", 2)):
        stream = io.BytesIO()
        writer = BundleWriter(stream.write)
        writer.begin(Header("wfctl", datetime.now(timezone.utc), "embedded"))
        for instance, history in found[:count]:
            assert instance is not None
            assert history is not None
            writer.add(Exported(instance, tuple(history)))
        writer.end()
        (orders / name).write_bytes(stream.getvalue())
    assert "the code fits: 3 steps replayed" in cli("replay", "single.jsonl", "--store", "gone.db").err
    result = cli("replay", "both.jsonl")
    assert (result.status, "wfctl replay both.jsonl:ID" in result.err) == (2, True)
    assert cli("replay", "both.jsonl:two").status == 0
    assert cli("replay", "both.jsonl:nosuch").status == 3
    (orders / "one").write_text("a file that is named as an instance")
    assert cli("replay", "one").status == 0


def test_what_does_not_go_together(cli: Cli, orders: Path) -> None:
    assert "--pdb needs a terminal" in cli("replay", "one", "--pdb").err
    assert cli("replay", "one", "--step", "Charge").status == 2
    assert cli("replay", "nosuch").status == 3


def test_an_app_in_an_environment_of_its_own(
    cli: Cli, orders: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    python = make(tmp_path / "env")
    result = cli("replay", "one", "--python", str(python))
    assert (result.status, len(result.out.splitlines())) == (0, 9)
    assert capfd.readouterr().out == "the total is 12 True\n"


if sys.platform != "win32":
    from pty_screen import Terminal

    Start = Callable[..., Terminal]

    @pytest.fixture
    def terminal(orders: Path) -> Iterator[Start]:
        started: list[Terminal] = []

        def start(*words: str) -> Terminal:
            started.append(Terminal(*words, columns=100, rows=60))
            return started[-1]

        yield start
        for one in started:
            one.close()

    def say(terminal: Terminal, line: str, shows: str) -> None:
        terminal.press(line + "\n")
        terminal.until(lambda: shows in terminal.screen.text and terminal.screen.text.endswith("(Pdb)"), shows)

    @pytest.mark.parametrize("separate", [False, True])
    def test_the_debugger_at_a_step(terminal: Start, tmp_path: Path, separate: bool) -> None:
        more = ["--python", str(make(tmp_path / "env"))] if separate else []
        debugger = terminal("replay", "one", "--pdb", "--step", "Charge", *more)
        debugger.until_shows("(Pdb)")
        assert f"app.py({line_of('Charge')})order()" in debugger.screen.text
        assert "the total is 12 True" in debugger.screen.text
        assert "INFO shop: still here" in debugger.screen.text
        say(debugger, "p total + 1, ctx.is_replaying", "(13, True)")
        say(debugger, "n", "TaskFailedError: one: Activity task #4 failed")
        say(debugger, "w", "-> yield ctx.call_activity")
        debugger.press("c\n")
        assert debugger.end() == 0, debugger.screen.text
        assert "the code fits" in debugger.screen.text

    def test_the_debugger_from_the_beginning(terminal: Start) -> None:
        debugger = terminal("replay", "one", "--pdb")
        debugger.until_shows("(Pdb)")
        assert f"app.py({line_of('total = yield')})order()" in debugger.screen.text
        say(debugger, "p paid", "3")
        debugger.press("q\n")
        assert debugger.end() == 0, debugger.screen.text
        assert "left the debugger" in debugger.screen.text
