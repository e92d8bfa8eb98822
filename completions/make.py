"""Write the completion scripts from `wfctl/cli/complete/scripts.py`: `python completions/make.py`."""

from __future__ import annotations

from pathlib import Path

from wfctl.cli.complete.scripts import FILE_NAMES, SCRIPTS

FOLDER = Path(__file__).parent


def main() -> None:
    for shell, script in SCRIPTS.items():
        (FOLDER / FILE_NAMES[shell]).write_text(script, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
