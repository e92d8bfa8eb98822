from wfctl.cli.command import command, new_app
from wfctl.cli.options.common import InstanceID
from wfctl.cli.parsing.instance_id import check_id
from wfctl.cli.session import Session
from wfctl.render.views.history import event_view

app = new_app()


@command(app)
def history(session: Session, instance_id: InstanceID) -> None:
    """Show the history events of an instance.

    $ wfctl history 12345678
    $ wfctl history 12345678 -o json | jq '.[] | select(.type == "TaskFailed")'

    In JSON the payloads are whole. `wfctl steps` pairs scheduled with completed.
    """
    check_id(instance_id)
    with session.workflows() as workflows:
        events = workflows.history(instance_id)
    session.printer.many(events, event_view(events))
