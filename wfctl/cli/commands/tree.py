from typing import Annotated

import typer

from wfctl.cli.command import command, new_app
from wfctl.cli.options.common import InstanceID
from wfctl.cli.parsing.filters import parse_count
from wfctl.cli.parsing.instance_id import check_id
from wfctl.cli.session import Session
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
    from wfctl.cli.descendants import descendants
    from wfctl.render.views.tree import nested_record, tree_view

    check_id(instance_id)
    deepest = parse_count(depth, "--depth", None)
    console = session.console
    with session.workflows() as workflows:
        root = workflows.get(instance_id)
        nodes = descendants(workflows, root, deepest)
        if session.format in (Format.JSON, Format.YAML):
            session.printer.record(nested_record(nodes))
        else:
            session.printer.many(nodes, tree_view(utc_now(), apps=root.app_id is not None or workflows.names_apps()))
    if root.parent_id is not None and session.format.text:
        console.note(f"it is a child of {clean(root.parent_id)}")
