from wfctl.cli.batch import Batch
from wfctl.cli.declare import command, new_app
from wfctl.cli.ids import check_ids
from wfctl.cli.options import InstanceIDs, NoDrive, Reason
from wfctl.cli.session import Session
from wfctl.cli.telling import drive_on, tell_state

app = new_app()


@command(app)
def resume(session: Session, instance_ids: InstanceIDs, reason: Reason = None, no_drive: NoDrive = False) -> None:
    """Let suspended instances go on.

    $ wfctl resume 12345678
    """
    ids = check_ids(instance_ids)
    batch = Batch(session, ids, "resumed")
    with session.workflows(drive=not no_drive) as workflows:
        worked = batch.run(lambda one: workflows.resume(one, reason=reason))
        if worked and not no_drive:
            tell_state(session, workflows, worked, drive_on(session, workflows, worked))
    batch.finish()
