"""Resolve each setting: flag, WFCTL_* variable, profile, project file, user file, DAPR_* variable, automatic.

`target` names a profile, `embedded`, `sidecar`, `grpc` (a sidecar by gRPC alone), or a URL. The values of the chosen
profile stand between the environment and the files. Nothing is read from the network here: `cli.target` decides
what `AUTO` stands for.

Settings of one sidecar (its token, gRPC address, pod, ...) are never used for another: those in a file that names a
target apply to that target, and Dapr's variables apply to the host that they name.

An untrusted project file may set little: see `trust`. `survey` returns the settings as if it were trusted, for
commands that only show them; every other command uses `resolve`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wfctl.config.files import USER_DIRS, ConfigFile, beside, is_app_file, project_file, user_file
from wfctl.config.keys import BY_NAME, KEYS, PROTECTED
from wfctl.config.permissions import TRUST_VARIABLE, read_token, trusted_by_environment
from wfctl.config.trust import is_free, is_trusted, loopback, was_trusted
from wfctl.errors import InvalidInput, NotTrusted
from wfctl.wire.default_ports import GRPC_PORT, HTTP_PORT

if TYPE_CHECKING:
    from wfctl.config.environment import Environment

AUTO = "auto"
EMBEDDED = "embedded"
SIDECAR = "sidecar"
GRPC = "grpc"
_FIXED_TARGETS = (AUTO, EMBEDDED, SIDECAR, GRPC)
CLUSTER = ("kube_context", "namespace", "pod")
# The addresses that wfctl tries on this machine if none is named.
_DEFAULTS = {"target": f"http://127.0.0.1:{HTTP_PORT}", "grpc_endpoint": f"127.0.0.1:{GRPC_PORT}"}


class Value(NamedTuple):
    """Hold a value, and a description of its origin."""

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
    needs_trust: tuple[str, ...] = ()  # effective settings from the project's file that need the user's consent
    protected: str | None = None  # the name of the protected profile that this target belongs to
    apps: Mapping[str, Value] = field(default_factory=dict)  # further apps of an embedded target, by app ID

    @cached_property
    def trusted(self) -> bool:
        """Return True if the project's file counts as the user's own."""
        if self.project is None:
            return False
        return trusted_by_environment(self.environ) or is_trusted(self.project, self.environ)

    def checked(self) -> Settings:
        """Return these settings. Raises NotTrusted."""
        if not self.needs_trust or self.trusted:
            return self
        assert self.project is not None
        changed = "has changed since you trusted it" if was_trusted(self.project, self.environ) else "is not trusted"
        raise NotTrusted(
            f"{self.project.label} {changed}, and sets {', '.join(self.needs_trust)}",
            hint=f"see what it says (wfctl config show), then: wfctl config trust; in CI: {TRUST_VARIABLE}=1",
        )

    def get(self, name: str) -> str | None:
        found = self.values.get(name)
        return None if found is None else found.value

    @property
    def target(self) -> Value:
        return self.values["target"]

    @cached_property
    def store(self) -> Value:
        return self.values.get("store") or Value(str(USER_DIRS.user_data_path / "store.db"), "default")

    @property
    def app(self) -> str | None:
        return self.get("app")

    @cached_property
    def environment(self) -> Environment | None:
        """Return the app's Python environment; None for wfctl's own Python. Raises AppError and NotTrusted."""
        from wfctl.config import environment

        given = self.values.get("python")
        if given is not None:
            return environment.named(given.value, given.origin)
        if self.app is None:
            return None
        return environment.discover(self.environ, Path(self.app).parent if is_app_file(self.app) else self.base)

    @property
    def interpreter(self) -> Path | None:
        """Return the Python that runs the app; None for wfctl's own. Raises AppError and NotTrusted."""
        found = self.environment
        return None if found is None or found.own else found.python

    @property
    def base(self) -> Path:
        """Return the folder to import the app's module from: that of the file that names it, else the current one."""
        return self.base_of(self.values.get("app"))

    def base_of(self, app: Value | None) -> Path:
        """Return the folder to import this app's module from."""
        for file in (self.project, self.user):
            if app is not None and file is not None and file.label in app.origin:
                return file.path.parent
        return self.cwd

    def token(self) -> Value | None:
        """Return the API token, which must never be shown; None if there is none or it is withheld."""
        return None if self._strange_address else self._any_token()

    @property
    def withheld(self) -> str | None:
        """Return why the token is not sent to this target; None if it is, or if there is none. Raises InvalidInput."""
        if not self._strange_address or self.project is None or (token := self._any_token()) is None:
            return None
        return (
            f"the token ({token.origin}) is not sent to {self._strange_address}, "
            f"which only {self.project.label} names; if it may go there: wfctl config trust"
        )

    @property
    def _strange_address(self) -> str | None:
        """Return the address if only an untrusted project file names it: the user's token is not sent there."""
        for name in ("target", "grpc_endpoint"):
            given = self.values.get(name)
            if given is None or not _is_of(self.project, given) or given.value in _FIXED_TARGETS or self.trusted:
                continue
            if (address := loopback(given.value)) is None or address not in self._addresses_of_the_user(name):
                return given.value
        return None

    def _addresses_of_the_user(self, name: str) -> list[tuple[str, str] | None]:
        users = self.user.values.get(name) if self.user is not None else None
        dapr = _dapr(self.environ, name)
        named = (self.environ.get(BY_NAME[name].env), users, dapr.value if dapr else None, _DEFAULTS[name])
        return [loopback(address) for address in named if address]

    def _any_token(self) -> Value | None:
        if "token" in self.values:
            return self.values["token"]
        if variable := self.values.get("token_env"):
            secret = self.environ.get(variable.value)
            if not secret:
                raise InvalidInput(f"token_env ({variable.origin}) names {variable.value}, which is not set")
            return Value(secret, f"{variable.value}, by token_env ({variable.origin})")
        if file := self.values.get("token_file"):
            return Value(read_token(Path(file.value), "the token_file"), f"{file.value} ({file.origin})")
        secret = self.environ.get("DAPR_API_TOKEN")
        if not secret or not _dapr_means(self.environ, self.target):
            return None
        return Value(secret, "DAPR_API_TOKEN")


