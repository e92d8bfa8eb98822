from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wfctl.cli.command import command, new_app
from wfctl.cli.options.choices import LEVEL
from wfctl.cli.parsing.duration import parse_duration
from wfctl.cli.session import Session
from wfctl.config.permissions import read_token
from wfctl.errors import InvalidInput, Unsupported
from wfctl.install import install_command
from wfctl.render.text import clean

if TYPE_CHECKING:
    from datetime import timedelta

    from wfctl.config.settings import Settings as ConfigSettings
    from wfctl.engine.engine_thread import Engine
    from wfctl.engine.retention import Retention
    from wfctl.gateway.run_template import RunTemplate
    from wfctl.workflow.loading.app import App

app = new_app()

_SIZE = re.compile(r"(\d+)\s*(?:(k|m|g)i?b?)?", re.IGNORECASE | re.ASCII)
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def _option(panel: str, *names: str, metavar: str | None = None, help: str, **more: Any) -> Any:
    return typer.Option(*names, metavar=metavar, help=help, rich_help_panel=panel, show_default=False, **more)


_LISTEN = "Where to listen"
_SAY = "What to say"
_LIMITS = "Limits"


@command(app)
def serve(
    session: Session,
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- CMD...]", help="Run this app as a child of the server.", show_default=False),
    ] = None,
    run_file: Annotated[
        Path | None,
        typer.Option(
            "--run-file",
            "-f",
            metavar="FILE|FOLDER",
            help="Run the apps of this template of `dapr run -f` (dapr.yaml).",
            show_default=False,
        ),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Start an app again when it ends, instead of ending with it.")
    ] = False,
    reload: Annotated[bool, typer.Option("--reload", help="Start the app again when its code changes.")] = False,
    http_port: Annotated[
        int | None,
        _option(_LISTEN, metavar="PORT", help="For HTTP: 3500 or, if taken, a free one. 0: any.", min=0, max=65535),
    ] = None,
    grpc_port: Annotated[
        int | None,
        _option(_LISTEN, metavar="PORT", help="For gRPC: 50001 or, if taken, a free one. 0: any.", min=0, max=65535),
    ] = None,
    grpc_unix: Annotated[
        Path | None, _option(_LISTEN, metavar="FILE", help="Also serve gRPC on this Unix socket.")
    ] = None,
    listen: Annotated[str, _option(_LISTEN, metavar="ADDR", help="The address; 127.0.0.1 unless given.")] = "127.0.0.1",
    allow_host: Annotated[
        list[str] | None, _option(_LISTEN, metavar="NAME", help="Another host name that requests may be for.")
    ] = None,
    token_file: Annotated[
        Path | None, _option(_LISTEN, metavar="FILE", help="Demand the token in it; else that of DAPR_API_TOKEN.")
    ] = None,
    insecure: Annotated[bool, _option(_LISTEN, "--insecure", help="Serve other addresses without a token.")] = False,
    ready_file: Annotated[
        Path | None, _option(_SAY, metavar="FILE", help="Write the endpoints to it, as JSON, when ready.")
    ] = None,
    print_endpoints: Annotated[
        str | None, _option(_SAY, metavar="json", help="Print the endpoints on stdout when ready.")
    ] = None,
    app_id: Annotated[str, _option(_SAY, metavar="APP", help="The app ID that clients are told.")] = "wfctl",
    log_level: Annotated[str, _option(_SAY, metavar=LEVEL.metavar, help=f"Log from {LEVEL.listed} on.")] = "info",
    max_body_size: Annotated[
        str, _option(_LIMITS, metavar="SIZE", help="Refuse larger requests; 4Mi unless given.")
    ] = "4Mi",
    retain: Annotated[
        list[str] | None,
        _option(
            _LIMITS,
            metavar="RULES",
            help="Delete what has ended after a time: completed=7d,failed=30d,terminated=1h,any=90d.",
        ),
    ] = None,
    window: Annotated[
        int | None, _option(_LIMITS, metavar="N", help="Activities in one worker's hands at a time.", min=1)
    ] = None,
) -> int:
    """Serve Dapr's workflow APIs over the store, without Dapr.

    $ wfctl serve
    $ wfctl serve --app orders.py
    $ wfctl serve -- python app.py
    $ wfctl serve -f dapr.yaml
    $ wfctl serve --http-port 0 --grpc-port 0 --ready-file ready.json

    Unmodified apps of the Dapr SDKs connect to it, in any language; curl and every other command reach it as they
    reach a sidecar. With --app the workflows of that file run inside the server; a command after -- is run with
    Dapr's environment variables, and ends with the server. -f runs every app of a multi-app run template, each with
    ports of its own, and the server ends when one of them does.
    """
    if print_endpoints not in (None, "json"):
        raise InvalidInput(f"--print-endpoints {clean(print_endpoints)}", hint="--print-endpoints json")
    try:
        from wfctl.gateway.listening.security import check_listen, check_token
        from wfctl.gateway.log import Level, Log
        from wfctl.gateway.server import DEFAULT_ACTIVITIES, Settings
        from wfctl.gateway.server import serve as run
    except ImportError as error:
        raise Unsupported(
            "this wfctl is installed without what serving needs",
            hint=install_command("serve"),
        ) from error
    if reload:
        _check_watching()
    level = Level[LEVEL.parse(log_level, "--log-level").upper()]
    token = _token(token_file, session)
    if token is not None:
        check_token(token, "DAPR_API_TOKEN" if token_file is None else "--token-file")
    check_listen(listen, token, insecure)
    template = None if run_file is None else _template(session, run_file, command, http_port, grpc_port, grpc_unix)
    settings = session.settings
    store = Path(settings.store.value)
    given = Settings(
        store=store,
        load=None if settings.app is None or template is not None else lambda: _load(settings, reload),
        app_id=app_id,
        http_port=http_port,
        grpc_port=grpc_port,
        grpc_unix=grpc_unix,
        listen=listen,
        hosts=tuple(allow_host or ()),
        token=token,
        max_body=_size(max_body_size),
        command=tuple(command or ()),
        apps=() if template is None else template.apps,
        restart=restart,
        reload=reload,
        color=template is not None and session.console.err_color,
        ready_file=ready_file,
        print_endpoints=print_endpoints is not None,
        bind_client=lambda engine: _bind_client(engine, store),
        most_activities=window or DEFAULT_ACTIVITIES,
        retention=_retention(retain or [settings.get("retain") or ""]),
    )
    if session.flags.quiet and level is Level.INFO:
        level = Level.WARNING
    return run(given, Log(session.stderr, level), session.console.note)


