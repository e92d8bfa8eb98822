"""What the code of workflows is warned of, at which line; and what it is not."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wfctl.model.code_warning import CodeWarning
from wfctl.workflow.lint.lint import lint
from wfctl.workflow.loading import app as loading
from wfctl.workflow.loading.app import load_app
from wfctl.workflow.loading.import_hook import uninstall

HEAD = """
import asyncio, os, random, subprocess, threading, uuid
import time as t
from datetime import date, datetime as dt, timedelta
from pathlib import Path
from time import sleep
from urllib import request
import urllib.parse
import dapr.ext.workflow as wf
from dapr.ext.workflow import when_all as everything

wfr = wf.WorkflowRuntime()

@wfr.activity(name="Step")
def step(ctx, value):
    return dt.now()

@wfr.activity
def plain(ctx, value):
    sleep(1)

"""
WORKFLOW = """
@wfr.workflow(name="W")
def w(ctx, order):
"""

Read = Callable[[str], list[CodeWarning]]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Read]:
    count = 0

    def read(text: str) -> list[CodeWarning]:
        nonlocal count
        count += 1
        file = tmp_path / f"linted_{count}.py"
        file.write_text(text)
        return lint(load_app(str(file)).registry)

    monkeypatch.setattr(loading, "_loaded", {})
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    yield read
    uninstall()


def rules(found: list[CodeWarning]) -> list[tuple[int, str]]:
    return [(one.place.line, one.rule) for one in found]


def expected(text: str) -> list[tuple[int, str]]:
    """The lines that say what is wrong with them: `#! rule rule`."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match = re.search(r"#! ([\w ]+)$", line)
        found += [(number, rule) for rule in (match[1].split() if match else ())]
    return found


@pytest.mark.parametrize(
    "body",
    [
        """
        now = dt.now()  #! clock
        today = date.today()  #! clock
        import datetime
        wrong = datetime.now()  #! clock
        first, second = t.time(), t.monotonic()  #! clock clock
        yield ctx.create_timer(ctx.current_utc_datetime + timedelta(1))
        t.strftime("%d", t.gmtime(0))
        text = dt.fromisoformat(order).isoformat()
        """,
        """
        one = random.choice([1])  #! random
        two = uuid.uuid4()  #! random
        three = os.urandom(3)  #! random
        four = hash("x")  #! random
        five = random.Random().random()  #! random
        six = random.Random(ctx.instance_id).random()
        seven = ctx.random().random() + ctx.random_int() + ctx.random_choice([1])
        eight = ctx.uuid4(), ctx.new_guid(), uuid.UUID(order), uuid.uuid5(uuid.NAMESPACE_DNS, "x")
        """,
        """
        with open("x") as file:  #! io
            file.read()
        text = open("x").read()  #! io
        text = Path("x").read_text()  #! io
        name = Path("x").name + str(Path("x").with_suffix(".y"))
        request.urlopen("http://x")  #! io
        urllib.parse.quote("x")
        subprocess.run(["x"])  #! io
        home = os.environ["HOME"]  #! environment
        home = os.environ.get("HOME"), os.getenv("HOME")  #! environment environment
        path = os.path.join("a", "b")
        """,
        """
        sleep(1)  #! sleep
        t.sleep(1)  #! sleep
        threading.Thread(target=print).start()  #! threads
        asyncio.run(None)  #! threads
        raise subprocess.CalledProcessError(1, "x")
        """,
        """
        ctx.call_activity(step)  #! yield
        unused = ctx.call_activity(step)  #! yield
        used = ctx.call_activity(step)
        tasks = [ctx.call_activity(step, input=n) for n in range(3)]
        tasks.append(ctx.create_timer(timedelta(1)))
        yield wf.when_all(tasks)
        wf.when_any(tasks)  #! yield
        everything(tasks)  #! yield
        price = ctx.call_activity(step)["price"]  #! yield
        if ctx.wait_for_external_event("paid"):  #! yield
            pass
        total = 1 + ctx.call_child_workflow(w)  #! yield
        print(f"{ctx.call_activity(step)}")  #! yield
        done = (yield used) + (yield ctx.call_activity(step))
        task = ctx.create_timer(timedelta(1))
        while not task.is_complete:
            yield task
        return ctx.call_activity(step)  #! yield
        """,
        """
        yield ctx.call_activity("Step")
        yield ctx.call_activity(activity="Stepp")  #! unregistered
        yield ctx.call_activity(plain)
        yield ctx.call_activity(w)  #! unregistered
        yield ctx.call_activity("Elsewhere", app_id="other")
        yield ctx.call_activity(order["name"])
        yield ctx.call_child_workflow("W")
        yield ctx.call_child_workflow("Nope")  #! unregistered
        """,
        """
        for one in {"a", "b"}:  #! order
            yield ctx.call_activity(step, input=one)
        yield wf.when_all([ctx.call_activity(step, input=one) for one in set(order)])  #! order
        for one in sorted({"a", "b"}):
            yield ctx.call_activity(step, input=one)
        total = sum(n for n in {1, 2})
        """,
        """
        if not ctx.is_replaying:
            print(dt.now(), os.environ["HOME"])
            yield ctx.call_activity(step)  #! replaying
        if ctx.is_replaying:
            dt.now()  #! clock
        else:
            dt.now()
        if order and not ctx.is_replaying:
            dt.now()
        """,
        """
        while True:  #! endless
            yield ctx.create_timer(timedelta(1))
        """,
        """
        while True:
            if (yield ctx.call_activity(step)):
                break
        while True:
            yield ctx.call_activity(step)
            ctx.continue_as_new(1)
        """,
        """
        a = dt.now()  # wfctl: ok
        b = dt.now()  # the log's own time; wfctl: ok clock
        c = dt.now()  # wfctl: ok io, clock
        d = (
            dt.now()  # wfctl: ok
        )
        """,
        """
        dt = order
        dt.now()
        def random():
            return 4
        random()
        from random import randint
        randint(1, 2)  #! random
        """,
    ],
)
def test_a_workflow(read: Read, body: str) -> None:
    text = HEAD + WORKFLOW + textwrap.indent(textwrap.dedent(body), "    ") + "    yield wf.when_all([])\n"
    assert rules(read(text)) == expected(text)


