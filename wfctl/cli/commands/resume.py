from wfctl.cli.batch.options import Several
from wfctl.cli.batch.run import Batch
from wfctl.cli.batch.select import Verb
from wfctl.cli.command import command, new_app
from wfctl.cli.options import Reason
from wfctl.cli.session import Session
from wfctl.cli.waiting.driving import drive_on
from wfctl.cli.waiting.options import Drives
from wfctl.cli.waiting.report import tell_state
from wfctl.model.status import Status

app = new_app()
VERB = Verb("resume", "resumed", able=frozenset({Status.SUSPENDED}))


@command(app)
def resume(session: Session, which: Several, drive: Drives, reason: Reason = None) -> None:
    """Resume suspended instances.

    $ wfctl resume 12345678
    $ wfctl resume --status SUSPENDED --yes
    """
    batch = Batch(session, VERB, which)
    with session.workflows(drive=drive and not which.dry_run) as workflows:
        worked = batch.run(workflows, lambda target, one: target.resume(one, reason=reason))
        if worked and drive:
            driver = drive_on(session, workflows, worked)
            tell_state(session, workflows, worked if which.filter is None else [], driver)
    batch.finish()
