from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from wfctl.model.failure import FailedStep, Failure
from wfctl.model.instance import Instance
from wfctl.model.status import Status
from wfctl.model.trace import own_place
from wfctl.render.drawing import drawn, page
from wfctl.render.views.failure import cause_line, failure_lines, failure_rows, source_around

NOW = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
SOURCE = "import this\n\n\ndef charge(ctx, order):\n    raise CardDeclined('card declined')\n\n\nlast = 1\n"
PYDANTIC = "2 validation errors for Order\nname\n  Field required\nquantity\n  Input should be an integer"


def trace(path: Path, line: int = 5, code: str = "raise CardDeclined('card declined')") -> str:
    return f'  File "{path}", line {line}, in charge\n    {code}\n'


def failed(message: str = "card declined", stack: str | None = None) -> Instance:
    workflow = '  File "/srv/orders.py", line 20, in Checkout\n    yield ctx.call_activity(charge)\n'
    cause = Failure("CardDeclined", message, stack)
    failure = Failure("TaskFailedError", f"o1: Activity task #3 failed: {message}", workflow, inner=cause)
    step = FailedStep("activity", "ChargeCard", 1, 3, 5, NOW - timedelta(minutes=4), "o1:0001")
    return Instance("o1", "Checkout", Status.FAILED, failure=failure, failed_step=step)


def screen(one: Instance, width: int = 80, wide: bool = False) -> str:
    return drawn(page(failure_rows(one, wide, NOW)), color=False, width=width)


def test_the_cause_comes_first_with_its_source(tmp_path: Path) -> None:
    path = tmp_path / "orders.py"
    path.write_text(SOURCE)
    shown = screen(failed(stack=trace(path)))
    assert shown.startswith(
        "Failed at    ChargeCard (activity, attempt 3 of 5), 2026-03-01T11:56:00Z (4m\n"
        "             ago), in child o1:0001\n"
        "Error        CardDeclined: card declined\n"
    )
    assert "             > 5      raise CardDeclined('card declined')\n" in shown
    assert "               4  def charge(ctx, order):\n" in shown
    assert shown.endswith("In workflow  orders.py:20 in Checkout: yield ctx.call_activity(charge)\n")


def test_a_file_that_changed_meanwhile_is_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "orders.py"
    path.write_text(SOURCE.replace("card declined", "another"))
    shown = screen(failed(stack=trace(path)))
    assert "another" not in shown
    assert "raise CardDeclined('card declined')" in shown


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX")
def test_what_a_trace_names_may_be_anything(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "none.py", Path("relative.py")):
        place = own_place(trace(path))
        assert place is not None
        assert source_around(place) is None


def test_lines_of_an_error_stay_lines_on_a_page_and_fold_in_a_list() -> None:
    one = failed(PYDANTIC)
    shown = screen(one)
    assert "Error        CardDeclined: 2 validation errors for Order\n             name\n               Field" in shown
    assert one.failure is not None
    assert cause_line(one.failure, one.failed_step).startswith("ChargeCard: 2 validation errors for Order name Field")


def test_long_words_wrap_under_their_column() -> None:
    shown = screen(failed("no money left on the card of this customer, whose bank said so twice today"), 60)
    assert all(line.startswith(" " * 13) for line in shown.split("Error")[1].split("In workflow")[0].splitlines()[1:])
    assert all(len(line) <= 60 for line in shown.splitlines())


def test_the_lines_on_stderr() -> None:
    assert list(failure_lines(failed(stack=trace(Path("/srv/pay.py"))))) == [
        "ChargeCard: CardDeclined: card declined (attempt 3 of 5), in child o1:0001",
        "pay.py:5 in charge: raise CardDeclined('card declined')",
        "orders.py:20 in Checkout: yield ctx.call_activity(charge)",
    ]


def test_it_does_nothing_to_the_terminal() -> None:
    one = failed("red \x1b[31m", "\x1b[2J at /x (y:1)")
    assert "\x1b" not in screen(one) + "".join(failure_lines(one))
    assert one.failure is not None
    assert "\x1b" not in cause_line(one.failure, one.failed_step)
