"""Screens as they were looked at and found right: tests/golden/screens."""

from __future__ import annotations

import os
from pathlib import Path

SCREENS = Path(__file__).parents[1] / "golden" / "screens"


def check_golden(name: str, text: str) -> None:
    """`GOLDEN=write pytest ...` writes it anew; look at it before you commit it."""
    file = SCREENS / name
    if os.environ.get("GOLDEN") == "write":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    assert text == file.read_text("utf-8"), f"{name} looks different"
