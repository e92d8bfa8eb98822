"""Draw docs/images/wfctl.svg from a real run: `python docs/make_picture.py [FILE]`.

The commands run one after the other on a pseudo-terminal, in a folder of their own. Rich turns the bytes that they
wrote, colours and all, into an SVG.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from wfctl.render.terminal_svg import svg_of

FILE = Path(__file__).parent / "images" / "wfctl.svg"
WIDTH = 104
ORDER = '{"name":"Paperclips","quantity":10,"totalCost":99.95}'
SETUP = ("wfctl init",)
KILLED = f"wfctl start OrderProcessingWorkflow --id 12345678 --input '{ORDER}'"
COMMANDS = (
    "wfctl get 12345678",
    "wfctl run",
    "wfctl steps 12345678 --timeline",
)
# The bank of the sample answers at once. This one takes its time, so that the order can be killed while it is paid.
AT_ONCE, SLOWLY = '    print(f"Charged ', '    __import__("time").sleep(2)\n    print(f"Charged '
PAYING = b"ProcessPayment"  # what the progress line shows then


def run(command: str, folder: Path, kill: bool = False) -> str:
    """Run a command at a terminal. Returns its stdout and stderr as they came.

    `kill`: kill it with SIGKILL while the order is paid.
    """
    import pty
    import struct
    import termios
    from fcntl import ioctl

    program, *words = shlex.split(command)
    assert program == "wfctl"
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, WIDTH, 0, 0))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WFCTL_", "DAPR_", "NO_COLOR"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "wfctl", *words],
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**kept, "TERM": "xterm-256color", "COLUMNS": str(WIDTH), "LINES": "40"},
    )
    os.close(theirs)
    parts = []
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux says so when the last writer has gone
            break
        if not part:
            break
        parts.append(part)
        if kill and PAYING in b"".join(parts):
            process.kill()
    os.close(ours)
    if process.wait() != (-9 if kill else 0):
        raise SystemExit(f"{command}: exit status {process.returncode}\n{b''.join(parts).decode()}")
    text = b"".join(parts).decode().replace("\r\n", "\n")
    return _ERASED.sub("", text)


# A progress line that was erased again.
_ERASED = re.compile(r"[^\n]*\n?(?:\x1b\[\?25h)?\r(?:\x1b\[1A)?\x1b\[2K")


def picture() -> str:
    console = Console(width=WIDTH, record=True, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    with tempfile.TemporaryDirectory() as name, console.file:
        folder = Path(name)
        for command in SETUP:
            run(command, folder)
        app = folder / "orders.py"
        app.write_text(app.read_text(encoding="utf-8").replace(AT_ONCE, SLOWLY), encoding="utf-8")
        show(console, f"{KILLED} &", run(KILLED, folder, kill=True))
        show(console, "kill -9 $!", "")
        for command in COMMANDS:
            show(console, command, run(command, folder))
    return svg_of(console, "wfctl")


def show(console: Console, command: str, written: str) -> None:
    console.print(Text(f"$ {command}", style="bold"), soft_wrap=False)
    if written.strip():
        console.print(Text.from_ansi(written.rstrip()), soft_wrap=True)
    console.print()


if __name__ == "__main__":
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(picture(), encoding="utf-8", newline="\n")
