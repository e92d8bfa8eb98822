"""`./dev bench peers`: wfctl and its peers in turns, several rounds, medians.

Prints one JSON line for each measurement. `--record` also writes docs/performance.json, from which
`python docs/make_performance.py` makes the page; for the page, measure everything on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

from bench.engine import commit_rate, scratch
from bench.peers.all_peers import GROUPS
from bench.peers.frame import ROOT, Group, Peer, Workload

RECORD = ROOT / "docs" / "performance.json"
Measured = dict[str, Any]


def main(words: Sequence[str]) -> None:
    arguments = _parse(words)
    record = _record(arguments.rounds)
    for group in GROUPS:
        workloads = [each for each in group.workloads if not arguments.workload or each.name in arguments.workload]
        peers = [peer for peer in group.peers if not arguments.only or peer.name in arguments.only]
        if peers and workloads:
            record["groups"].append(_measured(group, workloads, peers, arguments.rounds))
    if arguments.record:
        text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
        RECORD.write_text(text, encoding="utf-8", newline="\n")
    figures = [figure for group in record["groups"] for figure in group["figures"].values()]
    if any(None in rounds for figure in figures for rounds in figure.values()):
        sys.exit("something failed: see above")


def _parse(words: Sequence[str]) -> argparse.Namespace:
    peers = {peer.name: None for group in GROUPS for peer in group.peers}
    workloads = {workload.name: None for group in GROUPS for workload in group.workloads}
    parser = argparse.ArgumentParser(
        prog="bench peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (3)")
    parser.add_argument("--only", action="append", choices=[*peers], metavar="PEER", help=f"of {', '.join(peers)}")
    parser.add_argument(
        "--workload", action="append", choices=[*workloads], metavar="NAME", help=f"of {', '.join(workloads)}"
    )
    parser.add_argument("--record", action="store_true", help=f"write {RECORD.relative_to(ROOT)}")
    arguments = parser.parse_args(words)
    if arguments.record and (arguments.only or arguments.workload):
        parser.error("a record has all peers and workloads of one run")
    return arguments


def _record(rounds: int) -> Measured:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "machine": {
            "cores": os.cpu_count(),
            "memory_gib": round(memory / 2**30),
            "system": f"{platform.system()} {platform.machine()}",
        },
        "rounds": rounds,
        "groups": [],
    }


def _measured(group: Group, workloads: Sequence[Workload], peers: Sequence[Peer], rounds: int) -> Measured:
    """Return what the page says of a group: its peers, who was left out, and the figures of all rounds."""
    found: Measured = {
        "name": group.name,
        "title": group.title,
        "about": group.about,
        "against_disk": group.against_disk,
        "peers": [],
        "skipped": [],
        "workloads": [asdict(workload) for workload in workloads],
        "figures": {figure.name: {} for workload in workloads for figure in workload.figures},
        "commits": {workload.name: {} for workload in workloads},
    }
    ready = []
    for peer in peers:
        reason = peer.prepare()
        if reason is None:
            ready.append(peer)
            about = {"name": peer.name, "title": peer.title, "version": peer.version(), "durability": peer.durability}
            found["peers"].append(about)
        else:
            found["skipped"].append({"title": peer.title, "reason": reason})
            _say({"peer": peer.name, "skipped": reason})
    for number in range(rounds):
        for workload in workloads:
            for line in _round(workload, _turned(ready, number), found):
                _say({"round": number + 1, "workload": workload.name, **line})
    return found


def _turned(peers: Sequence[Peer], by: int) -> Sequence[Peer]:
    """In each round another one is first."""
    by %= max(1, len(peers))
    return [*peers[by:], *peers[:by]]


def _round(workload: Workload, peers: Sequence[Peer], found: Measured) -> Iterator[Measured]:
    """Measure each peer once, and right before it what the disk does."""
    for peer in peers:
        if workload.name in peer.workloads:
            with scratch() as folder:
                rate = commit_rate(folder)
            figures = _figures(peer, workload)
            found["commits"][workload.name].setdefault(peer.name, []).append(rate)
            for figure in workload.figures:
                found["figures"][figure.name].setdefault(peer.name, []).append(figures.get(figure.name))
            yield {"peer": peer.name, **figures, "sqlite_full_commits_per_s": rate}


def _figures(peer: Peer, workload: Workload) -> Measured:
    """Measure, and round to what means something. A peer that fails has the word `failed` and why."""
    with scratch() as folder:
        try:
            measured = peer.workloads[workload.name](folder)
        except Exception:  # whatever a peer does, the others are measured
            return {"failed": traceback.format_exc()}
    return {figure.name: float(f"{measured[figure.name]:.4g}") for figure in workload.figures}


def _say(line: Measured) -> None:
    sys.stdout.write(json.dumps({"bench": "peers", **line}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
