import typer

from wfctl.cli.declare import command
from wfctl.cli.help import CONTEXT, Group
from wfctl.cli.session import Session
from wfctl.render.printer import View
from wfctl.render.text import clean

app = typer.Typer(
    cls=Group,
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings=dict(CONTEXT),
    help="""Show or clear what `list` remembers of finished instances on sidecars.

$ wfctl cache show
$ wfctl cache clear

A finished instance stays as it is, so that the next list asks for the live ones only. No payloads are kept, nothing
for longer than 15 minutes, and what wfctl starts, reruns or purges is forgotten. --no-cache lists without it.""",
)

FIELDS = ("file", "instances", "bytes")


@app.callback()
def _cache() -> None:
    pass


@command(app)
def show(session: Session) -> None:
    """Show where the cache lies and how much it holds.

    $ wfctl cache show
    """
    from wfctl.client.cache import Cache, cache_file

    file = cache_file(session.environ)
    cache = Cache(file)
    try:
        count = cache.count()
    finally:
        cache.close()
    size = file.stat().st_size if file.exists() else 0
    session.printer.one({"file": str(file), "instances": count, "bytes": size}, VIEW)


@command(app)
def clear(session: Session) -> None:
    """Forget all of it.

    $ wfctl cache clear
    """
    from wfctl.client.cache import cache_file, clear

    file = cache_file(session.environ)
    count = clear(file)
    session.console.note(f"forgot {count} instances in {clean(str(file))}")


VIEW: View[dict[str, object]] = View(
    record=dict,
    id=lambda one: str(one["file"]),
    block=lambda one, wide: ((name, clean(str(one[name]))) for name in FIELDS),
)
