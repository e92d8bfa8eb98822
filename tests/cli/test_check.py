"""`wfctl check`: histories of a store and of bundles, held against other code."""

from __future__ import annotations

import hashlib
import io
import json
import re
from datetime import datetime, timezone
from pathlib import Path

import pytest
from environments import make
from harness import Cli

from wfctl.bundle import BundleWriter, Exported, Header
from wfctl.engine.store import reads
from wfctl.engine.store.reading import open_reader

OLD = """
from datetime import timedelta
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="Order")
def order(ctx, paid):
    yield ctx.call_activity("Reserve", input=1)
    yield ctx.call_activity("Charge", input=2)
    if paid != "now":
        yield ctx.wait_for_external_event("paid")
    return "sent"

@wfr.workflow(name="Parent")
def parent(ctx, _):
    yield ctx.call_activity("Reserve", input=1)
    return (yield ctx.call_child_workflow(
        "Child", input="now", instance_id="the-child", propagation=wf.PropagationScope.OWN_HISTORY))

@wfr.workflow(name="Child")
def child(ctx, _):
    done = [one.name for one in ctx.get_propagated_history().get_workflows()]
    yield ctx.call_activity("Reserve", input=done)
    yield ctx.call_activity("Charge" if done == ["Parent"] else "Other")

@wfr.activity(name="Reserve")
def reserve(ctx, value):
    return value

@wfr.activity(name="Charge")
def charge(ctx, value):
    return value
"""


@pytest.fixture
def orders(project: Path, cli: Cli) -> Path:
    (project / "app.py").write_text(OLD)
    (project / "wfctl.toml").write_text('target = "embedded"\napp = "app.py"\nstore = "store.db"\n')
    for one in ("one", "two"):
        cli("start", "Order", "--id", one, "--input", '"later"')
    cli("start", "Order", "--id", "done", "--input", '"now"')
    return project


def changed(project: Path, name: str, *changes: tuple[str, str]) -> str:
    """Write the app, changed, into a file of its own."""
    text = OLD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (project / name).write_text(text)
    return name


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_the_same_code_fits(cli: Cli, orders: Path) -> None:
    before = hashlib.sha256((orders / "store.db").read_bytes()).hexdigest()
    result = cli("check", "--name", "Order")
    assert (result.status, result.out) == (0, "")
    assert "3 checked against" in result.err
    assert result.err.rstrip().endswith("3 fit")
    assert hashlib.sha256((orders / "store.db").read_bytes()).hexdigest() == before


def test_what_would_stall_is_one_row_with_the_line(cli: Cli, orders: Path) -> None:
    new = changed(orders, "renamed.py", ('ctx.call_activity("Charge", input=2)', 'ctx.call_activity("Take", input=2)'))
    line = line_of(OLD, '"Charge", input=2')
    result = cli("check", "--status", "RUNNING", "--app", new)
    assert result.status == 9
    assert result.out.splitlines()[1].split("  ")[0].strip() == "2 of 2"
    assert f"would stall at step 2 (Charge -> Take)  renamed.py:{line}" in result.out
    assert "2 checked against" in result.err
    assert "2 do not" in result.err
    every = cli("check", "--name", "*", "--app", new)
    assert "1 of 3" in every.out
    assert "differs at step 2 (Charge -> Take)" in every.out
    picture = cli("check", "--name", "*", "--app", new, "--color", "never", tty=True)
    assert "2 of 3 Order would stall at step 2 (Charge → Take), renamed.py:" in picture.out
    assert re.search("wfctl replay (one|two) --pdb --step 2 --app renamed.py", picture.out)
    (record,) = cli("check", "one", "--app", new, "-o", "json").json
    assert record == {
        "instanceID": "one",
        "workflowName": "Order",
        "runtimeStatus": "RUNNING",
        "fits": False,
        "kind": "step",
        "step": 2,
        "recorded": {"kind": "activity", "name": "Charge"},
        "asked": {"kind": "activity", "name": "Take"},
        "file": "renamed.py",
        "line": line,
        "message": "step 2: the history has activity 'Charge', the code asks for activity 'Take'",
    }


