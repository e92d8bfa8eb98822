"""wfctl's engine in this process: `embedded_program WORKLOAD FOLDER`. The store is left to be looked at."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

from bench.engine import Driven
from bench.peers.programs.measuring import CHAINS, LENGTH, WARM, WIDTH, latency, say
from wfctl.client.embedded.workflows import open_embedded


class Program:
    def __init__(self, folder: Path) -> None:
        self.driven = Driven(folder)
        self.reader = open_embedded(folder / "store.db", None, None, False, note=lambda line: None)
        self.ended = 0

    def results(self, name: str, value: int, times: int = 1, each: int = 1) -> tuple[float, set[object]]:
        """Start some instances at once. Returns the seconds until all have ended, and what they returned.

        `each`: how many instances each of them is, with its children.
        """
        began = time.perf_counter()
        started = [self.driven.start(name, value) for _ in range(times)]
        ids = [future.result() for future in started]
        self.ended += times * each
        self.driven.drain(self.ended)
        took = time.perf_counter() - began
        return took, {self.output(instance_id) for instance_id in ids}

    def output(self, instance_id: str) -> object:
        return json.loads(self.reader.get(instance_id).output or "null")

    def chains(self) -> dict[str, float]:
        seconds = self.checked("Chain", LENGTH, CHAINS, LENGTH - 1)
        return {"chains": CHAINS / seconds}

    def steps(self, length: int) -> dict[str, float]:
        return {f"steps_{length}": self.checked("Chain", length, 1, length - 1)}

    def checked(self, name: str, value: int, times: int, expected: int, each: int = 1) -> float:
        seconds, outputs = self.results(name, value, times, each)
        assert outputs == {expected}, outputs
        return seconds

    def latency(self) -> dict[str, float]:
        return latency(lambda: self.driven.start("Chain", 1).result(), self._result)

    def _result(self, instance_id: str) -> None:
        self.ended += 1
        self.driven.drain(self.ended)
        assert self.output(instance_id) == 0

    def stuck(self) -> None:
        """Start the chains, none of which goes on, and die as by a loss of power."""
        for future in [self.driven.start("Chain", LENGTH) for _ in range(CHAINS)]:
            future.result()
        os.kill(os.getpid(), signal.SIGKILL)


def main(workload: str, folder: Path) -> None:
    program = Program(folder)
    if workload == "recovery":
        program.stuck()
    program.results("Chain", LENGTH, WARM)
    if workload == "chains":
        figures = program.chains()
    elif workload.startswith("steps_"):
        figures = program.steps(int(workload.removeprefix("steps_")))
    elif workload == "latency":
        figures = program.latency()
    elif workload == "activities":
        figures = {workload: program.checked("FanOut", WIDTH, 1, WIDTH)}
    else:
        figures = {workload: program.checked("Family", WIDTH, 1, WIDTH, WIDTH + 1)}
    program.driven.engine.stop()
    say({**figures, "instances": program.ended})


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
