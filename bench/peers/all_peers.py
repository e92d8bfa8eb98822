"""Whom wfctl is measured beside, and with what."""

from __future__ import annotations

from bench.peers import dbos
from bench.peers.embedded import Embedded
from bench.peers.frame import Figure, Group, Workload
from bench.peers.restate import Restate
from bench.peers.servers import DurableTaskGo, RealDapr, WfctlServe

ENGINES = Group(
    "engines",
    "Workflows in Python",
    "Each as its documents say for one machine: wfctl's embedded engine and DBOS as libraries in the process that runs "
    "the workflows, Restate as a server with the Python SDK in a process of its own.",
    (
        Workload(
            "chains",
            "1,000 workflows of 5 steps, one after the other, all started at once; 100 before that warm it up",
            (Figure("chains", "1,000 chains of 5 steps at once", "chains/s", more_is_better=True),),
        ),
        Workload(
            "steps_1000",
            "one workflow of 1,000 steps, one after the other",
            (Figure("steps_1000", "one workflow, 1,000 steps in a row", "s", of=1000),),
        ),
        Workload(
            "steps_5000",
            "the same with 5,000: the cost of a step should not grow",
            (Figure("steps_5000", "one workflow, 5,000 steps in a row", "s", of=5000),),
        ),
        Workload(
            "latency",
            "200 workflows of one step, each started when the one before has ended; medians",
            (
                Figure("start_returns", "a start returns, p50", "ms"),
                Figure("start_to_result", "from start to result, one step, p50", "ms"),
            ),
        ),
        Workload(
            "activities",
            "one workflow that starts 1,000 steps and then waits for all",
            (Figure("activities", "1,000 steps at once", "s", of=1000),),
        ),
        Workload(
            "children",
            "one workflow that starts 1,000 child workflows, which return their input, and then waits for all",
            (Figure("children", "1,000 child workflows at once", "s", of=1000),),
        ),
        Workload(
            "recovery",
            "1,000 chains of 5 are started, no step of them ends, and what runs them is killed with `kill -9`, "
            "Restate's server too, PostgreSQL not; from the start of the new processes until all have ended",
            (Figure("recovery", "`kill -9` with 1,000 unfinished, until all are done", "s", of=1000),),
        ),
    ),
    (Embedded(), Restate(), *dbos.PEERS),
    against_disk=True,
)

SERVERS = Group(
    "servers",
    "Servers behind a worker",
    "Whoever writes workflows with one of Dapr's SDKs needs a sidecar, and any of these is one: the same unmodified "
    "programs run against each. CPU and memory are those of the server alone, of daprd with the placement and "
    "scheduler services that it needs.",
    (
        Workload(
            "python_worker",
            "the worker is one of the official Python SDK, which is what limits the quicker servers; 300 workflows of "
            "5 activities, 100 in flight, and then 100 one at a time",
            (
                Figure(
                    "python_chains", "Python worker: chains of 5 steps, 100 in flight", "chains/s", more_is_better=True
                ),
                Figure("python_alone", "Python worker: from start to result, one at a time, p50", "ms"),
            ),
            "with a Python worker",
        ),
        Workload(
            "go_worker",
            "a program of the official Go SDK is the worker, starts 1,000 workflows of 5 activities, 100 in flight, "
            "and then 100 one at a time",
            (
                Figure("go_chains", "Go worker: chains of 5 steps, 100 in flight", "chains/s", more_is_better=True),
                Figure("go_alone", "Go worker: from start to result, one at a time, p50", "ms"),
                Figure("go_cpu_together", "Go worker: CPU of the server a chain, 100 in flight", "ms"),
                Figure("go_cpu_alone", "Go worker: CPU of the server a chain, one at a time", "ms"),
                Figure("go_memory", "Go worker: memory of the server after 1,200 chains", "MiB"),
            ),
            "with a Go worker",
        ),
    ),
    (
        WfctlServe(),
        DurableTaskGo(
            "durabletask-go",
            "durabletask-go",
            "A start, a turn and the result of an activity are a transaction each, which SQLite as it comes writes to "
            "the disk (rollback journal, `synchronous=FULL`).",
        ),
        DurableTaskGo(
            "durabletask-go-wal",
            "durabletask-go, WAL",
            "The same with `_pragma=journal_mode(wal)` in the name of its file: SQLite's quicker journal (still FULL).",
            "?_pragma=journal_mode(wal)",
        ),
        RealDapr(),
    ),
)

GROUPS = (ENGINES, SERVERS)