def test_only_those_that_do_not_fit_have_an_id(cli: Cli, orders: Path) -> None:
    new = changed(orders, "waits_for_other.py", ('    return "sent"', "    yield ctx.create_timer(timedelta(1))"))
    assert cli("check", "--name", "*", "--app", new, "-o", "id").out == "done\n"
    assert [one["fits"] for one in cli("check", "one", "done", "--app", new, "-o", "json").json] == [True, False]


def test_annotations_for_github(cli: Cli, orders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = changed(
        orders, "odd.py", ('ctx.call_activity("Charge", input=2)', 'ctx.call_activity("50%, a:b\\n::error::x")')
    )
    result = cli("check", "--status", "RUNNING", "--app", new, "-o", "github")
    assert result.status == 9
    (line,) = result.out.splitlines()
    head, _, text = line.removeprefix("::").partition("::")
    assert head.startswith("error file=odd.py,line=")
    assert "would stall at step 2 (Charge -> 50%25%2C a%3Ab\\n%3A%3Aerror%3A%3Ax)" in head
    assert text.startswith("step 2: the history has activity 'Charge', the code asks for activity '50%25, a:b")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(orders.parent))
    assert "file=project/odd.py," in cli("check", "one", "--app", new, "-o", "github").out
    assert cli("check", "one", "-o", "github").out == ""
    assert cli("check", "one", "-o", "gitlab").status == 2


def test_what_is_not_there(cli: Cli, orders: Path) -> None:
    result = cli("check", "nosuch")
    assert (result.status, "no instance 'nosuch'" in result.err) == (3, True)
    result = cli("check", "one", "nosuch")
    assert (result.status, "no instance 'nosuch'" in result.err) == (7, True)
    assert cli("check", "one", "--status", "RUNNING").status == 2
    assert "nothing was checked" in cli("check", "--status", "FAILED").err
    result = cli("check", "one", "--app", "gone.py")
    assert (result.status, "gone.py does not exist" in result.err) == (2, True)


def test_ends_results_and_what_is_not_registered(cli: Cli, orders: Path) -> None:
    new = changed(orders, "other_end.py", ('return "sent"', 'return "posted"'))
    assert cli("check", "done", "--app", new).status == 0
    result = cli("check", "done", "--app", new, "--results", "-o", "json")
    assert (result.status, result.json[0]["kind"]) == (9, "end")
    new = changed(orders, "raises.py", ('return "sent"', 'raise KeyError("x")'))
    assert "ends differently (completes -> fails with KeyError)" in cli("check", "done", "--app", new).out
    new = changed(orders, "gone.py", ('name="Order"', 'name="Purchase"'))
    result = cli("check", "one", "two", "--app", new)
    assert (result.status, "have no workflow in the app" in result.out) == (9, True)


def test_code_that_hangs_and_prints(cli: Cli, orders: Path) -> None:
    hangs = ('    return "sent"', '    while True:\n        print("spinning")')
    new = changed(orders, "hangs.py", hangs)
    result = cli("check", "done", "--app", new, "--max-time", "50ms")
    assert result.status == 9
    assert result.out.splitlines()[1].split()[:5] == ["1", "of", "1", "Order", "hangs"]
    assert "hangs.py:" in result.out
    assert "spinning" not in result.out + result.err


def test_what_a_parent_handed_on(cli: Cli, orders: Path) -> None:
    """It is read where the code asks for it, so that the child goes the same way again."""
    assert cli("start", "Parent", "--id", "mother", "--wait").status == 0
    assert [one["fits"] for one in cli("check", "the-child", "mother", "-o", "json").json] == [True, True]


