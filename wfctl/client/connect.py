"""Describe the embedded engine as a target, and find out whether a sidecar answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from wfctl.wire.default_ports import HTTP_PORT

if TYPE_CHECKING:
    from wfctl.client.doctor.check import Check
    from wfctl.client.embedded.workflows import EmbeddedWorkflows
    from wfctl.client.port import Host

DEFAULT_HOST = "127.0.0.1"
CONNECT_SECONDS = 0.05
ANSWER_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Embedded:
    """Implement the port `Target`: a store file, and the app whose workflows it runs.

    store        the SQLite file
    app          the module or file of the app; None: none is named
    base         where a module `app` is looked for
    named        the user named the store, so reading one that does not exist is an error
    python       finds the interpreter that runs the app, None for this one; called only when the app is needed
    environment  describes the Python environment of the app; None if it is wfctl's own
    app_id       the app whose instances are meant; None: those of all
    others       further apps to run in this process: by app ID, the module or file, and where a module is looked for
    """

    store: Path
    app: str | None = None
    base: Path | None = None
    named: bool = False
    python: Callable[[], Path | None] = lambda: None
    environment: Callable[[], str | None] = lambda: None
    app_id: str | None = None
    others: Mapping[str, tuple[str, Path]] = field(default_factory=dict)
    local: ClassVar[bool] = True
    connections: ClassVar[int] = 1  # the engine has one queue
    name: ClassVar[str | None] = "embedded"

    @property
    def address(self) -> str:
        return str(self.store)

    @property
    def embedded(self) -> Embedded:
        return self

    def open(self, host: Host) -> EmbeddedWorkflows:
        from wfctl.client.embedded.workflows import open_embedded

        return open_embedded(
            self.store,
            self.app,
            self.base,
            host.may_drive,
            note=host.note,
            named=self.named,
            python=self.python,
            logs=host.logs,
            sidecar=host.sidecar,
            app_id=self.app_id,
            others=self.others,
        )

    @contextmanager
    def checked(self, host: Host, seconds: float | None) -> Iterator[Callable[[], Sequence[Check]]]:
        from wfctl.client.doctor.embedded import check_embedded

        engine = self.open(host)
        try:
            yield lambda: check_embedded(self.store, self.app, engine.load_app, self.environment, engine.load_others)
        finally:
            engine.close()

    def executed(self) -> bool:
        from wfctl.engine.owner_lock import is_owned

        return is_owned(self.store)


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