def test_what_a_comment_for_another_rule_does_not_silence(read: Read) -> None:
    found = read(HEAD + WORKFLOW + "    now = dt.now()  # wfctl: ok io\n    yield wf.when_all([])\n")
    assert [one.rule for one in found] == ["clock"]
    whole = (HEAD + WORKFLOW).replace("def w(ctx, order):", "def w(ctx, order):  # wfctl: ok")
    assert read(whole + "    now = dt.now()\n    yield wf.when_all([])\n") == []


def test_words(read: Read) -> None:
    found = read(HEAD + WORKFLOW + "    ctx.call_activity('Stepp')\n    sleep(3)\n")
    assert [(one.workflow, one.text, one.hint) for one in found] == [
        ("W", "no activity 'Stepp' is registered", "did you mean Step?"),
        ("W", "call_activity() makes a task that nothing yields", "yield ctx.call_activity('Stepp')"),
        (
            "W",
            "sleep() blocks all other instances, and sleeps again in a replay",
            "yield ctx.create_timer(timedelta(...))",
        ),
    ]


def test_functions_that_workflows_call(read: Read, tmp_path: Path) -> None:
    """Here and in other modules of the user's, each once; those that no workflow calls are left alone."""
    (tmp_path / "prices.py").write_text(
        "import time\n\ndef price(x):\n    return time.time()\n\ndef unused():\n    time.time()\n"
    )
    text = HEAD.replace("import asyncio", "import prices, asyncio") + textwrap.dedent("""
        session = threading.Lock()

        def stamped(value):
            return [value, dt.now()]  #! clock

        def part(context, value):
            context.call_activity(step)  #! yield
            return context.call_activity(step)

        def steps(context):
            yield context.call_activity(step)
            session.acquire()  #! threads

        def not_called():
            return dt.now()

        @wfr.workflow(name="V")
        def v(ctx, order):
            stamped(1)
            prices.price(1)
            yield part(ctx, 1)
            steps(ctx)  #! yield
            yield steps(context=ctx)  #! yield
            yield from steps(ctx)

        @wfr.versioned_workflow(name="X", version_name="1", is_latest=True)
        def x1(ctx, order):
            stamped(1)
            yield ctx.call_activity(step)

        @wfr.workflow(name="A")
        async def a(ctx, order):  #! async
            await ctx.call_activity(step)  #! yield

        class Shop:
            def sell(self, ctx, order):
                yield ctx.create_timer(dt.now())  #! clock

        wfr.register_workflow(Shop().sell, name="S")
        """)
    found = read(text)
    assert rules([one for one in found if one.place.file.endswith("prices.py")]) == [(4, "clock")]
    here = rules([one for one in found if not one.place.file.endswith("prices.py")])
    assert here == expected(text)
