from wfctl.cli.command import command, new_app
from wfctl.cli.options import InstanceID
from wfctl.cli.parsing.instance_id import check_id
from wfctl.cli.session import Session
from wfctl.render.views.instances import instance_view
from wfctl.render.views.waiting import utc_now

app = new_app()


@command(app)
def get(session: Session, instance_id: InstanceID) -> None:
    """Show one instance, and what it waits for.

    $ wfctl get 12345678
    $ wfctl get 12345678 -o json | jq .waitingFor

    Long payloads and stack traces are cut in the table; -o wide and the other formats have them whole.
    """
    check_id(instance_id)
    with session.workflows() as workflows:
        instance = workflows.get(instance_id)
    session.printer.one(instance, instance_view(utc_now()))