def resolve(flags: Mapping[str, str | None], environ: Mapping[str, str], cwd: Path) -> Settings:
    """Return the effective settings. `flags` by setting name; None where a flag was not given.

    Raises NotTrusted if one of them comes from a project's file and needs consent that the user has not given.
    """
    return survey(flags, environ, cwd).checked()


def survey(flags: Mapping[str, str | None], environ: Mapping[str, str], cwd: Path) -> Settings:
    """Return the settings as if the project's file were trusted: to be shown, not to be acted upon."""
    project = project_file(cwd, environ)
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
    # If a file names a target that was not chosen, its settings for that target do not apply.
    others = [file for file in files if profile is not None or (target is not None and target.origin != file.label)]
    other = {file.label for file in others if "target" in file.values}
    near = [_layer(file.values, file.label) for file in files if file.label not in other]
    values: dict[str, Value] = {}
    for key in KEYS:
        if key.name == PROTECTED:
            continue
        found = _first([*layers, *(near if key.bound else file_layers)], key.name)
        if found is None and key.name == "grpc_endpoint" and _dapr_means(environ, chosen):
            found = _dapr(environ, key.name)
        if found is not None:
            values[key.name] = found
    needs_trust = tuple(_needing_trust(project, values | {"target": chosen}, target, user))
    values["target"] = chosen
    guard = _guard(profile, values, files)
    if guard is not None:
        values[PROTECTED] = Value("true", _profile_label(*guard))
    protected = guard[0] if guard else None
    return Settings(values, profile, project, user, cwd, environ, needs_trust, protected, _apps(files))


