"""`wfctl`, and `python -m wfctl`."""

from __future__ import annotations

import os
import sys

from wfctl import __version__


def run() -> None:
    try:
        sys.exit(_run(sys.argv[1:]))
    except KeyboardInterrupt:  # while the command was being loaded; for everything later `main` has words
        sys.stderr.write("wfctl: interrupted\n")
        sys.exit(130)


def _run(argv: list[str]) -> int:
    _fill_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    if argv in (["--version"], ["-V"]) and _said(f"wfctl {__version__}\n"):
        return 0
    _end_in_order()
    from wfctl.cli.main import main

    return main(argv)


def _end_in_order() -> None:
    """Let go of the store when told to end (`kill`, `timeout`, a terminal that is closed), not only on Ctrl-C."""
    import signal

    process = os.getpid()

    def end(number: int, frame: object) -> None:
        if os.getpid() == process:
            raise SystemExit(128 + number)
        signal.signal(number, signal.SIG_DFL)  # a process that the app has forked
        os.kill(os.getpid(), number)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores SIGHUP
            signal.signal(number, end)


def _fill_streams() -> None:
    """Open the null device for each stream that the caller has closed (`wfctl list >&-`), where Python has None.

    No file that is opened later gets the number of a standard stream.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115


def _said(text: str) -> bool:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:  # `main` comes to it again, and has words for it
        return False
    return True


if __name__ == "__main__":
    run()