def _check_watching() -> None:
    """Raises Unsupported where what notices changes is not installed."""
    try:
        import watchfiles  # noqa: F401
    except ImportError as error:
        raise Unsupported("--reload needs watchfiles", hint=install_command("serve")) from error


def _template(
    session: Session,
    file: Path,
    command: list[str] | None,
    http_port: int | None,
    grpc_port: int | None,
    grpc_unix: Path | None,
) -> RunTemplate:
    """Read a run template and tell what it asks for in vain. Raises InvalidInput, also beside what it says itself."""
    from wfctl.gateway.run_template import read_template

    beside = {
        "-- CMD": command,
        "--app": session.flags.app,
        "--http-port": http_port,
        "--grpc-port": grpc_port,
        "--grpc-unix": grpc_unix,
    }
    given = next((name for name, value in beside.items() if value), None)
    if given is not None:
        raise InvalidInput(f"{given} and -f exclude each other", hint="the template names apps, commands and ports")
    template = read_template(file)
    for note in template.notes:
        session.console.note(clean(note))
    return template


def _load(settings: ConfigSettings, reload: bool) -> App:
    from wfctl.engine.execute.hosting import load

    # Code is loaded again by a new process: what is imported once stays.
    python = settings.interpreter or (Path(sys.executable) if reload else None)
    return load(settings.app or "", settings.base, python)


def _token(file: Path | None, session: Session) -> str | None:
    if file is None:
        return session.environ.get("DAPR_API_TOKEN") or None
    return read_token(file, "--token-file")


def _size(text: str) -> int:
    match = _SIZE.fullmatch(text.strip())
    if match is None or not int(match[1]):
        raise InvalidInput(f"--max-body-size {clean(text)!r} is not a size", hint="4Mi, 16Mi or a number of bytes")
    return min(int(match[1]) * _UNITS[(match[2] or "").lower()], 2**31 - 1)


def _retention(rules: list[str]) -> Retention:
    from wfctl.engine.retention import Retention

    found: dict[str, timedelta] = {}
    for rule in filter(None, (part.strip() for text in rules for part in text.split(","))):
        name, _, time = rule.partition("=")
        if name.lower() not in ("completed", "failed", "terminated", "any"):
            raise InvalidInput(f"--retain {clean(rule)!r} is no rule", hint="--retain completed=7d,failed=30d,any=90d")
        found[name.lower()] = parse_duration(time, f"--retain {name}=")
    return Retention(**found)


def _bind_client(engine: Engine, store: Path) -> Callable[[], None]:
    """Connect the app's own DaprWorkflowClient, used in its activities, to this engine. Returns the undo."""
    from wfctl.engine.app_client import EngineBackend
    from wfctl.workflow.client_backend import bind_backend

    backend = EngineBackend(engine, store)
    bind_backend(backend)

    def undo() -> None:
        bind_backend(None)
        backend.close()

    return undo
