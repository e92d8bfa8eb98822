from wfctl.cli import exit_codes
from wfctl.cli.command import command, new_app
from wfctl.cli.options.common import InstanceID
from wfctl.cli.parsing.instance_id import check_id
from wfctl.cli.quoting import quoted
from wfctl.cli.session import Session
from wfctl.cli.waiting.finish import wait_for_end
from wfctl.cli.waiting.loop import Reader
from wfctl.cli.waiting.options import MayWait
from wfctl.cli.waiting.report import tell_end
from wfctl.errors import WrongState
from wfctl.render.json_records import decoded
from wfctl.render.printer import Format
from wfctl.render.text import clean
from wfctl.render.views.payload import write_output

app = new_app()


@command(app, drives=True)
def result(
    session: Session,
    instance_id: InstanceID,
    waiting: MayWait,
) -> int:
    """Print only the output of a finished instance.

    $ TOTAL=$(wfctl result 12345678)
    $ wfctl result 12345678 --wait --timeout 5m | jq .

    The exit status is that of the outcome. A text is printed without its quotes, everything else as JSON; with -o
    json always as JSON.
    """
    check_id(instance_id)
    with session.workflows(deadline=waiting.deadline) as workflows:
        reader = Reader(session, workflows, waiting.deadline)
        if waiting.wait:
            _, status, late = wait_for_end(session, workflows, reader, instance_id, waiting)
            if late is not None:
                raise late
        instance = reader.get(instance_id)
    if not instance.status.terminal:
        if waiting.wait:
            return status
        raise WrongState(
            f"{clean(instance_id)} is {instance.status.name}: it has no result yet",
            hint=f"wfctl wait {quoted(instance_id)}, or wfctl result {quoted(instance_id)} --wait",
            instance_id=instance_id,
        )
    status = exit_codes.of_end(instance.status)
    if status != exit_codes.DONE and not waiting.wait:
        tell_end(session, instance)
    if instance.output is None and status != exit_codes.DONE:
        return status
    if session.format in (Format.JSON, Format.JSONL, Format.YAML):
        session.printer.record(decoded(instance.output))
    else:
        write_output(session.console, instance.output)
    return status
