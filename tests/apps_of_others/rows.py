"""What a row of the table of other people's apps is: `apps` has the rows, `ways` runs them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WAYS = ("embedded", "serve", "dapr")


@dataclass(frozen=True)
class Repository:
    """Where others keep their apps. `variable` names the checkout, `python` an environment with its requirements."""

    name: str
    variable: str
    python: str = "WFCTL_APPS_PYTHON"

    def checkout(self) -> Path | None:
        given = os.environ.get(self.variable)
        return Path(given).resolve() if given else None


@dataclass(frozen=True)
class Program:
    """One `dapr run --app-id APP -- COMMAND`, in a folder below the app's."""

    app_id: str
    command: tuple[str, ...]
    folder: str = "."
    app_port: int | None = None
    http_port: int | None = None
    grpc_port: int | None = None
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """A request, as the README or the .http file has it. `{id}` is the ID that the last `saves` found."""

    method: str
    url: str
    body: Any = None
    saves: str | None = None
    """The key of the answer with the instance's ID; "" where the answer is the ID."""
    status: int = 200
    has: str = ""
    """What the answer must contain."""
    until: bool = False
    """Ask again until the answer is the one that is wanted."""


@dataclass(frozen=True)
class Says:
    """Wait until the app has written this."""

    text: str


@dataclass(frozen=True)
class Writes:
    """Write this to the app's stdin."""

    text: str


@dataclass(frozen=True)
class Ends:
    """Wait until the instance has ended, and compare; `http` is the sidecar's address. An output of None: any."""

    http: str
    output: Any = None
    status: str = "COMPLETED"
    custom_status: str | None = None


@dataclass(frozen=True)
class Another:
    """Run another program beside the app, with the variables of the first app, to its end."""

    command: tuple[str, ...]
    says: tuple[str, ...] = ()
    endless: bool = False
    """It is ended from outside, when it has said what it says."""


Step = Call | Says | Ends | Another | Writes


@dataclass(frozen=True)
class Embedded:
    """`wfctl start WORKFLOW --app APP --wait` on a store, without any server."""

    app: str
    workflow: str
    input: Any = None
    events: tuple[tuple[str, Any], ...] = ()
    output: Any = None
    says: tuple[str, ...] = ()
    instance_id: str = "one"
    status: str = "COMPLETED"
    after_serve: bool = False
    """It runs once on serve before, with the same store, which leaves state that the workflow wants."""
    apps: dict[str, str] = field(default_factory=dict)
    """Further apps, by app ID: tables `[apps.ID]` in a wfctl.toml."""
    endless: bool = False
    """It goes on until it is terminated, when it has said what it says."""


@dataclass(frozen=True)
class App:
    """One row.

    `template` is the file for `serve -f` and `dapr run -f`; without one, `programs` are run, on serve as
    `wfctl serve -- COMMAND` if there is one, by a template with these if there are more.
    """

    id: str
    repository: Repository
    folder: str
    language: str
    template: str | None = None
    programs: tuple[Program, ...] = ()
    steps: tuple[Step, ...] = ()
    says: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    """A second command, when the first has ended, on the same store, which says `again_says`."""
    again_says: tuple[str, ...] = ()
    exits: int | None = None
    """The status with which the run ends by itself; None: it is ended from outside."""
    embedded: Embedded | str = "not Python"
    not_on: dict[str, str] = field(default_factory=dict)
    """Why it does not run one way. What is not run at all is `left_out`."""
    refused: tuple[Step, ...] = ()
    """What there is to see on serve, where it does not run."""
    changes: str = "nothing"
    note: str = ""
    built: tuple[str, ...] = ()
    """Files below the app's folder that must be there."""
    build: str = ""
    """The command that makes them."""
    left_out: str = ""
    broken: str = ""
    """Why it does not do what its README says, beside Dapr either: `says` is what it does."""
    redis: bool = False
    """Its own resources are on a Redis at 6379."""
    python: str = ""
    fake_model: bool = False
    """It asks a language model: one on loopback answers."""

    def ways(self) -> tuple[str, ...]:
        if self.left_out:
            return ()
        found = [] if isinstance(self.embedded, str) else ["embedded"]
        return (
            *found,
            *(way for way in ("serve", "dapr") if way not in self.not_on or (way == "serve" and self.refused)),
        )
