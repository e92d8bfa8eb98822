from typing import Annotated

import typer

from wfctl.cli.command import command, new_app
from wfctl.cli.options.common import InstanceID
from wfctl.cli.parsing.filters import parse_count
from wfctl.cli.parsing.instance_id import check_id
from wfctl.cli.session import Session
from wfctl.model.apps import stored
from wfctl.model.instance import Filter, Instance
from wfctl.render.printer import Format
from wfctl.render.text import clean
from wfctl.render.views.waiting import utc_now

app = new_app()


@command(app)
def tree(
    session: Session,
    instance_id: InstanceID,
    depth: Annotated[str | None, typer.Option(metavar="N", help="Depth to show; 0 for all (the default).")] = None,
) -> None:
    """Show an instance and its descendants with their statuses.

    $ wfctl tree 12345678
    $ wfctl tree 12345678 -o jsonl | jq -r 'select(.runtimeStatus == "FAILED").instanceID'

    With -o json each instance has its `children`; with -o jsonl each is a line, with its `depth`.
    """
    from wfctl.render.views.tree import nested_record, tree_view, walk

    check_id(instance_id)
    deepest = parse_count(depth, "--depth", None)
    console = session.console
    with session.workflows() as workflows:

        def children(of: Instance) -> list[Instance]:
            found = workflows.list(Filter(parent_id=of.id, parent_app=stored(of.app_id)))
            return sorted(found, key=lambda one: (one.created_at is not None, one.created_at, one.id))

        root = workflows.get(instance_id)
        nodes = walk(root, children, deepest)
        if session.format in (Format.JSON, Format.YAML):
            session.printer.record(nested_record(nodes))
        else:
            session.printer.many(nodes, tree_view(utc_now(), apps=root.app_id is not None or workflows.names_apps()))
    if root.parent_id is not None and session.format.text:
        console.note(f"it is a child of {clean(root.parent_id)}")
