"""Options that several commands share, each declared once."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Annotated, Any, TypeVar

import typer

from wfctl.cli.help_pages import EVERYWHERE, TARGETS
from wfctl.cli.options.choices import COLOR, FORMAT

_T = TypeVar("_T")

WAITING = "Waiting"  # the panel of what a command does while the workflow runs


@dataclass(frozen=True, slots=True)
class Flags:
    """Hold the options of every command. None or False: not given."""

    format: str | None = None
    target: str | None = None
    store: str | None = None
    app: str | None = None
    python: str | None = None
    color: str | None = None
    quiet: bool = False
    debug: bool = False
    grpc_endpoint: str | None = None
    api_version: str | None = None
    app_id: str | None = None
    ca_file: str | None = None
    request_timeout: str | None = None
    kube_context: str | None = None
    namespace: str | None = None
    pod: str | None = None

    def over(self, others: Flags) -> Flags:
        """These, and where one was not given, the other's."""
        return Flags(**{field.name: getattr(self, field.name) or getattr(others, field.name) for field in fields(self)})

    def settings(self) -> dict[str, str | None]:
        """Return the values by the name of the setting that each one sets."""
        names = ("target", "store", "app", "python", "color", "format", *_SIDECAR)
        return {name: getattr(self, name) for name in names}


def _common(flag: str, *more: str, metavar: str | None = None, help: str) -> Any:
    return typer.Option(flag, *more, metavar=metavar, help=help, rich_help_panel=EVERYWHERE, show_default=False)


_COMMON: dict[str, tuple[Any, Any]] = {
    "format": (
        Annotated[
            str | None,
            _common(
                "--format",
                "-o",
                metavar=FORMAT.metavar,
                help=f"Output format: {FORMAT.listed}.",
            ),
        ],
        None,
    ),
    "target": (
        Annotated[
            str | None,
            _common(
                "--target", "-t", metavar="TARGET", help="Where to go: embedded, sidecar, a URL, or a profile's name."
            ),
        ],
        None,
    ),
    "store": (
        Annotated[str | None, _common("--store", metavar="FILE", help="The store file of the embedded engine.")],
        None,
    ),
    "app": (
        Annotated[
            str | None, _common("--app", metavar="FILE|MODULE", help="The app that registers the workflows (embedded).")
        ],
        None,
    ),
    "python": (
        Annotated[
            str | None,
            _common("--python", metavar="PATH", help="The app's environment, as .venv, or its Python (embedded)."),
        ],
        None,
    ),
    "color": (
        Annotated[
            str | None,
            _common("--color", metavar=COLOR.metavar, help=f"Colours: {COLOR.listed}."),
        ],
        None,
    ),
    "quiet": (Annotated[bool, _common("--quiet", "-q", help="No notes on stderr, only errors.")], False),
    "debug": (Annotated[bool, _common("--debug", help="Show the traceback of an unexpected error.")], False),
}


def _sidecar(flag: str, metavar: str, help: str) -> tuple[Any, Any]:
    option = typer.Option(flag, metavar=metavar, help=help, rich_help_panel=TARGETS, show_default=False)
    return Annotated[str | None, option], None


# Seldom needed: help says them in one line, and all about them in `wfctl help targets`.
_SIDECAR: dict[str, tuple[Any, Any]] = {
    "grpc_endpoint": _sidecar("--grpc-endpoint", "ADDRESS", "The sidecar's gRPC address or port."),
    "api_version": _sidecar("--api-version", "VERSION", "The HTTP workflow API: v1.0, v1.0-beta1, v1.0-alpha1."),
    "app_id": _sidecar("--app-id", "APP", "The app whose workflows are meant; of a store, else all of them."),
    "ca_file": _sidecar("--ca-file", "FILE", "Certificates to trust besides the system's."),
    "request_timeout": _sidecar("--request-timeout", "DURATION", "How long one request may take; 30s unless given."),
    "kube_context": _sidecar("--kube-context", "NAME", "The kubectl context."),
    "namespace": _sidecar("--namespace", "NAME", "The Kubernetes namespace."),
    "pod": _sidecar("--pod", "NAME", "The pod whose sidecar is meant."),
}


def common_parameters(own: Collection[str] = ()) -> list[inspect.Parameter]:
    """Return the common options, without those whose names a command uses for its `own`."""
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in (_COMMON | _SIDECAR).items()
        if name not in own
    ]


def take_flags(values: dict[str, Any], own: Collection[str] = ()) -> Flags:
    """Take the common options out of a command's arguments."""
    return Flags(**{name: values.pop(name) for name in (*_COMMON, *_SIDECAR) if name not in own})


def _argument(name: str, help: str) -> Any:
    return typer.Argument(metavar=name, help=help, show_default=False)


def _option(flag: str, *more: str, metavar: str | None = None, help: str, panel: str | None = None) -> Any:
    return typer.Option(flag, *more, metavar=metavar, help=help, rich_help_panel=panel, show_default=False)


InstanceID = Annotated[str, _argument("ID", "The instance's ID.")]
InstanceIDs = Annotated[list[str], _argument("ID...", "The instances' IDs; - reads them from stdin.")]

Reason = Annotated[str | None, _option("--reason", metavar="TEXT", help="The reason; it is recorded in the history.")]
NoRecursive = Annotated[bool, _option("--no-recursive", help="Do not touch child workflows.")]
Yes = Annotated[bool, _option("--yes", "-y", help="Skip the confirmation; explicit IDs never ask.")]