def bundle(project: Path, *, redacted: tuple[str, ...] = (), whole: bool = True) -> str:
    """Write what the store has into a bundle."""
    db = open_reader(project / "store.db")
    stream = io.BytesIO()
    writer = BundleWriter(stream.write)
    writer.begin(Header("wfctl", datetime.now(timezone.utc), "embedded", (), redacted))
    for instance_id in ("mother", "the-child", "one", "done"):
        instance, history = reads.get(db, instance_id, payloads=True, driven=True), reads.history(db, instance_id)
        if instance is not None and history is not None:
            writer.add(Exported(instance, tuple(history)))
    if whole:
        writer.end()
    db.close()
    (project / "all.jsonl").write_bytes(stream.getvalue())
    return "all.jsonl"


def test_bundles(cli: Cli, orders: Path) -> None:
    cli("start", "Parent", "--id", "mother", "--wait")
    file = bundle(orders)
    new = changed(
        orders, "of_bundle.py", ('ctx.call_activity("Charge", input=2)', 'ctx.call_activity("Take", input=2)')
    )
    result = cli("check", "--from", file, "--app", new, "-o", "json", "--store", "gone.db")
    assert result.status == 9
    assert {one["instanceID"]: one["fits"] for one in result.json} == {
        "mother": True,
        "the-child": True,
        "one": False,
        "done": False,
    }
    assert len(cli("check", "--from", file, "--status", "RUNNING", "-o", "json").json) == 1
    assert len(cli("check", "one", "--from", file, "-o", "json").json) == 1
    assert cli("check", "nosuch", "--from", file).status == 3
    bundle(orders, redacted=("all",))
    assert "redacted" in cli("check", "--from", file).err
    bundle(orders, whole=False)
    result = cli("check", "--from", file)
    assert (result.status, "cut off" in result.err) == (2, True)
    assert cli("check", "--from", "gone.jsonl").status == 2


def test_an_app_in_an_environment_of_its_own(cli: Cli, orders: Path, tmp_path: Path) -> None:
    python = make(tmp_path / "env", prices="AMOUNT = 2\n")
    cli("start", "Parent", "--id", "mother", "--wait")
    new = changed(
        orders,
        "in_env.py",
        ("from datetime", "import prices\nfrom datetime"),
        ('ctx.call_activity("Charge", input=2)', 'ctx.call_activity("Take", input=prices.AMOUNT)'),
    )
    result = cli("check", "--name", "*", "--app", new, "--python", str(python), "-o", "json")
    assert result.status == 9
    found = {one["instanceID"]: (one["fits"], one["line"]) for one in result.json}
    line = line_of((orders / new).read_text(), '"Take"')
    assert found == {
        "one": (False, line),
        "two": (False, line),
        "done": (False, line),
        "mother": (True, None),
        "the-child": (True, None),
    }


def test_records_are_written_as_they_come(cli: Cli, orders: Path) -> None:
    lines = cli("check", "one", "two", "-o", "jsonl").out.splitlines()
    assert [json.loads(line)["fits"] for line in lines] == [True, True]


CARELESS = OLD.replace('    return "sent"', "    import time\n    return time.time()").replace(
    '"Reserve"', '"Reserv"', 1
)


def test_the_code_alone(cli: Cli, orders: Path) -> None:
    assert (cli("check").status, cli("check", "--strict").status) == (0, 0)
    assert "3 workflows read in" in cli("check").err
    assert "no warnings" in cli("check").err
    (orders / "careless.py").write_text(CARELESS)
    result = cli("check", "--app", "careless.py")
    assert (result.status, "2 warnings" in result.err) == (0, True)
    assert [line.split()[:2] for line in result.out.splitlines()[1:]] == [
        [f"careless.py:{line_of(CARELESS, 'Reserv')}", "unregistered"],
        [f"careless.py:{line_of(CARELESS, 'time.time')}", "clock"],
    ]
    strict = cli("check", "--app", "careless.py", "--strict", "-o", "github")
    assert strict.status == 9
    assert strict.out.splitlines()[0] == (
        f"::error file=careless.py,line={line_of(CARELESS, 'Reserv')},title=unregistered in Order::"
        "no activity 'Reserv' is registered; instead: did you mean Reserve?"
    )
    assert cli("check", "--app", "careless.py", "-o", "github").out.startswith("::warning ")
    assert cli("check", "one", "--strict").status == 2


