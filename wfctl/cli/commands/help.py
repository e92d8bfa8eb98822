from typing import Annotated

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
        str | None, typer.Argument(metavar="COMMAND|TOPIC", help="What to explain.", show_default=False)
    ] = None,
) -> None:
    """Explain a command or a topic: exit-codes, json, targets, trust, batch.

    $ wfctl help start
    $ wfctl help exit-codes
    """
    if topic in TOPICS:
        session.console.data(TOPICS[topic])
        return
    if topic is not None and topic not in COMMANDS:
        raise no_such_topic(topic, list(TOPICS))
    from wfctl.cli.root import root_command

    argv = ["--help"] if topic is None else [topic, "--help"]
    group = root_command()
    with group.make_context("wfctl", argv, obj=session) as ctx:
        group.invoke(ctx)
