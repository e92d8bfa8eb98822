"""Random workflow programs, what they must come to, and a driver that disturbs an engine while it runs them."""

from __future__ import annotations

import contextlib
import json
import random
from collections import Counter
from datetime import timedelta
from typing import Any

from engine_rig import Rig, inconsistencies, replace_request
from limits import LIMIT_SECONDS

from wfctl.engine import operations
from wfctl.errors import Conflict, WfctlError
from wfctl.model import events as ev
from wfctl.model.instance import RerunRequest, StartRequest
from wfctl.model.status import Status
from wfctl.workflow.registry import Registry
from wfctl.workflow.replay.live_workflow import LiveWorkflow
from wfctl.workflow.sdk.retry_policy import RetryPolicy
from wfctl.workflow.sdk.tasks import TaskFailedError, when_all, when_any

Program = list[Any]

KINDS = ["act"] * 4 + ["timer", "event", "timeout", "flaky", "child", "fan", "any", "again", "status", "forget", "soon"]
KINDS += ["there"]  # an activity of the second app


def make(rng: random.Random, names: list[str], depth: int = 0) -> Program:
    """A program; the events it waits for are added to `names`."""
    return [_step(rng, names, depth) for _ in range(rng.randrange(1, 5))]


def _step(rng: random.Random, names: list[str], depth: int) -> Any:
    kind = rng.choice(KINDS)
    if depth >= 2 and kind in ("child", "fan", "again"):
        kind = "act"
    if kind == "event":
        names.append(f"E{len(names)}")
        return [kind, names[-1]]
    if kind == "child":
        return [kind, make(rng, names, depth + 1)]
    if kind == "fan":
        return [kind, [_step(rng, names, depth + 1) for _ in range(rng.randrange(0, 5))]]
    return [kind, rng.randrange(1000)]


def outcome(program: Program) -> list[Any]:
    """What a program comes to where nothing disturbs it."""
    return [_outcome(step) for step in program]


def _outcome(step: Any) -> Any:
    kind, value = step
    if kind == "child":
        return outcome(value)
    if kind == "fan":
        return [_outcome(each) for each in value]
    return {"timeout": "late", "flaky": "failed", "any": ["first", value]}.get(kind, value)


def install(rig: Rig) -> None:
    """Register the workflow and its activities, in a second app too, where some of its steps and children run."""
    rig.others["other"] = rig.registry

    @rig.activity
    def give(ctx, value):
        return value

    @rig.activity
    def fail(ctx, value):
        raise ValueError(str(value))

    @rig.workflow
    def Program(ctx, given):
        """Runs `given["steps"]` from `given["at"]` on, with the results so far in `given["got"]`."""
        steps, got = given["steps"], given["got"]
        for at in range(given["at"], len(steps)):
            kind, value = steps[at]
            if kind == "again":
                ctx.continue_as_new({"steps": steps, "got": [*got, value], "at": at + 1}, save_events=True)
                return None
            got = [*got, (yield from step(ctx, kind, value))]
        return got

    def begin(ctx, kind, value):
        if kind == "event":
            return ctx.wait_for_external_event(value)
        if kind == "timer":
            return ctx.create_timer(timedelta(seconds=value))
        if kind == "child":
            app_id = "other" if len(value) % 2 else None
            return ctx.call_child_workflow("Program", input={"steps": value, "got": [], "at": 0}, app_id=app_id)
        if kind == "there":
            return ctx.call_activity("give", input=value, app_id="other")
        return ctx.call_activity("give", input=value)

    def step(ctx, kind, value):
        if kind == "fan":
            tasks = [begin(ctx, *each) for each in value]
            results = yield when_all(tasks)
            return [_fixed(each, result) for each, result in zip(value, results, strict=True)]
        if kind == "status":
            ctx.set_custom_status(str(value))
        elif kind == "forget":
            ctx.call_activity("give", input=value)
        elif kind == "soon":
            yield ctx.create_timer(timedelta(0))
        elif kind == "timer":
            yield ctx.create_timer(timedelta(seconds=value))
        elif kind == "timeout":
            try:
                yield ctx.wait_for_external_event("never", timeout=timedelta(seconds=value))
            except TimeoutError:
                return "late"
        elif kind == "flaky":
            policy = RetryPolicy(first_retry_interval=timedelta(milliseconds=value), max_number_of_attempts=2)
            try:
                yield ctx.call_activity("fail", input=value, retry_policy=policy)
            except TaskFailedError:
                return "failed"
        elif kind == "any":
            first = ctx.call_activity("give", input=value)
            winner = yield when_any([ctx.create_timer(timedelta(days=400)), first])
            return ["first" if winner is first else "timer", first.get_result()]
        else:
            return (yield begin(ctx, kind, value))
        return value

    def _fixed(each, result):
        """Steps that a fan takes as plain activities still come to what `outcome` says."""
        kind, _value = each
        if kind in ("event", "child", "act"):
            return result
        return _outcome(each)


