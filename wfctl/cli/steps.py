from wfctl.cli.declare import command, new_app
from wfctl.cli.ids import check_id
from wfctl.cli.options import InstanceID
from wfctl.cli.session import Session
from wfctl.model.steps import steps_of
from wfctl.render.history import step_view
from wfctl.render.waiting import utc_now

app = new_app()


@command(app)
def steps(session: Session, instance_id: InstanceID) -> None:
    """Show what an instance did: activities, timers, events, children.

    $ wfctl steps 12345678
    $ wfctl steps 12345678 -o json | jq '.[] | {name, status, durationMs}'

    Scheduled and completed are paired, the attempts of one call are one step, and durations are those that it took.
    """
    check_id(instance_id)
    with session.workflows() as workflows:
        found = steps_of(workflows.history(instance_id))
    begun = min((step.scheduled_at for step in found), default=None)
    session.printer.many(found, step_view(utc_now(), begun))
