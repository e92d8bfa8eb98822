"""`wfctl`, and `python -m wfctl`."""

from __future__ import annotations

import sys

from wfctl import __version__


def run() -> None:
    argv = sys.argv[1:]
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    if argv in (["--version"], ["-V"]):
        sys.stdout.write(f"wfctl {__version__}\n")
        return
    from wfctl.cli.main import main

    sys.exit(main(argv))


if __name__ == "__main__":
    run()