def edited(registry: Registry) -> Registry:
    """The same app with code that fits no history: only what it is not asked to replay goes on."""
    good = registry.workflow("Program").fn  # type: ignore[union-attr]

    def program(ctx, given):
        if ctx.is_replaying:
            yield ctx.call_child_workflow("Nope")
        return (yield from good(ctx, given))

    other = Registry()
    other.add_workflow("Program", program)
    for name in registry.activity_names():
        other.add_activity(name, registry.activity(name).fn)  # type: ignore[union-attr]
    return other


class Storm:
    """Runs programs on a rig and disturbs them; `calm` brings everything to its end and checks it."""

    def __init__(self, rig: Rig, seed: int) -> None:
        self.rig = rig
        self.rng = random.Random(seed)
        self.programs: dict[str, Program] = {}
        self.events: list[tuple[str, str]] = []  # that are still to be raised: (instance, name)
        self.ended_by_us: set[str] = set()  # terminated or purged, themselves or something below them
        self.purged: set[str] = set()
        self.log: list[str] = []
        install(rig)
        self.edited = edited(rig.registry)
        self.own()

    def own(self, whole: bool = False) -> None:
        """An owner: mostly of everything; else of some trees, with another app, without the second one, or with code
        that fits no history."""
        kind = (
            "whole"
            if whole
            else self.rng.choice(["whole"] * 6 + ["some trees", "another app", "edited", "without the other"])
        )
        registry = {"another app": Registry(), "edited": self.edited}.get(kind)
        others: dict[str, Registry] | None = {} if kind == "without the other" else None
        engine = self.rig.own([] if kind == "some trees" else None, registry, others)
        engine._store._dispatcher._live._max_live = self.rng.choice([1, 2, 3, 10_000])
        engine._store._dispatcher._live._max_waiting = self.rng.choice([0, 1, 10_000])
        if kind == "some trees":
            roots = self.rig.look(
                lambda db: [key for (key,) in db.execute("SELECT key FROM instances WHERE parent IS NULL")]
            )
            engine.adopt([root for root in roots if self.rng.random() < 0.5])

    # --- disturbances -------------------------------------------------------------------------------------------

    def begin(self) -> None:
        instance_id = f"i{len(self.programs)}"
        names: list[str] = []
        program = make(self.rng, names)
        when = self.rig.clock.now() + timedelta(seconds=self.rng.randrange(500)) if self.rng.random() < 0.2 else None
        request = StartRequest("Program", instance_id, json.dumps({"steps": program, "got": [], "at": 0}), when)
        self.acknowledged(lambda unit: operations.start(unit, request))
        self.programs[instance_id] = program
        self.where(instance_id, program)

    def where(self, instance_id: str, program: Program) -> None:
        """Note which events the instance itself, not its children, waits for. Children are found by `raise_events`."""
        for kind, value in program:
            if kind == "event":
                self.events.append((instance_id, value))
            elif kind == "fan":
                self.where(instance_id, [each for each in value if each[0] == "event"])

    def acknowledged(self, call: Any) -> None:
        """Do this, by the owner or beside it, again and again until it is acknowledged."""
        beside = self.rng.random() < 0.4
        failed = False
        while True:
            try:
                (self.rig.beside if beside else self.rig.do)(call)
                return
            except WfctlError as error:
                if failed and isinstance(error, Conflict):
                    return  # it is there: an interrupted COMMIT may have been one
                if error.code != "store":
                    raise
                failed = True
                if self.rig.owner is None or self.rig.owner.error is not None:
                    self.own()

    def maybe(self, call: Any) -> bool:
        try:
            self.acknowledged(call)
        except WfctlError:
            return False
        return True

    def anyone(self) -> str:
        ids = self.rig.look(lambda db: [i for (i,) in db.execute("SELECT id FROM instances ORDER BY key")])
        return self.rng.choice(ids) if ids else "nobody"

    def raise_one(self) -> None:
        waits = self.waits()
        if waits:
            self.raise_it(*self.rng.choice(waits))

    def waits(self) -> list[tuple[str, str]]:
        """What is waited for now, children included."""
        sql = (
            "SELECT id, event_waits.name FROM event_waits JOIN instances USING (key)"
            " WHERE status IN (0, 7) AND event_waits.name LIKE 'e%'"
        )
        return [
            (i, name) for i, name in self.rig.look(lambda db: db.execute(sql).fetchall()) if (i, name) not in self.sent
        ]

    @property
    def sent(self) -> set[tuple[str, str]]:
        return self.__dict__.setdefault("_sent", set())

    def raise_it(self, instance_id: str, name: str) -> None:
        payload = json.dumps(name.upper())
        if self.maybe(lambda unit: operations.raise_event(unit, instance_id, name, payload)):
            self.sent.add((instance_id, name))

    def raise_early(self) -> None:
        """An event that nobody may wait for yet is kept."""
        if self.events:
            instance_id, name = self.events.pop(self.rng.randrange(len(self.events)))
            if (instance_id, name.lower()) not in self.sent:
                self.raise_it(instance_id, name.lower())

    def pause(self) -> None:
        who = self.anyone()
        self.maybe(lambda unit: operations.pause(unit, who, None))

    def resume(self) -> None:
        who = self.anyone()
        self.maybe(lambda unit: operations.resume(unit, who, None))

    def terminate(self) -> None:
        if self.rng.random() < 0.3:
            who = self.anyone()
            if self.maybe(lambda unit: operations.terminate(unit, who, '"enough"', None, True)):
                self.ended_by_us.add(who.split(":")[0])

    def purge(self) -> None:
        if self.rng.random() < 0.3:
            who = self.anyone()
            force = self.rng.random() < 0.3 and ":" not in who  # a parent would wait for a purged child for ever
            if self.maybe(lambda unit: operations.purge(unit, who, force, True)):
                self.ended_by_us.add(who.split(":")[0])
                self.purged.add(who)

    def advance(self) -> None:
        self.rig.advance(seconds=self.rng.randrange(300))

    def restart(self, whole: bool = False) -> None:
        self.rig.leave()
        self.own(whole)

    def finished(self) -> str | None:
        sql = "SELECT id FROM instances WHERE parent IS NULL AND status IN (1, 5) ORDER BY key"
        ids = self.rig.look(lambda db: [i for (i,) in db.execute(sql)])
        return self.rng.choice(ids) if ids else None

    def rerun(self) -> None:
        source = self.finished()
        actions = [e.event_id for e in self.rig.history(source) if e.event_id > 0] if source else []
        if source is None or source not in self.programs or len(actions) < 2:
            return
        new_id, event_id = f"i{len(self.programs)}", self.rng.choice(actions[:-1])
        if self.maybe(lambda unit: operations.rerun(unit, RerunRequest(source, event_id, new_id))):
            self.programs[new_id] = self.programs[source]

    def replace(self) -> None:
        """Start a finished ID anew, with another program."""
        instance_id = self.finished()
        if instance_id is None:
            return
        names: list[str] = []
        program = make(self.rng, names)
        request = replace_request("Program", instance_id, json.dumps({"steps": program, "got": [], "at": 0}))
        if self.maybe(lambda unit: operations.start(unit, request)):
            self.programs[instance_id] = program
            self.ended_by_us.discard(instance_id)
            self.purged.discard(instance_id)
            self.events = [each for each in self.events if each[0] != instance_id]
            for each in [each for each in self.sent if each[0].split(":")[0] == instance_id]:
                self.sent.discard(each)

    def break_transactions(self) -> None:
        """SQLite gives up in the middle of some of the next transactions, or at their end."""
        engine = self.rig.engine
        left = [self.rng.randrange(1, 3)]
        steps = [self.rng.choice([1, 50, 400, 2000])]

        def interrupt() -> int:
            steps[0] -= 1
            if steps[0] > 0 or left[0] <= 0:
                return 0
            left[0] -= 1
            steps[0] = self.rng.choice([1, 50, 400, 2000])
            return 1

        with contextlib.suppress(WfctlError):
            engine.submit(lambda unit: engine._store.db.set_progress_handler(interrupt, 3)).result(LIMIT_SECONDS)

    def rage(self, acts: int) -> None:
        choices = [self.begin, self.raise_one, self.raise_early, self.pause, self.resume, self.terminate, self.purge]
        choices += [self.advance, self.restart, self.break_transactions, self.begin, self.raise_one, self.resume]
        choices += [self.rerun, self.replace]
        for _ in range(acts):
            act = self.rng.choice(choices)
            self.log.append(act.__name__)
            act()

    # --- the end ------------------------------------------------------------------------------------------------

    def calm(self) -> None:
        rig = self.rig
        self.restart(whole=True)

        def done() -> bool:
            sql = "SELECT id, status FROM instances WHERE status NOT IN (1, 3, 5, 4)"
            left = rig.look(lambda db: db.execute(sql).fetchall())
            for instance_id, status in left:
                if status == Status.SUSPENDED:
                    self.maybe(lambda unit, i=instance_id: operations.resume(unit, i, None))
                self.maybe(lambda unit, i=instance_id: operations.resume(unit, i, None))
            for instance_id, name in self.waits():
                self.raise_it(instance_id, name)
            rig.advance(seconds=300)
            return not left

        rig.until(done, lambda: self.state())
        rig.until(lambda: rig.engine.settled(None), "settled")
        self.check()

    def state(self) -> Any:
        return self.rig.look(lambda db: db.execute("SELECT id, status, busy, wake_at, stall FROM instances").fetchall())

    def check(self) -> None:
        rig = self.rig
        assert rig.look(inconsistencies) == []
        for instance_id, program in self.programs.items():
            row = rig.find(instance_id)
            if instance_id in self.purged:
                continue
            assert row is not None, f"{instance_id} was acknowledged, and is lost"
            if instance_id not in self.ended_by_us:
                assert row.status is Status.COMPLETED, (instance_id, row)
                assert json.loads(row.output or "null") == outcome(program), (instance_id, program)
        # Of two apps that have an ID, as after a replaced program's children were purged in part, none is meant by it.
        alone = "SELECT id FROM instances GROUP BY id HAVING count(*) = 1"
        for (instance_id,) in rig.look(lambda db: db.execute(alone).fetchall()):
            history = rig.history(instance_id)
            check_history(instance_id, history)
            if rig.status(instance_id) is Status.COMPLETED:
                check_replay(rig, instance_id, history)


