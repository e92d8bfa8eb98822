"""Write the completion scripts: `python completions/make.py`. They are Typer's own, for the program `wfctl`.

The scripts call `wfctl` itself for every answer, so they stay the same when commands change.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
SHELLS = {"bash": "wfctl.bash", "zsh": "wfctl.zsh", "fish": "wfctl.fish", "powershell": "wfctl.ps1"}


def script(shell: str) -> str:
    """What Typer gives for this shell."""
    environ = {**os.environ, "_WFCTL_COMPLETE": f"source_{shell}"}
    found = subprocess.run([sys.executable, "-m", "wfctl"], env=environ, capture_output=True, text=True, check=True)
    return found.stdout.strip() + "\n"


def main() -> None:
    for shell, name in SHELLS.items():
        (FOLDER / name).write_text(script(shell), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
