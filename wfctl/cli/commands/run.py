from typing import Annotated

import typer

from wfctl.cli import exit_codes
from wfctl.cli.command import command, new_app
from wfctl.cli.options.logs import LogLevel
from wfctl.cli.options.skip import RunSkips
from wfctl.cli.parsing.duration import parse_duration
from wfctl.cli.quoting import quoted
from wfctl.cli.session import Session
from wfctl.cli.waiting.progress import run_progress
from wfctl.client.embedded.driving import RunSummary
from wfctl.errors import InvalidInput
from wfctl.model.instance import Skip
from wfctl.render.printer import View
from wfctl.render.text import clean, plural

app = new_app()


@command(app)
def run(
    session: Session,
    skip: RunSkips,
    words: Annotated[list[str] | None, typer.Argument(metavar="TEXT", hidden=True)] = None,
    timeout: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Stop after this long (exit status 124).")
    ] = None,
    log_level: LogLevel = None,
) -> int:
    """Execute all instances in the store until nothing is due.

    $ wfctl run
    $ wfctl run --timeout 10m -o json
    $ wfctl run --skip-time --until +7d

    For cron and CI. Instances that wait for an event, or for a timer more than 10 s away, are left for the next run.
    With --skip-time only what was started with --skip-time is executed, and its time is skipped. Other instances are
    left as they are, unless the store was made for skipped time by wfctl init --skip-time.
    A workflow that fails is an outcome, not an error of this command: wfctl list --status FAILED.
    """
    session.log_level = log_level
    if words:
        raise _not_run_that_way(words)
    limit = None if timeout is None else parse_duration(timeout, "--timeout")
    target = session.embedded_target("a sidecar executes its instances by itself", "wfctl run --target embedded")
    session.going_on = lambda: "wfctl run"
    session.stopped = lambda: "interrupted; nothing is lost, and nobody executes the workflows now"
    with session.embedded(target) as engine, run_progress(session, engine) as tell:
        summary = engine.run_all(None if limit is None else limit.total_seconds(), tell, skip)
    if session.format_given and not session.format.text:
        session.printer.one(summary, VIEW)
    session.console.note(_words(summary))
    if skip is not None and summary.held:
        session.console.note(f"  {_held(summary.held, skip)}")
    elif skip is not None and not summary.ended:
        session.console.note("  nothing that could go on was started with --skip-time")
    return exit_codes.TIMED_OUT if summary.timed_out else exit_codes.DONE


def _not_run_that_way(words: list[str]) -> InvalidInput:
    """Return the error for words after `run`, with the command that means what other tools' `run` does."""
    line = " ".join(map(quoted, words))
    if words[0].endswith(".py") and len(words) == 1:
        hint = f"wfctl run --app {line}"
    elif len(words) > 1 and words[0].startswith(("python", "uv", "node", "dotnet", "go", "java", "npm", "./")):
        hint = f"wfctl serve -- {line} runs an app beside a server"
    else:
        hint = f"wfctl start {quoted(words[0])}"
    return InvalidInput("run takes no workflow: it executes all instances in the store", hint=hint)


def _words(summary: RunSummary) -> str:
    ended = ", ".join(f"{count:,} {status.name}" for status, count in sorted(summary.ended.items()))
    words = [f"{plural(sum(summary.ended.values()), 'instance')} ended" + (f" ({ended})" if ended else "")]
    words.append(f"{summary.waiting:,} live")
    words += [f"{count:,} left alone: this app has no {clean(name)}" for name, count in summary.left_alone.items()]
    return ("timed out; " if summary.timed_out else "") + ", ".join(words)


def _held(count: int, skip: Skip) -> str:
    trees = f"{plural(count, 'instance')} that {'has' if count == 1 else 'have'} not ended"
    if skip == Skip():
        return f"the clock of {trees} has jumped very often: --until +30d goes so far and no further"
    return f"the time of {trees} was skipped as far as --until says"


def _record(summary: RunSummary) -> dict[str, object]:
    return {
        "ended": {status.name: count for status, count in sorted(summary.ended.items())},
        "live": summary.waiting,
        "leftAlone": dict(summary.left_alone),
        "timedOut": summary.timed_out,
        "held": summary.held,
    }


VIEW: View[RunSummary] = View(record=_record)
