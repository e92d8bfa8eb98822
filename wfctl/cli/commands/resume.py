from wfctl.cli.batch.options import Several
from wfctl.cli.batch.run import Batch
from wfctl.cli.batch.verbs import RESUME
from wfctl.cli.command import command, new_app
from wfctl.cli.options.common import Reason
from wfctl.cli.session import Session
from wfctl.cli.waiting.driving import carry_on

app = new_app()


@command(app, drives=True)
def resume(session: Session, which: Several, reason: Reason = None) -> None:
    """Resume suspended instances.

    $ wfctl resume 12345678
    $ wfctl resume --status SUSPENDED --yes
    """
    batch = Batch(session, RESUME, which)
    with session.workflows() as workflows:
        worked = batch.run(workflows, lambda target, one: target.resume(one, reason=reason))
        carry_on(session, workflows, worked, tell=which.filter is None)
    batch.finish()
