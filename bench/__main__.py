"""`python -m bench [NAME...] [--rounds N]`: one JSON line for each benchmark.

Absolute figures are of this machine and this minute. Each line carries the SQLite commit rate of the same run, or the
cost of the thing that it is compared with, measured in turns with it. `python -m bench peers` is `bench.peers`: wfctl
beside others.
"""

from __future__ import annotations

import argparse
import json
import sys

from bench import batches, engine, go_worker, million, serve, startup, ui, waiters, watch

BENCHMARKS = {
    "chains": engine.chains,
    "steps": engine.steps,
    "latency": engine.latency,
    "fanout": engine.fan_out,
    "startup": startup.startup,
    "serve": serve.serve,
    "serve-go": go_worker.serve_go,
    "serve-memory": go_worker.serve_memory,
    "batches": batches.batches,
    "waiters": waiters.waiters,
    "million": million.million,
    "watch": watch.watch,
    "ui": ui.ui,
}


def main() -> None:
    if sys.argv[1:2] == ["peers"]:
        from bench.peers import __main__ as peers

        peers.main(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all if none is given")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured; the median is shown")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}")
    for name in arguments.names or BENCHMARKS:
        for line in BENCHMARKS[name](arguments.rounds):
            sys.stdout.write(json.dumps({"bench": name, **line}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
