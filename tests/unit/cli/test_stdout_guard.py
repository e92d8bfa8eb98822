"""What an app prints while others write."""

from __future__ import annotations

import io
import threading

from wfctl.cli.stdout_guard import WholeLines
from wfctl.render.console import Console


def test_lines_of_several_threads_stay_whole() -> None:
    stream = io.StringIO()
    lines = WholeLines(stream)

    def prints(name: str) -> None:
        for number in range(200):
            print(name, number, file=lines)

    threads = [threading.Thread(target=prints, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(stream.getvalue().splitlines()) == sorted(f"{name} {n}" for name in "abcd" for n in range(200))


def test_a_part_of_a_line_waits_for_its_end_or_a_flush() -> None:
    stream = io.StringIO()
    lines = WholeLines(stream)
    print(".", end="", file=lines)
    assert stream.getvalue() == ""
    print(".", end="", file=lines, flush=True)
    print("done\nand", end="", file=lines)
    assert stream.getvalue() == "..done\n"
    lines.flush()
    assert stream.getvalue() == "..done\nand"
    assert not lines.isatty()


class Gone(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_reader_that_has_gone_fails_nothing() -> None:
    lines = WholeLines(Gone())
    print("done", file=lines, flush=True)
    Console(io.StringIO(), Gone()).note("done")
