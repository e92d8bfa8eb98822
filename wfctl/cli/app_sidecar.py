"""The sidecar of an embedded app that uses `DaprClient`, made when it is needed: most apps pay nothing for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wfctl.install import install_command

if TYPE_CHECKING:
    from wfctl.engine.engine_thread import Engine
    from wfctl.engine.transaction import Transaction
    from wfctl.gateway.app_sidecar import AppSidecar

# Who sets one of these has a sidecar.
_ADDRESSES = ("DAPR_HTTP_ENDPOINT", "DAPR_GRPC_ENDPOINT", "DAPR_HTTP_PORT", "DAPR_GRPC_PORT")


class LazySidecar:
    """Implements `client.embedded.app_host.AppSidecar`. `note` is told, once, where the app cannot have one."""

    def __init__(self, note: Callable[[str], None], environ: Mapping[str, str]) -> None:
        self._note = note
        self._has_one = any(environ.get(name) for name in _ADDRESSES)
        self._opened: AppSidecar | None = None
        self._engine: tuple[Engine, Path, Sequence[str]] | None = None
        self._told = False

    def environment(self) -> Mapping[str, str]:
        if self._has_one:
            return {}
        if self._opened is None:
            try:
                from wfctl.gateway.app_sidecar import AppSidecar
            except ImportError:
                return self._without()
            self._opened = AppSidecar()
            if self._engine is not None:
                self._opened.serve(*self._engine)
        return self._opened.environment()

    def _without(self) -> Mapping[str, str]:
        if not self._told:
            self._told = True
            self._note(f"the app uses DaprClient, which finds no sidecar here: {install_command('serve')}")
        # A client waits for a sidecar's health, by default for a minute.
        return {"DAPR_HEALTH_TIMEOUT": "1"}

    def serve(self, engine: Engine, store: Path, workflows: Sequence[str]) -> None:
        self._engine = engine, store, workflows
        if self._opened is not None:
            self._opened.serve(engine, store, workflows)

    def committed(self, transaction: Transaction) -> None:
        if self._opened is not None:
            self._opened.committed(transaction)

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
