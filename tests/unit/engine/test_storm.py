"""Random programs on a disturbed engine: evictions, restarts, failing transactions, other processes.

WFCTL_STORM=500 runs so many storms instead of a few, WFCTL_STORM_FROM chooses the first seed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from engine_programs import Storm
from engine_rig import Rig

FIRST = int(os.environ.get("WFCTL_STORM_FROM", "0"))
STORMS = int(os.environ.get("WFCTL_STORM", "12"))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + STORMS))
def test_what_was_acknowledged_comes_to_its_right_end(seed: int, tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    try:
        storm = Storm(rig, seed)
        storm.rage(80)
        storm.calm()
    finally:
        rig.close()
