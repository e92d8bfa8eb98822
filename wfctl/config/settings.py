"""Which value holds: flag, WFCTL_* variable, profile, project file, user file, DAPR_* variable, automatic.

`target` names a profile, `embedded`, `sidecar`, `grpc` (a sidecar by gRPC alone), or a URL. The values of the chosen
profile stand between the environment and the files. Nothing is read from the network here: an automatic target is
left open (`AUTO`).

What is about one sidecar (its token, its gRPC address, its pod, ...) never goes to another: a file that names a target
of its own keeps these for that target, and Dapr's variables keep theirs for the host that they name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from wfctl.config.files import ConfigFile, beside, is_app_file, project_file, user_data_dir, user_file
from wfctl.config.keys import BY_NAME, KEYS
from wfctl.errors import InvalidInput

AUTO = "auto"
EMBEDDED = "embedded"
SIDECAR = "sidecar"
GRPC = "grpc"
_FIXED_TARGETS = (AUTO, EMBEDDED, SIDECAR, GRPC)
_CLUSTER = ("kube_context", "namespace", "pod")


class Value(NamedTuple):
    """A value and its origin, in words."""

    value: str
    origin: str


@dataclass(frozen=True)
class Settings:
    values: Mapping[str, Value]
    profile: str | None
    project: ConfigFile | None
    user: ConfigFile | None
    cwd: Path
    environ: Mapping[str, str]

    def get(self, name: str) -> str | None:
        found = self.values.get(name)
        return None if found is None else found.value

    @property
    def target(self) -> Value:
        return self.values["target"]

    @cached_property
    def store(self) -> Value:
        return self.values.get("store") or Value(str(user_data_dir(self.environ) / "store.db"), "default")

    @property
    def app(self) -> str | None:
        return self.get("app")

    @property
    def base(self) -> Path:
        """Where a module that is the app is looked for: beside the file that names it, else the current folder."""
        found = self.values.get("app")
        for file in (self.project, self.user):
            if found is not None and file is not None and file.label in found.origin:
                return file.path.parent
        return self.cwd

    def token(self) -> Value | None:
        """The API token. Its value must never be shown."""
        if "token" in self.values:
            return self.values["token"]
        if variable := self.values.get("token_env"):
            secret = self.environ.get(variable.value)
            if not secret:
                raise InvalidInput(f"token_env ({variable.origin}) names {variable.value}, which is not set")
            return Value(secret, f"{variable.value}, by token_env ({variable.origin})")
        if file := self.values.get("token_file"):
            try:
                return Value(Path(file.value).read_text().strip(), f"{file.value} ({file.origin})")
            except OSError as error:
                raise InvalidInput(f"the token_file {file.value} cannot be read: {error.strerror}") from error
        secret = self.environ.get("DAPR_API_TOKEN")
        if not secret or not _dapr_means(self.environ, self.target):
            return None
        return Value(secret, "DAPR_API_TOKEN")


def resolve(flags: Mapping[str, str | None], environ: Mapping[str, str], cwd: Path) -> Settings:
    """`flags` by setting name; None where a flag was not given."""
    project = project_file(cwd)
    user = user_file(environ)
    layers: list[Callable[[str], Value | None]] = [
        lambda name: _flag(flags, name, cwd),
        lambda name: _variable(environ, name, cwd),
    ]
    files = [file for file in (project, user) if file is not None]
    file_layers = [_layer(file.values, file.label) for file in files]
    target = _first([*layers, *file_layers], "target")
    profile = None
    if target is not None and target.value not in _FIXED_TARGETS and not is_address(target.value):
        profile = target.value
        layers.append(_layer(*_profile(profile, target.origin, files)))
    chosen = _profile_target(profile, files) if profile is not None else target
    if chosen is None:
        chosen = _dapr(environ, "target") or Value(AUTO, "automatic")
    # A file with a target of its own that was not chosen keeps to itself what belongs to that target.
    others = [file for file in files if profile is not None or (target is not None and target.origin != file.label)]
    other = {file.label for file in others if "target" in file.values}
    near = [_layer(file.values, file.label) for file in files if file.label not in other]
    values: dict[str, Value] = {}
    for key in KEYS:
        found = _first([*layers, *(near if key.bound else file_layers)], key.name)
        if found is None and key.name == "grpc_endpoint" and _dapr_means(environ, chosen):
            found = _dapr(environ, key.name)
        if found is not None:
            values[key.name] = found
    values["target"] = _by_what_is_given(chosen, values)
    return Settings(values, profile, project, user, cwd, environ)


def _by_what_is_given(target: Value, values: Mapping[str, Value]) -> Value:
    """An automatic target is a sidecar where something says which one, unless a store or an app is named by hand."""
    by_hand = (values[name].origin.startswith(("--", "WFCTL_")) for name in ("store", "app") if name in values)
    if target.value != AUTO or any(by_hand):
        return target
    for name in _CLUSTER:
        if name in values:
            return Value(SIDECAR, f"{name} ({values[name].origin})")
    endpoint = values.get("grpc_endpoint")
    return target if endpoint is None else Value(GRPC, f"grpc_endpoint ({endpoint.origin})")


def is_address(target: str) -> bool:
    return "://" in target or target.startswith(("unix:", "dns:"))


def _first(layers: list[Callable[[str], Value | None]], name: str) -> Value | None:
    return next((value for layer in layers if (value := layer(name)) is not None), None)


def _flag(flags: Mapping[str, str | None], name: str, cwd: Path) -> Value | None:
    value = flags.get(name)
    return None if value is None else _checked(name, value, BY_NAME[name].option, cwd)


def _variable(environ: Mapping[str, str], name: str, cwd: Path) -> Value | None:
    variable = BY_NAME[name].env
    value = environ.get(variable)
    return _checked(name, value, variable, cwd) if value else None


def _checked(name: str, value: str, origin: str, cwd: Path) -> Value:
    key = BY_NAME[name]
    if not value:
        raise InvalidInput(f"{origin} is empty")
    if key.choices and value not in key.choices:
        raise InvalidInput(f"{origin} is {value!r}", hint=f"one of {', '.join(key.choices)}")
    return Value(beside(value, cwd, app=name == "app") if key.path else value, origin)


def _layer(values: Mapping[str, str], label: str) -> Callable[[str], Value | None]:
    return lambda name: Value(values[name], label) if name in values else None


def _profile(name: str, origin: str, files: list[ConfigFile]) -> tuple[Mapping[str, str], str]:
    for file in files:
        if name in file.profiles:
            return file.profiles[name], f"profile {name} in {file.label}"
    known = sorted({profile for file in files for profile in file.profiles})
    raise InvalidInput(
        f"there is no target {name!r} ({origin})",
        hint="embedded, sidecar, grpc, a URL such as http://127.0.0.1:3500"
        + (f", or a profile: {', '.join(known)}" if known else ", or a [profiles.NAME] table in wfctl.toml"),
    )


def _profile_target(name: str, files: list[ConfigFile]) -> Value:
    values, label = _profile(name, "", files)
    target = values.get("target")
    if target is None:
        return Value(AUTO, label)
    if target not in _FIXED_TARGETS and not is_address(target):
        raise InvalidInput(
            f"{label}: target is {target!r}", hint="embedded, sidecar, grpc or a URL: profiles do not nest"
        )
    return Value(target, label)


def _dapr(environ: Mapping[str, str], name: str) -> Value | None:
    """Dapr's own variables, as its SDKs read them."""
    host = environ.get("DAPR_RUNTIME_HOST") or "127.0.0.1"
    if name == "target":
        if endpoint := environ.get("DAPR_HTTP_ENDPOINT"):
            return Value(endpoint, "DAPR_HTTP_ENDPOINT")
        if port := environ.get("DAPR_HTTP_PORT"):
            return Value(f"http://{host}:{port}", "DAPR_HTTP_PORT")
        for variable in ("DAPR_GRPC_ENDPOINT", "DAPR_GRPC_PORT"):
            if environ.get(variable):
                return Value(GRPC, variable)
    if name == "grpc_endpoint":
        if endpoint := environ.get("DAPR_GRPC_ENDPOINT"):
            return Value(endpoint, "DAPR_GRPC_ENDPOINT")
        if port := environ.get("DAPR_GRPC_PORT"):
            return Value(f"{host}:{port}", "DAPR_GRPC_PORT")
    return None


def _dapr_means(environ: Mapping[str, str], target: Value) -> bool:
    """Whether Dapr's variables are about this target: they name it, or they name no other host."""
    if target.origin.startswith("DAPR_") or not is_address(target.value):
        return True
    named = environ.get("DAPR_HTTP_ENDPOINT") or environ.get("DAPR_GRPC_ENDPOINT")
    if named is None and (environ.get("DAPR_HTTP_PORT") or environ.get("DAPR_GRPC_PORT")):
        named = environ.get("DAPR_RUNTIME_HOST") or "127.0.0.1"
    return named is None or _host(named) == _host(target.value)


def _host(address: str) -> str:
    rest = address.partition("://")[2] or address
    host = rest.rpartition("@")[2].partition("/")[0].partition("?")[0]
    host = host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    return "127.0.0.1" if host == "localhost" else host.lower()


__all__ = ["AUTO", "EMBEDDED", "GRPC", "SIDECAR", "Settings", "Value", "is_address", "is_app_file", "resolve"]
