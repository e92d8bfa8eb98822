from collections.abc import Iterator, Sequence

from wfctl.cli.command import command, new_app
from wfctl.cli.options.common import InstanceIDs
from wfctl.cli.session import Session
from wfctl.client.port import Workflows
from wfctl.errors import NotFound, PartFailed
from wfctl.model.instance import Instance
from wfctl.render.views.instances import instance_view
from wfctl.render.views.waiting import utc_now

app = new_app()
# Of what kubectl's users name a kind before the ID.
KINDS = frozenset({"instance", "instances", "workflow", "workflows", "wf", "wfs", "all"})


@command(app)
def get(session: Session, instance_ids: InstanceIDs) -> None:
    """Show instances, and what they wait for.

    $ wfctl get 12345678
    $ wfctl get 12345678 -o json | jq .waitingFor
    $ wfctl list --status FAILED -o jsonl | wfctl get - -o json

    One ID gives one JSON object; several IDs, and -, give a list. Each instance that does not exist is named on stderr:
    exit status 3 if none exists, 7 if some do.
    The table cuts long payloads and stack traces; -o wide and the other formats print them whole.
    """
    from wfctl.cli.batch.stdin_ids import named_ids

    ids = named_ids(session, instance_ids)
    with session.workflows() as workflows:
        if len(instance_ids) == 1 and instance_ids != ["-"]:
            session.printer.one(_get(workflows, ids[0]), instance_view(utc_now()))
        else:
            _several(session, workflows, ids)


def _get(workflows: Workflows, instance_id: str) -> Instance:
    try:
        return workflows.get(instance_id)
    except NotFound as error:
        if instance_id in KINDS:
            error.hint = "wfctl list shows all instances; wfctl get takes their IDs"
        raise


def _several(session: Session, workflows: Workflows, ids: Sequence[str]) -> None:
    missing: list[str] = []

    def found() -> Iterator[Instance]:
        for instance_id in ids:
            try:
                instance = workflows.get(instance_id)
            except NotFound as error:
                missing.append(instance_id)
                session.console.error(session.error_text(error))
            else:
                yield instance

    view = instance_view(utc_now())
    if session.format.text:
        for index, instance in enumerate(found()):
            if index:
                session.console.line("")
            session.printer.one(instance, view)
    else:
        session.printer.many(found(), view)
    if not missing:
        return
    if len(missing) == len(ids):
        raise NotFound(f"none of the {len(ids):,} instances exists", hint="wfctl list")
    raise PartFailed(f"{len(missing):,} of {len(ids):,} instances do not exist")
