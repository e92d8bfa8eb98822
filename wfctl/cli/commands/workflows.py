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
    """A row: `app_id` is the further app that registers it, None for the own app of the store."""

    kind: str
    name: str
    versions: tuple[str, ...] = ()
    latest: str | None = None
    app_id: str | None = None


@command(app)
def workflows(session: Session) -> None:
    """List the workflows and activities of the app.

    $ wfctl workflows
    $ wfctl workflows --app orders.py -o json

    Those of further apps that wfctl.toml names are listed too.
    """
    target = session.embedded_target(
        "a sidecar does not tell which workflows its app registers", "wfctl workflows --target embedded --app FILE"
    )
    with session.embedded(target) as engine:
        found = list(registered(engine.load_app().registry, None))
        others = engine.load_others()
        for app_id, other in others.items():
            found += registered(other.registry, app_id)
    session.printer.many(found, view(apps=bool(others)))


def registered(registry: Registry, app_id: str | None) -> Iterable[Registered]:
    for name in registry.workflow_names():
        yield Registered("workflow", name, tuple(registry.versions(name)), registry.latest_version(name), app_id)
    for name in registry.activity_names():
        yield Registered("activity", name, app_id=app_id)


def _record(one: Registered) -> dict[str, object]:
    return {
        "kind": one.kind,
        "name": one.name,
        "versions": list(one.versions),
        "latestVersion": one.latest,
        "appID": one.app_id,
    }


def view(*, apps: bool) -> View[Registered]:
    """Return the view; `apps`: there are several, so that each row names its own."""
    return View(
        record=_record,
        id=lambda one: one.name,
        columns=(
            Column("KIND", lambda one: one.kind),
            Column("NAME", lambda one: clean(one.name)),
            Column("APP", lambda one: clean(one.app_id or ""), wide=not apps),
            Column("VERSIONS", lambda one: clean(", ".join(one.versions))),
        ),
    )
