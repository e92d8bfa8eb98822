from typing import Annotated, Any

import typer

from wfctl.cli.command import command, new_app
from wfctl.cli.command_table import COMMANDS
from wfctl.cli.session import Session
from wfctl.cli.suggestions import no_such_topic
from wfctl.cli.topic_texts import TOPICS

app = new_app()


@command(app, "help")
def help_(
    session: Session,
    topic: Annotated[
        str | None, typer.Argument(metavar="COMMAND|TOPIC", help="The command or topic to explain.", show_default=False)
    ] = None,
) -> None:
    """List all commands, or explain a command or a topic.

    $ wfctl help
    $ wfctl help start
    $ wfctl help exit-codes

    The topics are exit-codes, json, targets, trust and batch.
    """
    if topic in TOPICS:
        session.console.data(TOPICS[topic])
        return
    if topic is not None and topic not in COMMANDS:
        raise no_such_topic(topic, list(TOPICS))
    from wfctl.cli.root import root_command

    group = root_command()
    if topic is None:
        session.console.data(_all_commands(group, session))
        return
    with group.make_context("wfctl", [topic, "--help"], obj=session) as ctx:
        group.invoke(ctx)


def _all_commands(group: Any, session: Session) -> str:
    ctx = group.make_context("wfctl", ["help"], obj=session, resilient_parsing=True)
    formatter = ctx.make_formatter()
    group.write_all(ctx, formatter)
    return f"{formatter.getvalue().rstrip()}\n"
