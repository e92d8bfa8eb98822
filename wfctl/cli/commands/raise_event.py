from dataclasses import replace

from wfctl.cli.batch.options import SeveralAndEvent, Which
from wfctl.cli.batch.run import Batch
from wfctl.cli.batch.select import Verb
from wfctl.cli.command import command, new_app
from wfctl.cli.options import Data, DataFile, DataString, FailOnStall, NoDrive, Timeout, Wait
from wfctl.cli.parsing.instance_id import check_id, check_name
from wfctl.cli.parsing.json_input import read_payload
from wfctl.cli.session import Session
from wfctl.cli.waiting.finish import finish, parse_deadline
from wfctl.cli.waiting.report import drive_on, tell_state
from wfctl.errors import InvalidInput
from wfctl.model.status import Status
from wfctl.render.text import clean

app = new_app()
VERB = Verb("raise-event", "raised", able=frozenset({Status.RUNNING, Status.PENDING, Status.SUSPENDED}))


@command(app, "raise-event")
def raise_event(
    session: Session,
    which: SeveralAndEvent,
    data: Data = None,
    data_file: DataFile = None,
    data_string: DataString = None,
    wait: Wait = False,
    timeout: Timeout = None,
    fail_on_stall: FailOnStall = False,
    no_drive: NoDrive = False,
) -> int:
    """Send an external event to an instance.

    $ wfctl raise-event 12345678 approval --data '{"approved": true}'
    $ wfctl raise-event 12345678 approval --data-string yes --wait
    $ wfctl raise-event approval --waiting-event approval --name OrderProcessingWorkflow --data true

    The event is kept until the workflow waits for it. ID/EVENT in one word will do too. With a filter, EVENT stands
    alone.
    """
    which, event = _event(which)
    if data == "-" and "-" in which.words:
        raise InvalidInput("stdin cannot hold both the IDs and the data", hint="--data-file FILE, or the IDs as words")
    payload = read_payload(session, data, data_file, data_string, "--data")
    deadline = parse_deadline(timeout, wait, fail_on_stall)
    if which.one is not None and not which.dry_run:
        check_id(which.one)
        with session.workflows(drive=not no_drive, deadline=deadline) as workflows:
            workflows.raise_event(which.one, event, payload)
            session.console.note(f"raised {clean(event)} for {clean(which.one)}")
            return finish(
                session,
                workflows,
                which.one,
                wait=wait,
                deadline=deadline,
                fail_on_stall=fail_on_stall,
                drive=not no_drive,
                show=session.format_given,
            )
    if wait:
        raise InvalidInput("--wait is for one instance", hint="wfctl wait ID... afterwards")
    batch = Batch(session, replace(VERB, told=f"raised {clean(event)} for", asked=f"raise {clean(event)} for"), which)
    with session.workflows(drive=not (no_drive or which.dry_run)) as workflows:
        worked = batch.run(workflows, lambda target, one: target.raise_event(one, event, payload))
        if worked and not no_drive:
            driver = drive_on(session, workflows, worked)
            tell_state(session, workflows, worked if which.filter is None else [], driver)
    batch.finish()
    return 0


def _event(which: Which) -> tuple[Which, str]:
    """The last word is the event; one word alone may be ID/EVENT, as `dapr workflow` has it."""
    words = which.words
    if which.filter is None and len(words) == 1 and "/" in words[0]:
        instance_id, _, event = words[0].partition("/")
        words = (instance_id, event)
    if not words or (which.filter is None and len(words) == 1 and words[0] != ""):
        who = clean(words[0]) if words else "ID"
        raise InvalidInput("the event's name is missing", hint=f"wfctl raise-event {who} EVENT")
    return which.named(words[:-1]), check_name(words[-1], "event's name")
