from collections.abc import Iterable
from dataclasses import dataclass

from wfctl.cli.command import command, new_app
from wfctl.cli.session import Session
from wfctl.render.printer import View
from wfctl.render.table import Column
from wfctl.render.text import clean
from wfctl.workflow.registry import Registry

app = new_app()


@dataclass(frozen=True, slots=True)
class Registered:
    kind: str
    name: str
    versions: tuple[str, ...] = ()
    latest: str | None = None


@command(app)
def workflows(session: Session) -> None:
    """List the workflows and activities of the app.

    $ wfctl workflows
    $ wfctl workflows --app orders.py -o json
    """
    target = session.embedded_target(
        "a sidecar does not tell which workflows its app registers", "wfctl workflows --target embedded --app FILE"
    )
    with session.embedded(target) as engine:
        found = list(registered(engine.load_app().registry))
    session.printer.many(found, VIEW)


def registered(registry: Registry) -> Iterable[Registered]:
    for name in registry.workflow_names():
        yield Registered("workflow", name, tuple(registry.versions(name)), registry.latest_version(name))
    for name in registry.activity_names():
        yield Registered("activity", name)


def _record(one: Registered) -> dict[str, object]:
    return {"kind": one.kind, "name": one.name, "versions": list(one.versions), "latestVersion": one.latest}


VIEW: View[Registered] = View(
    record=_record,
    id=lambda one: one.name,
    columns=(
        Column("KIND", lambda one: one.kind),
        Column("NAME", lambda one: clean(one.name)),
        Column("VERSIONS", lambda one: clean(", ".join(one.versions))),
    ),
)
