"""An operator's hour, as in tests/cli/test_operators_hour.py, in the UI alone and in small."""

from __future__ import annotations

import importlib.util
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import Cli
from ui_screen import shown, type_text, until, until_shows

Run = Callable[..., None]
ORDERS, DECLINED, UNREACHABLE, HANGING = 300, 12, 5, 3


def shop_app() -> str:
    spec = importlib.util.spec_from_file_location("hour", Path(__file__).parents[1] / "test_operators_hour.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    app: str = module.APP
    return app


def test_an_hour(ui: Run, cli: Cli, app: Path) -> None:
    (app / "app.py").write_text(shop_app())
    items = ["dear"] * DECLINED + ["remote"] * UNREACHABLE
    items = items + ["plain"] * (ORDERS - len(items) - HANGING) + ["slow"] * HANGING
    lines = [
        json.dumps({"id": f"order-{number:05}", "input": {"id": number, "item": item}})
        for number, item in enumerate(items)
    ]
    assert cli("start", "Checkout", "--each", "-", "-q", stdin="\n".join(lines[:-HANGING])).status == 0
    assert cli("start", "Checkout", "--each", "-", "--no-drive", stdin="\n".join(lines[-HANGING:])).status == 0
    good = ORDERS - DECLINED - UNREACHABLE - HANGING

    async def play(pilot: Any) -> None:
        # What is wrong? Some failed, and three are not running.
        await until_shows(pilot, f"{good} COMPLETED", f"{DECLINED + UNREACHABLE} FAILED", "not running")
        await pilot.press("2")
        screen = await until_shows(pilot, "ChargeCard", "Reserve", "CardDeclined")
        assert screen.index("ChargeCard") < screen.index("Reserve"), "the largest group comes first"

        # Why? The example of the group tells, with the line of code.
        await pilot.press("enter")
        await until_shows(pilot, f"{DECLINED} instances", but="Reserve:")
        await pilot.press("enter")
        await until_shows(pilot, "1 Overview", "ChargeCard (activity)", "raise CardDeclined")
        await pilot.press("backspace")

        # The bank is back: all that match run again from the charge, and no card is charged twice.
        (app / "bank-is-back").touch()
        await pilot.press("asterisk", "r")
        await until_shows(pilot, "Rerun them from which step?")
        await pilot.press("enter")
        await until_shows(pilot, f"Rerun {DECLINED} Checkout from the step that failed on embedded")
        await pilot.press("y")
        await until_shows(pilot, f"started {DECLINED} reruns")
        await pilot.press("escape", "escape")
        await until_shows(pilot, f"{good + DECLINED} COMPLETED")

        # The warehouse, by the group.
        (app / "warehouse-is-back").touch()
        await pilot.press("2")
        await until_shows(pilot, "Reserve", "ConnectionError")
        grid = pilot.app.board.live.grid
        await until(pilot, lambda: len(grid.rows) == 2, "both groups")
        grid.go([one.step for one in grid.rows].index("Reserve"))
        await pilot.press("r")
        await until_shows(pilot, f"Rerun {UNREACHABLE} ")
        await pilot.press("y")
        await until_shows(pilot, f"started {UNREACHABLE} reruns")
        await pilot.press("escape", "1")
        await until_shows(pilot, f"{good + DECLINED + UNREACHABLE} COMPLETED")

        # The carrier: what nobody executes is executed by a key.
        (app / "carrier-is-back").touch()
        await pilot.press("E")
        await until_shows(pilot, f"{ORDERS} COMPLETED", but="not running")

        # The evening: what is done goes, once its number is typed.
        await pilot.press("asterisk", "d")
        total = ORDERS + DECLINED + UNREACHABLE
        await until_shows(pilot, f"Purge {total} Checkout on embedded", f"Type {total} to go on")
        await type_text(pilot, str(total))
        await pilot.press("enter")
        await until_shows(pilot, f"{total} purged")
        await pilot.press("escape")
        await until_shows(pilot, "0 instances", "no instances")
        assert "trying again" not in shown(pilot)

    ui(play, size=(110, 30))
    charged = Counter((app / "charged").read_text().split())
    assert len(charged) == ORDERS
    assert set(charged.values()) == {1}, "no card is charged twice"
