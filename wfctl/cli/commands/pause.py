from wfctl.cli.batch.options import Several
from wfctl.cli.batch.run import Batch
from wfctl.cli.batch.verbs import PAUSE
from wfctl.cli.command import command, new_app
from wfctl.cli.options.common import Reason
from wfctl.cli.session import Session
from wfctl.cli.waiting.driving import carry_on

app = new_app()


@command(app, drives=True)
def pause(session: Session, which: Several, reason: Reason = None) -> None:
    """Suspend instances.

    $ wfctl pause 12345678 --reason "stock count"
    $ wfctl pause --name OrderProcessingWorkflow --created-after 1h --dry-run

    Activities that are already running finish; nothing new starts until a resume.
    """
    batch = Batch(session, PAUSE, which)
    with session.workflows() as workflows:
        worked = batch.run(workflows, lambda target, one: target.pause(one, reason=reason))
        if not (batch.all_in_effect and workflows.settled(worked)):  # what is paused does nothing but its activities
            carry_on(session, workflows, worked)
    batch.finish()
