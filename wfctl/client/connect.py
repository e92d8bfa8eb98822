"""Open a described target as a `Workflows`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from wfctl.errors import Unsupported
from wfctl.wire.default_ports import HTTP_PORT

if TYPE_CHECKING:
    from wfctl.client.embedded.app_host import AppLogs, AppSidecar
    from wfctl.client.embedded.workflows import EmbeddedWorkflows
    from wfctl.client.port import Workflows
    from wfctl.client.sidecar.endpoint import Endpoint

DEFAULT_HOST = "127.0.0.1"
CONNECT_SECONDS = 0.05
ANSWER_SECONDS = 0.5

Note = Callable[[str], None]


def own_python() -> Path | None:
    """Return the interpreter of an app that runs in this process."""
    return None


@dataclass(frozen=True, slots=True)
class Embedded:
    """A store file, and the app whose workflows it runs. `base` is where a module `app` is looked for.

    `named`: the user named the store, so reading one that does not exist is an error. `python` finds the
    interpreter that runs the app, None for this one; it is called only when the app is needed.
    """

    store: Path
    app: str | None = None
    base: Path | None = None
    named: bool = False
    python: Callable[[], Path | None] = own_python
    local: ClassVar[bool] = True  # a failure here is not worth waiting out
    connections: ClassVar[int] = 1  # useful at a time: the engine has one queue


def connect(
    target: Embedded | Endpoint,
    *,
    drive: bool,
    note: Note,
    deadline: float | None = None,
    logs: AppLogs | None = None,
    sidecar: AppSidecar | None = None,
) -> Workflows:
    """Open the target. `drive`: this command may run the app's code. `note` receives lines for the user.

    `logs`: what to do with what the app logs here. `sidecar` is for an embedded app that uses `DaprClient`.
    `deadline` is the `time.monotonic()` at which the command gives up. Raises Unsupported, InvalidInput.
    """
    if isinstance(target, Embedded):
        return connect_embedded(target, drive=drive, note=note, logs=logs, sidecar=sidecar)
    try:
        from wfctl.client.sidecar.workflows import open_sidecar
    except ImportError as error:
        raise Unsupported(f"this wfctl cannot speak to a sidecar: {error}", hint="--target embedded") from error
    return open_sidecar(replace(target, deadline=deadline), note=note)


def connect_embedded(
    target: Embedded,
    *,
    drive: bool,
    note: Note,
    logs: AppLogs | None = None,
    sidecar: AppSidecar | None = None,
) -> EmbeddedWorkflows:
    """Open the store for what only the embedded engine can do, besides what the port names."""
    from wfctl.client.embedded.workflows import open_embedded

    return open_embedded(
        target.store,
        target.app,
        target.base,
        drive,
        note=note,
        named=target.named,
        python=target.python,
        logs=logs,
        sidecar=sidecar,
    )


def sidecar_answers(host: str = DEFAULT_HOST, port: int = HTTP_PORT) -> bool:
    """Test for a Dapr sidecar at this address. Takes under a millisecond if nothing listens."""
    import _socket as socket  # `socket` itself takes longer to import than this whole check

    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        connection.settimeout(CONNECT_SECONDS)
        connection.connect((host, port))
        connection.settimeout(ANSWER_SECONDS)
        request = f"GET /v1.0/healthz/outbound HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        answer = connection.recv(4096)
    except OSError:
        return False
    finally:
        connection.close()
    # 204: ready. A sidecar that is not ready yet says so with 500, in Dapr's own words.
    return answer.split(b" ", 2)[1:2] == [b"204"] or b"ERR_OUTBOUND_HEALTH" in answer or b"ERR_HEALTH" in answer
