"""`steps --timeline`, as lines and as a picture; `tree`; and the screens of all tables that people read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from golden import check_golden
from harness import Cli

from wfctl.model import events as ev
from wfctl.model.events import NO_ID, Event, Failure, Origin
from wfctl.model.instance import Instance, Waiting
from wfctl.model.status import Status
from wfctl.render import plain
from wfctl.render.drawing import drawn, tables
from wfctl.render.printer import View
from wfctl.render.text import cells
from wfctl.render.views.instances import Rows, instance_view
from wfctl.render.views.time_axis import Scale, Stretch
from wfctl.render.views.timeline import Timeline, timeline_of, timeline_view
from wfctl.render.views.timeline_svg import timeline_svg
from wfctl.render.views.tree import tree_view, walk

T0 = datetime(2026, 1, 31, 9, tzinfo=timezone.utc)
BUSY = Failure("ValueError", "the card reader is busy")
WIDTHS = (40, 80, 160)


def shown_at(view: View[Any], values: Iterable[Any], room: int | None) -> list[str]:
    """The lines that a terminal of this width shows; None: those that a pipe gets."""
    columns = [column for column in view.columns if not column.wide]
    if room is None:
        return list(plain.table(columns, values))
    return [
        line for part in tables(columns, values, room) for line in drawn(part, color=False, width=room).splitlines()
    ]


def timeline_lines(found: Timeline, room: int | None) -> list[str]:
    return shown_at(timeline_view(found, room), found.bars, room)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


ORDER = Instance("order-1", "OrderProcessingWorkflow", Status.RUNNING, T0, at(9), at(0))
HISTORY: list[Event] = [
    ev.WorkflowStarted(NO_ID, at(0)),
    ev.ExecutionStarted(NO_ID, at(0), "OrderProcessingWorkflow", None, "order-1", "x"),
    ev.TaskScheduled(0, at(0), "ReserveStock", task_execution_id="a"),
    ev.TaskCompleted(NO_ID, at(1), 0, task_execution_id="a"),
    ev.TaskScheduled(1, at(1), "ChargeCard", task_execution_id="b", max_attempts=5),
    ev.TaskFailed(NO_ID, at(2), 1, BUSY, task_execution_id="b"),
    ev.TimerCreated(2, at(2), at(3), origin=Origin.ACTIVITY_RETRY, subject="b"),
    ev.TimerFired(NO_ID, at(3), 2, at(3)),
    ev.TaskScheduled(3, at(3), "ChargeCard", task_execution_id="b", max_attempts=5),
    ev.TaskCompleted(NO_ID, at(4), 3, task_execution_id="b"),
    ev.ChildWorkflowInstanceCreated(4, at(4), "order-1:0004", "Delivery"),
    ev.TaskScheduled(5, at(4), "发送邮件通知", task_execution_id="c"),
    ev.TaskCompleted(NO_ID, at(6), 5, task_execution_id="c"),
    ev.EventRaised(NO_ID, at(7), "note"),
    ev.ChildWorkflowInstanceCompleted(NO_ID, at(8), 4),
    ev.TimerCreated(6, at(8), at(90000), origin=Origin.EXTERNAL_EVENT, subject="approval"),
]
CHILD: list[Event] = [
    ev.WorkflowStarted(NO_ID, at(4)),
    ev.TaskScheduled(0, at(4), "Pack", task_execution_id="d"),
    ev.TaskCompleted(NO_ID, at(5), 0, task_execution_id="d"),
    ev.TimerCreated(1, at(5), at(8), name="courier"),
    ev.TimerFired(NO_ID, at(8), 1, at(8)),
    ev.ExecutionCompleted(2, at(8), Status.COMPLETED),
]


def child_history(instance_id: str) -> Sequence[Event]:
    return CHILD if instance_id == "order-1:0004" else ()


def timeline(now: datetime, children: bool = True) -> Timeline:
    return timeline_of(ORDER, HISTORY, now, child_history if children else None)


@pytest.mark.parametrize("room", [*WIDTHS, None])
def test_screens_of_a_timeline(room: int | None) -> None:
    shown = timeline_lines(timeline(at(12)), room)
    assert room is None or all(cells(line) <= room for line in shown)
    check_golden(f"timeline-{room or 'piped'}.txt", "\n".join(shown) + "\n")


def test_a_long_wait_is_folded() -> None:
    shown = timeline_lines(timeline(at(7200)), 80)
    check_golden("timeline-folded.txt", "\n".join(shown) + "\n")
    assert timeline(at(7200)).scale().folded
    assert not timeline(at(12)).scale().folded


def test_an_empty_timeline_is_a_header() -> None:
    assert len(timeline_lines(timeline_of(ORDER, [], at(1)), 80)) == 1


def test_scale_goes_on_and_never_back() -> None:
    scale = Scale(at(0), at(1000), [Stretch(at(0), at(1), True), Stretch(at(1), at(1000), False)])
    places = [scale.at(at(second / 10)) for second in range(-10, 10100, 7)]
    assert places == sorted(places)
    assert (places[0], places[-1]) == (0.0, 1.0)
    assert scale.at(at(1)) == pytest.approx(0.5)
    assert Scale(at(0), at(0), []).at(at(0)) == 0.0
    assert Scale(at(0), at(10), [Stretch(at(-5), at(20), True)]).at(at(5)) == pytest.approx(0.5)


def test_the_picture_needs_nothing_else() -> None:
    text = timeline_svg(timeline(at(7200)))
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"url\(|href|<script|<image|<foreignObject|@import", text)
    assert "prefers-color-scheme:dark" in text
    words = "".join(root.itertext())
    for name in ("ReserveStock", "ChargeCard", "发送邮件通知", "approval", "courier", "WAITING", "×2"):
        assert name in words
    check_golden("timeline.svg", text)


def test_the_picture_takes_hostile_names() -> None:
    evil = "</text><script>alert(1)</script>\x1b[2J\x00&\ud800"
    history = [*HISTORY[:2], ev.TaskScheduled(0, at(0), evil, task_execution_id="a")]
    one = replace(ORDER, id=evil, name=evil)
    text = timeline_svg(timeline_of(one, history, at(3)))
    root = ElementTree.fromstring(text.encode("utf-8"))
    assert not root.findall(".//{http://www.w3.org/2000/svg}script")
    assert "\x1b" not in text


def test_timeline_record(cli: Cli, app: Path) -> None:
    cli("start", "Parent", "--id", "top")
    record = cli("steps", "top", "--timeline", "--children", "-o", "json").json
    assert list(record) == [
        "instanceID",
        "workflowName",
        "runtimeStatus",
        "beganAt",
        "completedAt",
        "durationMs",
        "steps",
    ]
    assert [(step["depth"], step["kind"], step["status"]) for step in record["steps"]] == [
        (0, "child", "RUNNING"),
        (1, "event", "WAITING"),
    ]
    plain = cli("steps", "top", "-o", "json").json
    assert list(record["steps"][0]) == ["instanceID", "depth", "startMs", *plain[0]]
    assert record["steps"][1]["instanceID"] == record["steps"][0]["childInstanceID"]
    assert len(cli("steps", "top", "--timeline", "-o", "json").json["steps"]) == 1
    assert len(cli("steps", "top", "--timeline", "-o", "jsonl").out.splitlines()) == 1
    assert "WAITING" in cli("steps", "top", "--timeline", "--children").out
    assert cli("steps", "top", "--timeline", "-o", "id").status == 2
    assert cli("steps", "top", "--children").status == 2
    assert cli("steps", "nosuch", "--timeline").status == 3


def test_picture_in_a_file(cli: Cli, app: Path) -> None:
    cli("start", "Echo", "--id", "done")
    written = cli("steps", "done", "--svg", "done.svg")
    assert written.out == ""
    assert written.err == "wrote done.svg\n"
    assert ElementTree.fromstring((app / "done.svg").read_text("utf-8")) is not None
    assert cli("steps", "done", "--svg", "-").out.startswith("<svg ")
    assert cli("steps", "done", "--svg", "nosuch/done.svg").status == 2
    assert "--svg is empty" in cli("steps", "done", "--svg", "").err
    assert "TRIES" not in cli("steps", "done", "--timeline", "--svg", "both.svg").out
    assert (app / "both.svg").exists()


# --- tree -----------------------------------------------------------------------------------------------------------


def test_tree(cli: Cli, app: Path) -> None:
    cli("start", "Parent", "--id", "top")
    shown = cli("tree", "top").out.splitlines()
    assert shown[1].startswith("top ")
    assert shown[2].startswith("└── top:")
    record = cli("tree", "top", "-o", "json").json
    assert record["instanceID"] == "top"
    assert [child["workflowName"] for child in record["children"]] == ["Approval"]
    assert record["children"][0]["children"] == []
    plain = cli("get", "top", "-o", "json").json
    assert list(record) == [*plain, "children"]
    flat = [json.loads(line) for line in cli("tree", "top", "-o", "jsonl").out.splitlines()]
    assert [(one["depth"], one["workflowName"]) for one in flat] == [(0, "Parent"), (1, "Approval")]
    assert list(flat[0]) == ["depth", *plain]
    assert cli("tree", "top", "-o", "id").out.split() == ["top", flat[1]["instanceID"]]
    assert "it is a child of top" in cli("tree", flat[1]["instanceID"]).err
    assert cli("tree", "nosuch").status == 3
    assert cli("tree", "top", "--depth", "x").status == 2


def test_screen_of_a_tree() -> None:
    names = {"a": ["b", "c"], "b": ["d", "e"], "e": ["f"]}
    made = {name: replace(ORDER, id=f"order-{name}") for name in "abcdef"}

    def children(of: Instance) -> list[Instance]:
        return [made[name] for name in names.get(of.id[-1], [])]

    nodes = list(walk(made["a"], children))
    shown = shown_at(tree_view(at(60)), nodes, 80)
    check_golden("tree.txt", "\n".join(shown) + "\n")
    assert [node.instance.id[-1] for node in walk(made["a"], children, 1)] == ["a", "b", "c"]


# --- the list -------------------------------------------------------------------------------------------------------

FOUND = [
    replace(ORDER, id="订单-一二三", waiting_for=(Waiting("event", "approval", since=at(10)),)),
    replace(ORDER, status=Status.COMPLETED, completed_at=at(63)),
    replace(
        ORDER,
        id="0c2d5a5c-67a3-4e0c-8d8b-0f6f7e0f9b11",
        status=Status.FAILED,
        completed_at=at(2),
        failure=Failure("ValueError", "there is no such article in the warehouse, and there never was one"),
    ),
    replace(ORDER, id="stalled", status=Status.STALLED, stall="VERSION_NOT_AVAILABLE: version 2"),
]


@pytest.mark.parametrize("room", WIDTHS)
def test_screens_of_a_list(room: int) -> None:
    shown = shown_at(instance_view(at(3600)), FOUND, room)
    assert all(cells(line) <= room for line in shown)
    assert all(any(status in line for status in Status.__members__) for line in shown[1:]), "no status is cut"
    check_golden(f"list-{room}.txt", "\n".join(shown) + "\n")


def test_columns_of_a_live_table_never_become_narrower() -> None:
    rows = Rows()
    first = drawn(rows.table(FOUND, at(3600), 120), color=False, width=120).splitlines()
    then = drawn(rows.table(FOUND[1:2], at(3600), 120), color=False, width=120).splitlines()
    assert first[0] == then[0], "the same header, though the long ID is gone"
    alone = drawn(Rows().table(FOUND[1:2], at(3600), 120), color=False, width=120).splitlines()
    assert alone[0] != first[0]


def test_a_tree_at_a_terminal_is_what_a_pipe_gets() -> None:
    """Rich draws it; the branches and the columns beside them are the same."""
    names = {"a": ["b", "c"], "b": ["d", "e"], "e": ["f"]}
    made = {name: replace(ORDER, id=f"order-{name}") for name in "abcdef"}
    nodes = list(walk(made["a"], lambda of: [made[name] for name in names.get(of.id[-1], [])]))
    view = tree_view(at(60))
    assert view.picture is not None
    assert drawn(view.picture(nodes, 80), color=False, width=80).splitlines() == shown_at(view, nodes, None)
    for room in (40, 30):
        narrow = drawn(view.picture(nodes, room), color=False, width=room).splitlines()
        assert len(narrow) == len(nodes) + 1, "a line for each, however narrow"
        assert all(cells(line) <= room for line in narrow)