def test_the_code_alone_in_an_environment_of_its_own(cli: Cli, orders: Path, tmp_path: Path) -> None:
    python = make(tmp_path / "env")
    (orders / "careless.py").write_text(CARELESS)
    result = cli("check", "--app", "careless.py", "--python", str(python), "-o", "json")
    assert [one["rule"] for one in result.json] == ["unregistered", "clock"]


GOLDEN = Path(__file__).parents[1] / "golden" / "dapr"
BUNDLES = sorted(GOLDEN.glob("*.jsonl"))


@pytest.mark.parametrize("file", BUNDLES, ids=lambda file: str(file.stem))
def test_what_a_real_dapr_has_recorded_fits_the_app_that_it_ran(cli: Cli, file: Path) -> None:
    """On the official SDK, with the same results: retries, time-outs, children, patches, versions, a new beginning."""
    result = cli("check", "--from", str(file), "--app", str(GOLDEN / "app.py"), "--results", "-o", "json")
    assert result.status == 0, result.out
    assert len(result.json) == 14


@pytest.mark.parametrize(
    ("old", "new", "instances", "step"),
    [
        ('call_activity(back, input="fraud")', 'create_timer(SOON)', {"patched"}, 1),
        ('wait_for_external_event("said")', 'call_activity(back)', {"waits", "waiting", "paused", "ended"}, 3),
        ('input=str(error)', 'input=str(error), retry_policy=RETRIES), (yield ctx.call_activity(back)', {"retries"}, 7),
        ('raise KeyError', 'raise ValueError', {"fails", "parent:0002"}, None),
        ('version_name="v1"', 'version_name="v2"', {"versioned"}, None),
        ('left - 1', 'left', set(), None),
        ('ctx.call_child_workflow(fails', 'ctx.call_child_workflow(chain', {"parent"}, 2),
    ],
)  # fmt: skip
def test_a_change_shows_in_what_a_real_dapr_has_recorded(
    cli: Cli, project: Path, old: str, new: str, instances: set[str], step: int | None
) -> None:
    text = (GOLDEN / "app.py").read_text()
    assert old in text
    (project / "changed.py").write_text(text.replace(old, new))
    found = cli("check", "--from", str(BUNDLES[-1]), "--app", "changed.py", "-o", "json").json
    differing = [one for one in found if not one["fits"]]
    assert {one["instanceID"] for one in differing} == instances
    assert {one["step"] for one in differing} <= {step}


def test_at_a_terminal_a_warning_is_whole(cli: Cli, orders: Path) -> None:
    (orders / "careless.py").write_text(CARELESS)
    out = cli("check", "--app", "careless.py", "--color", "never", tty=True).out
    line = line_of(CARELESS, "time.time")
    assert f"careless.py:{line} clock time.time() gives another time in a replay\n    ctx.current_utc_datetime\n" in out


def test_a_long_error_is_cut_for_people_alone(cli: Cli, orders: Path) -> None:
    new = changed(orders, "wordy.py", ('return "sent"', 'raise KeyError("x\\n" * 5000)'))
    assert len(cli("check", "done", "--app", new, "--color", "never", tty=True).out) < 2000
    assert len(cli("check", "done", "--app", new, "-o", "wide").out) < 2000
    assert len(cli("check", "done", "--app", new, "-o", "json").json[0]["message"]) > 5000
    (line,) = cli("check", "done", "--app", new, "-o", "github").out.splitlines()
    assert line.startswith("::error file=wordy.py,")
