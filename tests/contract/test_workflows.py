"""What every adapter of the ports `Target` and `Workflows` promises. The live tests run the same on a real sidecar."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from subject import Subject

from wfctl.client.doctor.check import Result
from wfctl.client.port import Host
from wfctl.errors import AlreadyRerun, Conflict, InvalidInput, NotFound, WrongState
from wfctl.model import events as ev
from wfctl.model import refusals
from wfctl.model.choices import Reach
from wfctl.model.failure import chain, root
from wfctl.model.instance import Filter, IfExists, RerunRequest, Sort, StartRequest
from wfctl.model.status import Status


class TestTarget:
    def test_says_where_it_is_without_being_asked_for_anything_else(self, subject: Subject) -> None:
        target = subject.target
        assert target.address
        assert target.local == (target.embedded is target) == (target.name == "embedded")
        assert target.connections >= 1

    def test_a_second_connection_reads_what_the_first_one_wrote(self, subject: Subject) -> None:
        subject.ended(subject.start("Echo", "e1"))
        second = subject.target.open(Host(note=lambda line: None))
        assert second.get("e1").status is Status.COMPLETED
        second.close()

    def test_knows_that_something_executes_the_instances(self, subject: Subject) -> None:
        subject.ended(subject.start("Echo", "e1"))
        assert subject.target.executed()

    def test_is_checked_as_often_as_one_likes(self, subject: Subject) -> None:
        subject.ended(subject.start("Echo", "e1"))
        with subject.target.checked(Host(note=lambda line: None), None) as look:
            for checks in (look(), look()):
                assert not [check for check in checks if check.level is Result.FAIL]
                assert len({check.name for check in checks}) == len(checks) > 3


class TestStart:
    def test_runs_to_its_end_and_keeps_the_payloads_as_they_came(self, subject: Subject) -> None:
        instance = subject.ended(subject.start("Echo", "e1", '{"a": [1,  2.50]}'))
        assert instance.status is Status.COMPLETED
        assert instance.name == "Echo"
        assert instance.input == '{"a": [1,  2.50]}'
        assert json.loads(instance.output or "") == {"a": [1, 2.5]}
        assert instance.waiting_for == ()
        assert instance.created_at is not None
        assert instance.updated_at is not None
        assert instance.created_at <= instance.updated_at

    def test_makes_an_id_where_none_is_given(self, subject: Subject) -> None:
        first, second = subject.start("Echo"), subject.start("Echo")
        assert first != second
        assert subject.ended(first).id == first

    @pytest.mark.parametrize("payload", ["0", "false", '""', "[]", "{}", "null", '"é中\\u0000"'])
    def test_falsy_and_odd_payloads_survive(self, subject: Subject, payload: str) -> None:
        instance = subject.ended(subject.start("Echo", "p", payload))
        assert instance.input == payload
        expected = json.loads(payload)
        assert (None if instance.output is None else json.loads(instance.output or "")) == expected

    @pytest.mark.parametrize("bad", ["a\nb", "a\tb", " a", "a ", "\x1b[31mred", "a\u2028b", "a\udc80"])
    def test_an_id_that_is_not_one_plain_line_is_refused(self, subject: Subject, bad: str) -> None:
        with pytest.raises(InvalidInput):
            subject.workflows.start(StartRequest("Echo", bad))
        subject.ended(subject.start("Echo", "good", "1"))
        with pytest.raises(InvalidInput):
            subject.workflows.rerun(RerunRequest("good", 1, bad))
        assert [one.id for one in subject.workflows.list(Filter())] == ["good"]

    def test_a_live_id_conflicts(self, subject: Subject) -> None:
        subject.waits(subject.start("Await", "a1", '"go"'))
        for policy in (IfExists.FAIL, IfExists.REPLACE):
            with pytest.raises(Conflict):
                subject.workflows.start(StartRequest("Echo", "a1", if_exists=policy))

    def test_a_finished_id_conflicts_unless_it_may_be_replaced_or_used(self, subject: Subject) -> None:
        subject.ended(subject.start("Echo", "a1", "1"))
        with pytest.raises(Conflict):
            subject.workflows.start(StartRequest("Echo", "a1", "2"))
        assert subject.workflows.start(StartRequest("Echo", "a1", "2", if_exists=IfExists.USE)) == "a1"
        assert subject.workflows.get("a1").input == "1"
        assert subject.workflows.start(StartRequest("Echo", "a1", "2", if_exists=IfExists.REPLACE)) == "a1"
        assert subject.ended("a1").input == "2"

    def test_a_delayed_start_waits_for_its_time(self, subject: Subject) -> None:
        when = datetime.now(timezone.utc) + timedelta(hours=1)
        subject.workflows.start(StartRequest("Echo", "later", "1", start_at=when))
        subject.workflows.drive(["later"])
        instance = subject.workflows.get("later")
        assert instance.status is Status.PENDING
        assert subject.workflows.terminate("later") is None
        assert subject.workflows.get("later").status is Status.TERMINATED

    def test_a_delayed_start_starts(self, subject: Subject) -> None:
        when = datetime.now(timezone.utc) + timedelta(milliseconds=300)
        subject.workflows.start(StartRequest("Echo", "soon", "1", start_at=when))
        subject.workflows.drive(["soon"])
        subject.ended("soon")
        assert subject.workflows.history("soon")[0].timestamp >= when


class TestGet:
    def test_a_missing_instance(self, subject: Subject) -> None:
        with pytest.raises(NotFound) as caught:
            subject.workflows.get("nope")
        assert caught.value.instance_id == "nope"

    def test_says_what_it_waits_for(self, subject: Subject) -> None:
        instance = subject.waits(subject.start("Await", "w1", '"Approval"'))
        (waiting,) = instance.waiting_for
        assert (waiting.kind, (waiting.name or "").casefold(), waiting.until) == ("event", "approval", None)
        assert instance.custom_status in ("waiting", '"waiting"')

    def test_a_timer(self, subject: Subject) -> None:
        instance = subject.waits(subject.start("Sleep", "t1", "3600"))
        (waiting,) = instance.waiting_for
        assert waiting.kind == "timer"
        assert waiting.until is not None
        assert waiting.until > datetime.now(timezone.utc) + timedelta(minutes=50)

    def test_a_child(self, subject: Subject) -> None:
        subject.start("Parent", "p1", '"Await"')
        instance = subject.waits("p1")
        (waiting,) = instance.waiting_for
        assert (waiting.kind, waiting.instance_id) == ("child", "p1:0001")

    def test_whose_child_it_is(self, subject: Subject) -> None:
        subject.start("Parent", "p1", '"Await"')
        subject.waits("p1")
        subject.waits("p1:0001")
        assert dict(subject.workflows.parents(["p1:0001", "p1", "nope"])) == {"p1:0001": "p1"}

    def test_a_failure(self, subject: Subject) -> None:
        instance = subject.ended(subject.start("Fail", "f1", '"oh no"'))
        assert instance.status is Status.FAILED
        assert instance.failure is not None
        assert "oh no" in instance.failure.message

    def test_the_cause_of_a_failure(self, subject) -> None:
        instance = subject.ended(subject.start("Stubborn", "f1", '"oh no"'))
        step = instance.failed_step
        assert (step.kind, step.name, step.event_id, step.attempt, step.instance_id) == ("activity", "Boom", 1, 3, None)
        failed = subject.workflows.history("f1")[-2]
        assert step.at == failed.timestamp
        cause = root(instance.failure)
        assert (cause.error_type, cause.message) == ("ValueError", "oh no")
        assert "raise ValueError(message)" in (cause.stack_trace or "")
        assert instance.failure.error_type == "TaskFailedError"
        (listed,) = subject.workflows.list(Filter())
        assert (listed.failure, listed.failed_step) == (instance.failure, step)

    def test_the_cause_of_a_failed_child_is_that_of_its_parents(self, subject) -> None:
        subject.start("Grandparent", "g1", '["Parent", "Fail"]')
        instance = subject.ended("g1")
        assert [one.error_type for one in chain(instance.failure)] == 3 * ["TaskFailedError"] + ["ValueError"]
        step = instance.failed_step
        assert (step.name, step.event_id, step.instance_id) == ("Boom", 1, "g1:0001:0001")
        child = subject.workflows.get("g1:0001:0001")
        assert (child.failed_step.instance_id, root(child.failure)) == (None, root(instance.failure))

    def test_a_failure_that_the_code_survived_is_no_cause(self, subject) -> None:
        instance = subject.ended(subject.start("Careless", "f1", '"oh no"'))
        assert (instance.failure.message, instance.failure.inner) == ("a bug of its own", None)
        assert instance.failed_step is None


class TestEvents:
    def test_are_delivered_whatever_the_case_of_the_name(self, subject: Subject) -> None:
        subject.waits(subject.start("Await", "a1", '"Go"'))
        subject.workflows.raise_event("a1", "gO", '{"yes": false}')
        assert json.loads(subject.ended("a1").output or "") == {"yes": False}

    @pytest.mark.parametrize("data", ["0", "false", '""', "[]"])
    def test_falsy_data_survives(self, subject: Subject, data: str) -> None:
        subject.waits(subject.start("Await", "a1", '"go"'))
        subject.workflows.raise_event("a1", "go", data)
        assert json.loads(subject.ended("a1").output or "") == json.loads(data)

    def test_to_a_missing_or_a_finished_instance(self, subject: Subject) -> None:
        with pytest.raises(NotFound):
            subject.workflows.raise_event("nope", "go", "1")
        subject.ended(subject.start("Echo", "e1"))
        with pytest.raises(WrongState):
            subject.workflows.raise_event("e1", "go", "1")


class TestPause:
    def test_holds_the_code_until_it_is_resumed(self, subject: Subject) -> None:
        subject.waits(subject.start("Await", "a1", '"go"'))
        assert subject.workflows.pause("a1", reason="lunch") is None
        assert subject.workflows.get("a1").status is Status.SUSPENDED, "done means done"
        assert subject.workflows.pause("a1") is None
        subject.workflows.raise_event("a1", "go", "1")
        assert subject.workflows.get("a1").status is Status.SUSPENDED
        assert subject.workflows.resume("a1") is None
        assert subject.workflows.get("a1").status is not Status.SUSPENDED
        assert subject.ended("a1").output == "1"

    def test_resume_of_what_is_not_suspended_is_refused_and_harmless(self, subject: Subject) -> None:
        subject.waits(subject.start("Await", "a1", '"go"'))
        with pytest.raises(WrongState):
            subject.workflows.resume("a1")
        assert subject.workflows.get("a1").status is Status.RUNNING

    def test_missing_and_finished(self, subject: Subject) -> None:
        subject.ended(subject.start("Echo", "e1"))
        for action in (subject.workflows.pause, subject.workflows.resume):
            with pytest.raises(NotFound):
                action("nope")
            with pytest.raises(WrongState):
                action("e1")


class TestTerminate:
    def test_ends_it_with_the_output_and_its_children_too(self, subject: Subject) -> None:
        subject.start("Parent", "p1", '"Await"')
        subject.waits("p1")
        assert subject.workflows.terminate("p1", output='{"stopped": 1}', reason="test") is None
        instance = subject.workflows.get("p1")
        assert instance.status is Status.TERMINATED
        assert json.loads(instance.output or "") == {"stopped": 1}
        assert subject.ended("p1:0001").status is Status.TERMINATED

    def test_not_recursive_leaves_the_children(self, subject: Subject) -> None:
        subject.start("Parent", "p1", '"Await"')
        subject.waits("p1")
        subject.waits("p1:0001")
        subject.workflows.terminate("p1", recursive=False)
        subject.ended("p1")
        assert subject.workflows.get("p1:0001").status is Status.RUNNING

    def test_a_suspended_one(self, subject: Subject) -> None:
        subject.waits(subject.start("Await", "a1", '"go"'))
        subject.workflows.pause("a1")
        subject.reached("a1", Status.SUSPENDED)
        subject.workflows.terminate("a1")
        assert subject.ended("a1").status is Status.TERMINATED

    def test_missing_and_finished(self, subject: Subject) -> None:
        with pytest.raises(NotFound):
            subject.workflows.terminate("nope")
        subject.ended(subject.start("Echo", "e1"))
        with pytest.raises(WrongState):
            subject.workflows.terminate("e1")


class TestPurge:
    def test_takes_a_finished_tree(self, subject: Subject) -> None:
        subject.ended(subject.start("Parent", "p1", '"Echo"'))
        assert subject.workflows.purge("p1") == 2
        assert subject.gone("p1")
        assert subject.gone("p1:0001")

    def test_refuses_a_running_one_unless_forced(self, subject: Subject) -> None:
        subject.waits(subject.start("Await", "a1", '"go"'))
        with pytest.raises(WrongState):
            subject.workflows.purge("a1")
        assert subject.workflows.purge("a1", force=True) == 1
        assert subject.gone("a1")
        assert subject.start("Echo", "a1", "1") == "a1"
        assert subject.ended("a1").output == "1"

    def test_not_recursive_leaves_the_children(self, subject: Subject) -> None:
        subject.ended(subject.start("Parent", "p1", '"Echo"'))
        assert subject.workflows.purge("p1", recursive=False) == 1
        assert subject.gone("p1")
        assert not subject.gone("p1:0001")

    def test_missing(self, subject: Subject) -> None:
        for force in (False, True):
            with pytest.raises(NotFound):
                subject.workflows.purge("nope", force=force)


class TestHistory:
    def test_of_a_chain_is_daprs(self, subject: Subject) -> None:
        subject.ended(subject.start("Chain", "c1", "2"))
        history = subject.workflows.history("c1")
        assert [type(event).__name__ for event in history] == [
            "WorkflowStarted",
            "ExecutionStarted",
            "TaskScheduled",
            "WorkflowStarted",
            "TaskCompleted",
            "TaskScheduled",
            "WorkflowStarted",
            "TaskCompleted",
            "ExecutionCompleted",
        ]
        assert [event.event_id for event in history if event.event_id >= 0] == [1, 2, 3]
        assert [e.result for e in history if isinstance(e, ev.TaskCompleted)] == ["1", "2"]

    def test_of_a_missing_instance(self, subject: Subject) -> None:
        with pytest.raises(NotFound):
            subject.workflows.history("nope")

    def test_begins_anew_when_the_workflow_continues_as_new(self, subject: Subject) -> None:
        instance = subject.ended(subject.start("Countdown", "d1", "3"))
        assert json.loads(instance.output or "") == "zero"
        started = subject.workflows.history("d1")[1]
        assert isinstance(started, ev.ExecutionStarted)
        assert started.input == "0"


class TestList:
    def test_filters_combine(self, subject: Subject) -> None:
        for number in range(3):
            subject.ended(subject.start("Echo", f"e{number}", str(number)))
        subject.waits(subject.start("Await", "a0", '"Go"'))

        def ids(**conditions) -> list[str]:
            return [instance.id for instance in subject.workflows.list(Filter(sort=Sort.ID, **conditions))]

        assert ids() == ["a0", "e0", "e1", "e2"]
        assert ids(statuses=frozenset({Status.RUNNING})) == ["a0"]
        assert ids(name="Echo", id_prefix="e", limit=2) == ["e0", "e1"]
        assert ids(after="e0") == ["e1", "e2"]
        assert ids(waiting_event="go") == ["a0"]
        assert ids(name="Nope") == []
        now = datetime.now(timezone.utc)
        assert ids(created_after=now + timedelta(hours=1)) == []
        assert ids(created_before=now + timedelta(hours=1), name="Await") == ["a0"]
        assert ids(finished_before=now + timedelta(hours=1)) == ["e0", "e1", "e2"]

    def test_filters_on_failures(self, subject: Subject) -> None:
        subject.ended(subject.start("Fail", "f1", '"no card of 17"'))
        subject.ended(subject.start("Careless", "f2", '"x"'))
        subject.ended(subject.start("Grandparent", "g1", '["Parent", "Fail"]'))
        subject.ended(subject.start("Echo", "e1", '"no card"'))

        def ids(**conditions) -> list[str]:
            found = [one.id for one in subject.workflows.list(Filter(sort=Sort.ID, **conditions))]
            assert sum(one.count for one in subject.workflows.count(Filter(**conditions))) == len(found)
            return found

        assert ids(error="NO CARD") == ["f1"]
        assert ids(error="ValueError: no card of *") == ["f1"]
        assert ids(error="no card*") == [], "a glob takes in the whole text"
        assert ids(error="a bug of its own") == ["f2"]
        assert ids(step="Boom") == ["f1", "g1", "g1:0001", "g1:0001:0001"]
        assert ids(step="B*m", name="*parent") == ["g1"]
        assert ids(step="Boom", error="go") == ["g1", "g1:0001", "g1:0001:0001"]
        assert ids(name="Fai*") == ["f1", "g1:0001:0001"]
        assert ids(name="*") == ["e1", "f1", "f2", "g1", "g1:0001", "g1:0001:0001"]
        found = sorted(subject.workflows.failures(Filter(step="Boom")), key=lambda one: one.id)
        assert [(one.id, one.step, one.error, one.below) for one in found] == [
            ("f1", "Boom", "ValueError: no card of 17", False),
            ("g1", "Boom", "ValueError: go", False),
            ("g1:0001", "Boom", "ValueError: go", True),
            ("g1:0001:0001", "Boom", "ValueError: go", True),
        ]
        assert [one.id for one in subject.workflows.failures(Filter(error="bug", name="C*"))] == ["f2"]
        assert list(subject.workflows.failures(Filter(statuses=frozenset({Status.RUNNING})))) == []

    def test_filters_on_live_instances(self, subject: Subject) -> None:
        subject.waits(subject.start("Await", "a1", '"go"'))
        subject.waits(subject.start("Hang", "h1", "1"))
        subject.waits(subject.start("Patient", "r1", '"oh no"'))
        subject.until("r1", lambda one: any(waiting.attempt == 2 for waiting in one.waiting_for))
        subject.start("Parent", "p1", '"Await"')
        subject.waits("p1")
        subject.waits("p1:0001")

        def ids(**conditions) -> list[str]:
            return [one.id for one in subject.workflows.list(Filter(sort=Sort.ID, **conditions))]

        assert ids(stuck=timedelta(0)) == ["h1"]
        assert ids(stuck=timedelta(hours=1)) == []
        assert ids(retrying=True) == ["r1"]
        assert ids(step="Forever") == ["h1"]
        assert ids(step="go") == ["a1", "p1:0001"]
        assert ids(custom_status="WAIT") == ["a1", "p1:0001"]
        assert ids(custom_status="wait*g") == ["a1", "p1:0001"]
        assert ids(custom_status="ting*") == []
        now = datetime.now(timezone.utc)
        assert ids(updated_before=now - timedelta(hours=1)) == ids(updated_after=now + timedelta(hours=1)) == []
        assert ids(updated_after=now - timedelta(hours=1), name="Hang") == ["h1"]
        assert ids(orphans=True) == []
        subject.workflows.terminate("p1", recursive=False)
        subject.ended("p1")
        assert ids(orphans=True) == ["p1:0001"]

    def test_children_know_their_parent(self, subject: Subject) -> None:
        subject.ended(subject.start("Parent", "p1", '"Echo"'))
        children = list(subject.workflows.list(Filter(parent_id="p1")))
        assert [(child.id, child.parent_id) for child in children] == [("p1:0001", "p1")]

    def test_pages_meet_without_gap_or_overlap(self, subject: Subject) -> None:
        for number in range(7):
            subject.start("Echo", f"e{number}")
        for number in range(7):
            subject.ended(f"e{number}")
        for sort in set(Sort) - {Sort.ANY}:  # that order has no pages
            for reverse in (False, True):
                seen: list[str] = []
                last = None
                while True:
                    page = list(subject.workflows.list(Filter(sort=sort, reverse=reverse, limit=3, after=last)))
                    seen += [instance.id for instance in page]
                    if len(page) < 3:
                        break
                    last = page[-1].id
                assert sorted(seen) == [f"e{n}" for n in range(7)], (sort, reverse)

    def test_count(self, subject: Subject) -> None:
        subject.ended(subject.start("Echo", "e1"))
        subject.waits(subject.start("Await", "a1", '"go"'))
        counts = {(count.status, count.name): count.count for count in subject.workflows.count(Filter())}
        assert counts == {(Status.COMPLETED, "Echo"): 1, (Status.RUNNING, "Await"): 1}

    def test_after_a_missing_row(self, subject: Subject) -> None:
        subject.ended(subject.start("Echo", "e1"))
        with pytest.raises(NotFound):
            list(subject.workflows.list(Filter(after="nope")))


class TestRerun:
    def test_from_a_step_keeps_what_came_before(self, subject: Subject) -> None:
        subject.ended(subject.start("Chain", "c1", "3"))
        new_id = subject.workflows.rerun(RerunRequest("c1", 2, "c2", input="40", overwrite_input=True))
        subject.workflows.drive([new_id])
        assert new_id == "c2"
        assert subject.ended("c2").output == "42"
        assert subject.workflows.get("c1").output == "3"

    def test_an_event_must_be_raised_again(self, subject: Subject) -> None:
        subject.waits(subject.start("Await", "a1", '"go"'))
        subject.workflows.raise_event("a1", "go", "1")
        subject.ended("a1")
        subject.workflows.rerun(RerunRequest("a1", 1, "a2"))
        subject.workflows.drive(["a2"])
        subject.waits("a2")
        subject.workflows.raise_event("a2", "go", "2")
        assert subject.ended("a2").output == "2"

    def test_refusals(self, subject: Subject) -> None:
        subject.waits(subject.start("Await", "a1", '"go"'))
        subject.ended(subject.start("Chain", "c1", "1"))
        subject.ended(subject.start("Parent", "p1", '"Echo"'))
        with pytest.raises(NotFound):
            subject.workflows.rerun(RerunRequest("nope", 1))
        with pytest.raises(WrongState):
            subject.workflows.rerun(RerunRequest("a1", 1))
        with pytest.raises(WrongState):
            subject.workflows.rerun(RerunRequest("p1:0001", 1))
        with pytest.raises(NotFound):
            subject.workflows.rerun(RerunRequest("c1", 99))
        with pytest.raises(Conflict):
            subject.workflows.rerun(RerunRequest("c1", 1, "p1"))
        with pytest.raises(InvalidInput):
            subject.workflows.rerun(RerunRequest("c1", 1, "c1"))

    def test_once(self, subject) -> None:
        """The same request twice makes one instance, whoever sends it."""
        subject.ended(subject.start("Chain", "c1", "1"))
        again, once = RerunRequest("c1", 1), RerunRequest("c1", 1, once=True)
        assert subject.workflows.rerun(once) == "c1-rerun-1"
        with pytest.raises(AlreadyRerun) as refused:
            subject.workflows.rerun(once)
        assert refused.value.rerun_id == "c1-rerun-1"
        subject.workflows.drive(["c1-rerun-1"])
        subject.ended("c1-rerun-1")
        assert subject.workflows.rerun(RerunRequest("c1-rerun-1", 1, once=True)) == "c1-rerun-2"
        assert subject.workflows.rerun(again) == "c1-rerun-3"
        found = {one.id: (one.rerun_of, one.rerun_as) for one in subject.workflows.list(Filter(id_prefix="c1"))}
        assert found == {
            "c1": (None, ("c1-rerun-1", "c1-rerun-2", "c1-rerun-3")),
            "c1-rerun-1": ("c1", ("c1-rerun-2", "c1-rerun-3")),
            "c1-rerun-2": ("c1", ("c1-rerun-3",)),
            "c1-rerun-3": ("c1", ()),
        }
        one = subject.workflows.get("c1-rerun-1")
        assert (one.rerun_of, one.rerun_as) == ("c1", ("c1-rerun-2", "c1-rerun-3"))


class TestRefusals:
    """A refusal reads the same, and suggests the same, whatever the target."""

    @pytest.mark.parametrize(
        ("ask", "refusal"),
        [
            (lambda to: to.get("nosuch"), refusals.not_found("nosuch")),
            (lambda to: to.start(StartRequest("Echo", "live")), refusals.id_of_live_instance("live", Status.RUNNING)),
            (
                lambda to: to.start(StartRequest("Echo", "done")),
                refusals.id_of_finished_instance("done", Status.COMPLETED),
            ),
            (lambda to: to.pause("done"), refusals.finished("done", Status.COMPLETED, refusals.NOT_PAUSED)),
            (lambda to: to.resume("live"), refusals.not_suspended("live", Status.RUNNING)),
            (
                lambda to: to.raise_event("done", "go"),
                refusals.finished("done", Status.COMPLETED, refusals.event_not_raised("go")),
            ),
            (lambda to: to.terminate("done"), refusals.finished("done", Status.COMPLETED, refusals.NOT_TERMINATED)),
            (lambda to: to.purge("live"), refusals.not_purgeable("live", Status.RUNNING)),
            (lambda to: to.rerun(RerunRequest("done", 1, "done")), refusals.rerun_under_same_id()),
            (lambda to: to.rerun(RerunRequest("done", 1, "live")), refusals.new_id_taken("live")),
        ],
        ids=[
            "missing",
            "live ID",
            "finished ID",
            "pause",
            "resume",
            "event",
            "terminate",
            "purge",
            "same ID",
            "taken ID",
        ],
    )
    def test_words(self, subject: Subject, ask, refusal) -> None:
        subject.waits(subject.start("Await", "live", '"go"'))
        subject.ended(subject.start("Chain", "done", "1"))
        with pytest.raises(type(refusal)) as caught:
            ask(subject.workflows)
        assert (caught.value.message, caught.value.hint) == (refusal.message, refusal.hint)
        assert caught.value.instance_id == refusal.instance_id or refusal.instance_id is None


class TestForEach:
    def test_results_come_in_order_with_the_error_of_each(self, subject: Subject) -> None:
        for one in ("a", "c", "d"):
            subject.waits(subject.start("Await", one, '"go"'))
        subject.ended(subject.start("Echo", "e", "1"))
        results = [*subject.workflows.for_each(["a", "b", "e", "c"], subject.workflows.pause, lambda error: False)]
        assert [type(one) for one in results] == [type(None), NotFound, WrongState, type(None)]
        assert subject.workflows.get("a").status is Status.SUSPENDED
        assert subject.workflows.get("c").status is Status.SUSPENDED
        assert subject.workflows.get("d").status is Status.RUNNING

    def test_nothing_is_tried_after_an_error_that_stops(self, subject: Subject) -> None:
        for one in ("a", "c"):
            subject.ended(subject.start("Echo", one, "1"))
        results = [*subject.workflows.for_each(["a", "b", "c"], subject.workflows.purge, lambda error: True)]
        assert results[0] == 1
        assert type(results[1]) is NotFound
        assert len(results) == 2
        assert (subject.gone("a"), subject.gone("c")) == (True, False)

    def test_each_is_looked_at_once_before_it_is_acted_on(self, subject: Subject) -> None:
        for one in ("a", "c"):
            subject.waits(subject.start("Await", one, '"go"'))
        looked: list[str] = []

        def act(instance_id: str) -> None:
            assert instance_id in looked
            subject.workflows.raise_event(instance_id, "go", "1")

        results = [*subject.workflows.for_each(["a", "b", "c"], act, lambda error: False, looked.extend)]
        assert [type(one) for one in results] == [type(None), NotFound, type(None)]
        assert looked == ["a", "b", "c"]


class TestSeveral:
    def test_those_that_are_there(self, subject: Subject) -> None:
        subject.waits(subject.start("Await", "a", '"go"'))
        subject.ended(subject.start("Echo", "e", "1"))
        found = subject.workflows.several(["e", "nosuch", "a"], payloads=True, waiting=True)
        assert {one: instance.status for one, instance in found.items()} == {
            "a": Status.RUNNING,
            "e": Status.COMPLETED,
        }
        assert found["e"].output == "1"
        assert found["a"] == subject.workflows.get("a")

    def test_those_that_still_match_as_far_as_it_costs_little(self, subject: Subject) -> None:
        subject.waits(subject.start("Await", "a", '"go"'))
        subject.ended(subject.start("Echo", "e", "1"))
        ids = ["e", "nosuch", "a"]
        live = Filter(statuses=frozenset({Status.RUNNING}), name="Await")
        assert {*subject.workflows.still_match(ids, live)} <= {"a"}
        assert {*subject.workflows.still_match(ids, Filter())} <= {"a", "e"}
        assert not subject.workflows.still_match(ids, Filter(waiting_event="other"))


class TestWorkers:
    def test_whoever_executes_is_told(self, subject: Subject) -> None:
        subject.waits(subject.start("Await", "w", '"go"'))
        (one,) = subject.workflows.workers()
        assert one.connected == 1
        assert one.workers is None or len(one.workers) == 1
        assert not one.backlog, "what waits for an event waits for no worker"


class TestExport:
    def test_an_instance_comes_whole_with_its_tree(self, subject: Subject) -> None:
        subject.ended(subject.start("Parent", "p", '"Stubborn"'))
        subject.ended(subject.start("Countdown", "c", "2"))
        workflows = subject.workflows
        found = list(workflows.export(["p"], Filter(), Reach.TREE))
        parent, child = found
        assert parent.id == "p"
        assert child.instance.parent_id == "p"
        for one in found:
            shown = workflows.get(one.id)
            assert one.history == tuple(workflows.history(one.id))
            same = ("name", "status", "input", "output", "custom_status", "failure", "failed_step", "completed_at")
            assert {name: getattr(one.instance, name) for name in same} == {name: getattr(shown, name) for name in same}
            assert one.instance.created_at is not None
            assert one.instance.started_at is not None
            assert one.instance.failure is not None
            assert root(one.instance.failure).message == "go"
        assert [one.id for one in workflows.export([child.id], Filter(), Reach.TREE)] == [parent.id, child.id]
        assert [one.id for one in workflows.export([parent.id], Filter(), Reach.BELOW)] == [parent.id, child.id]
        assert [one.id for one in workflows.export([child.id], Filter(), Reach.BELOW)] == [child.id]
        assert [one.id for one in workflows.export([parent.id], Filter(), Reach.ALONE)] == [parent.id]
        completed = Filter(frozenset({Status.COMPLETED}))
        assert [one.id for one in workflows.export(None, completed, Reach.TREE)] == ["c"]
        assert [one.id for one in workflows.export(None, Filter(), Reach.TREE)] == [parent.id, child.id, "c"]

    def test_what_a_target_does_not_tell_is_none(self, subject: Subject) -> None:
        subject.waits(subject.start("Await", "w", '"go"'))
        (found,) = subject.workflows.export(["w"], Filter(), Reach.TREE)
        untold = {name for name in ("inbox", "logs") if getattr(found, name) is None}
        assert untold == set(subject.workflows.untold())
        assert found.instance.status is Status.RUNNING
        assert "waiting" in (found.instance.custom_status or "")

    def test_a_rerun_knows_its_original(self, subject: Subject) -> None:
        subject.ended(subject.start("Chain", "first", "2"))
        rerun = subject.workflows.rerun(RerunRequest("first", 1))
        subject.workflows.drive([rerun])
        subject.ended(rerun)
        first, second = subject.workflows.export(["first", rerun], Filter(), Reach.TREE)
        assert first.instance.rerun_as == (rerun,)
        assert second.instance.rerun_of == "first"

    def test_one_that_is_not_there(self, subject: Subject) -> None:
        subject.ended(subject.start("Echo", "e"))
        found = subject.workflows.export(["e", "nosuch"], Filter(), Reach.TREE)
        with pytest.raises(NotFound):
            next(found)


class TestAwaited:
    def test_who_waits_since_when_and_what_is_unread(self, subject: Subject) -> None:
        subject.waits(subject.start("Await", "first", '"go"'))
        subject.waits(subject.start("Await", "second", '"stop"'))
        subject.workflows.raise_event("second", "sotp", "1")
        subject.until("second", lambda one: len(subject.workflows.events(Filter(id_prefix="second"))) == 2)
        found = subject.workflows.events(Filter())
        assert [(one.id, one.event.casefold(), one.state.value) for one in found] == [
            ("first", "go", "waiting"),
            ("second", "stop", "waiting"),
            ("second", "sotp", "unread"),
        ]
        assert found[0].since is not None
        assert found[0].since <= (found[1].since or found[0].since) <= (found[2].at or found[0].since)
        assert [one.id for one in subject.workflows.events(Filter(waiting_event="GO"))] == ["first"]
        assert [one.id for one in subject.workflows.events(Filter(limit=1))] == ["first"]
        groups = {one.event.casefold(): one for one in subject.workflows.event_groups(Filter())}
        assert {name: (one.waiting, one.received, one.unread) for name, one in groups.items()} == {
            "go": (1, 0, 0),
            "stop": (1, 0, 0),
            "sotp": (0, 0, 1),
        }
        assert (groups["go"].example, groups["go"].oldest, groups["go"].name) == ("first", found[0].since, "Await")


class TestApps:
    def test_a_call_of_an_app_that_is_not_there_waits_and_says_for_whom(self, subject: Subject) -> None:
        if subject.name not in ("owner", "beside", "serve", "serve-grpc"):
            pytest.skip("Dapr tries the turn again and again, and may commit none of it meanwhile")
        instance = subject.waits(subject.start("Elsewhere", "e1", "1"))
        (wait,) = [wait for wait in instance.waiting_for if wait.kind == "activity"]
        assert (wait.name, wait.app_id) == ("charge", "payments")
        scheduled = [event for event in subject.workflows.history("e1") if isinstance(event, ev.TaskScheduled)]
        assert [(event.name, event.app_id) for event in scheduled] == [("charge", "payments")]
        assert not subject.workflows.names_apps()
        subject.workflows.terminate("e1")
        assert subject.ended("e1").status is Status.TERMINATED