def check_history(instance_id: str, history: list[ev.Event]) -> None:
    """Every action once, every resolution once and after its action, one beginning, one end."""
    kinds = Counter(type(event) for event in history)
    assert kinds[ev.ExecutionStarted] == 1, instance_id
    assert kinds[ev.ExecutionCompleted] == 1, instance_id
    actions = [event.event_id for event in history if event.event_id >= 0]
    assert len(actions) == len(set(actions)), (instance_id, actions)
    seen: set[int] = set()
    resolved: set[int] = set()
    for event in history:
        if event.event_id >= 0:
            seen.add(event.event_id)
        number = getattr(event, "task_scheduled_id", getattr(event, "timer_id", None))
        if number is not None:
            assert number in seen, (instance_id, event)
            assert number not in resolved, (instance_id, event)
            resolved.add(number)


def check_replay(rig: Rig, instance_id: str, history: list[ev.Event]) -> None:
    """Replayed up to its last turn, the code asks in this turn for just what history has."""
    last = max(at for at, event in enumerate(history) if type(event) is ev.WorkflowStarted)
    past, turn = history[:last], history[last:]
    result = LiveWorkflow(rig.registry, instance_id).turn(past, [event for event in turn if event.event_id < 0])
    assert result.stall is None, (instance_id, result.stall)
    asked = [(type(event), event.event_id) for event in result.events]
    assert asked == [(type(event), event.event_id) for event in turn if event.event_id >= 0], instance_id