def _apps(files: list[ConfigFile]) -> dict[str, Value]:
    """Return the further apps; the project's come before the user's of the same ID."""
    found: dict[str, Value] = {}
    for file in files:
        for app_id, app in file.apps.items():
            found.setdefault(app_id, Value(app, file.label))
    return found


def _guard(profile: str | None, values: Mapping[str, Value], files: list[ConfigFile]) -> tuple[str, ConfigFile] | None:
    """Return the protected profile that was chosen, or whose address or store was, and the file that protects it.

    A profile is protected if any file says so: another file cannot undo that.
    """
    for file in files:
        for name, given in file.profiles.items():
            if given.get(PROTECTED) == "true" and (name == profile or _is_target(given, values)):
                return name, file
    return None


def _is_target(profile: Mapping[str, str], values: Mapping[str, Value]) -> bool:
    """Return True if a profile has the address, or the store, that is in effect."""
    target, chosen = profile.get("target"), values["target"].value
    if target is not None and is_address(target):
        return target.rstrip("/").lower() == chosen.rstrip("/").lower()
    store = values.get("store")
    return target == chosen == EMBEDDED and store is not None and profile.get("store") == store.value


def _needing_trust(
    project: ConfigFile | None, values: Mapping[str, Value], target: Value | None, user: ConfigFile | None
) -> Iterator[str]:
    """Yield the names of effective settings from a project's file that need consent. `target` may name a profile."""
    if project is None:
        return
    chosen = values["target"]
    profile = "" if target is None else target.value
    if user is not None and profile in user.profiles and profile in project.profiles:
        yield f"profiles.{profile}"  # in the place of the user's own profile of that name
        return
    if target is not None and target.origin == project.label and not _is_of(project, chosen):
        yield "target"  # it selects one of the user's profiles, with all its settings
    for app_id, app in project.apps.items():
        if not is_free("app", app, project):
            yield f"apps.{app_id}.app"
    for name, value in values.items():
        if not _is_of(project, value):
            continue
        # An address on this machine is harmless only if the target is on this machine too.
        far = name == "grpc_endpoint" and not is_free("target", chosen.value, project)
        if far or not is_free(name, value.value, project):
            yield name if value.origin == project.label else f"profiles.{_profile_in(project, value)}.{name}"


def _is_of(file: ConfigFile | None, value: Value) -> bool:
    return file is not None and (value.origin == file.label or _profile_in(file, value) is not None)


def _profile_in(file: ConfigFile, value: Value) -> str | None:
    return next((name for name in file.profiles if value.origin == _profile_label(name, file)), None)


def is_target(target: str) -> bool:
    """Return True if `target` is one by itself, and no profile."""
    return target in _FIXED_TARGETS or is_address(target)


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
    return Value(beside(value, cwd, name) if key.path else value, origin)


def _layer(values: Mapping[str, str], label: str) -> Callable[[str], Value | None]:
    return lambda name: Value(values[name], label) if name in values else None


def _profile(name: str, origin: str, files: list[ConfigFile]) -> tuple[Mapping[str, str], str]:
    for file in files:
        if name in file.profiles:
            return file.profiles[name], _profile_label(name, file)
    known = sorted({profile for file in files for profile in file.profiles})
    raise InvalidInput(
        f"there is no target {name!r} ({origin})",
        hint="embedded, sidecar, grpc, a URL such as http://127.0.0.1:3500"
        + (f", or a profile: {', '.join(known)}" if known else ", or a [profiles.NAME] table in wfctl.toml"),
    )


def _profile_label(name: str, file: ConfigFile) -> str:
    return f"profile {name} in {file.label}"


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
    """Return a setting from Dapr's own variables, read as Dapr's SDKs read them."""
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
    """Return True if Dapr's variables apply to this target: they name it, or no other host."""
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
