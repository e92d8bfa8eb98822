from wfctl.cli.batch.confirm import confirm_one
from wfctl.cli.batch.options import SeveralAndEvent, Which
from wfctl.cli.batch.run import Batch
from wfctl.cli.batch.verbs import raising
from wfctl.cli.command import command, new_app
from wfctl.cli.options.payloads import Data
from wfctl.cli.parsing.instance_id import check_id, check_name
from wfctl.cli.session import Session
from wfctl.cli.waiting.driving import carry_on
from wfctl.cli.waiting.finish import finish
from wfctl.cli.waiting.options import MayWait
from wfctl.errors import InvalidInput
from wfctl.render.text import clean
from wfctl.render.views.waiting import utc_now

app = new_app()


@command(app, "raise-event", drives=True)
def raise_event(
    session: Session,
    which: SeveralAndEvent,
    data: Data,
    waiting: MayWait,
) -> int:
    """Send an external event to an instance.

    $ wfctl raise-event 12345678 approval --data '{"approved": true}'
    $ wfctl raise-event 12345678 approval --data-string yes --wait
    $ wfctl raise-event approval --waiting-event approval --name OrderProcessingWorkflow --data true

    The event is kept until the workflow waits for it. ID/EVENT in one word will do too. With a filter, EVENT stands
    alone.
    """
    which, event = _event(which)
    if data.from_stdin and "-" in which.words:
        raise InvalidInput("stdin cannot hold both the IDs and the data", hint="--data-file FILE, or the IDs as words")
    payload = data.read(session)
    verb = raising(event)
    if which.one is not None and not which.dry_run:
        check_id(which.one)
        confirm_one(session, verb, which.one, which)
        with session.workflows(deadline=waiting.deadline) as workflows:
            began = utc_now()
            workflows.raise_event(which.one, event, payload)
            session.console.note(f"raised {clean(event)} for {clean(which.one)}")
            return finish(session, workflows, which.one, waiting, show=session.format_given, raised=(event, began))
    if waiting.wait:
        raise InvalidInput("--wait is for one instance", hint="wfctl wait ID... afterwards")
    batch = Batch(session, verb, which)
    with session.workflows() as workflows:
        worked = batch.run(workflows, lambda target, one: target.raise_event(one, event, payload))
        carry_on(session, workflows, worked, tell=which.filter is None)
    batch.finish()
    return 0


def _event(which: Which) -> tuple[Which, str]:
    """Split off the event, which is the last word; one word alone may be ID/EVENT, as `dapr workflow` has it."""
    words = which.words
    if which.filter is None and len(words) == 1 and "/" in words[0]:
        instance_id, _, event = words[0].partition("/")
        words = (instance_id, event)
    if not words or (which.filter is None and len(words) == 1 and words[0] != ""):
        who = clean(words[0]) if words else "ID"
        raise InvalidInput("the event's name is missing", hint=f"wfctl raise-event {who} EVENT")
    return which.named(words[:-1]), check_name(words[-1], "event's name")
