from wfctl.cli.batch import Batch
from wfctl.cli.declare import command, new_app
from wfctl.cli.ids import check_ids
from wfctl.cli.options import InstanceIDs, NoDrive, Reason
from wfctl.cli.session import Session
from wfctl.cli.telling import drive_on

app = new_app()


@command(app)
def pause(session: Session, instance_ids: InstanceIDs, reason: Reason = None, no_drive: NoDrive = False) -> None:
    """Suspend instances.

    $ wfctl pause 12345678 --reason "stock count"

    Activities that run already finish; nothing new starts until a resume.
    """
    ids = check_ids(instance_ids)
    batch = Batch(session, ids, "paused")
    with session.workflows(drive=not no_drive) as workflows:
        worked = batch.run(lambda one: workflows.pause(one, reason=reason))
        if worked and not no_drive:
            drive_on(session, workflows, worked)
    batch.finish()
