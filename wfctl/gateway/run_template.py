"""Dapr's multi-app run template (`dapr run -f`): which apps a run has, and what of it wfctl is not.

Only what `wfctl serve` acts on is checked. Keys are compared without case: templates in the wild write some of them in
two ways.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wfctl.errors import InvalidInput

NAMES = ("dapr.yaml", "dapr.yml")
DAPR = "for that the app needs Dapr itself"
MOST_BYTES = 1 << 20
# Building blocks by the first part of a component's type.
_BLOCKS = {
    "pubsub": "pub/sub",
    "bindings": "bindings",
    "secretstores": "secrets",
    "configuration": "configuration",
    "lock": "locks",
    "crypto": "cryptography",
    "conversation": "conversation",
    "middleware": "middleware",
}
_KINDS = {
    "Subscription": "pub/sub",
    "HTTPEndpoint": "calls of endpoints elsewhere",
    "Resiliency": "resiliency policies",
}
# Settings of the template that ask for something that wfctl is not.
_ASKS = {
    "configfilepath": "Dapr's configuration file",
    "enableapphealthcheck": "health checks of the app",
    "appssl": "TLS to the app",
    "unixdomainsocket": "Unix sockets",
}


@dataclass(frozen=True, slots=True)
class AppRun:
    """One app of a run. A port of None is any; `app_port` of None: the app listens on none."""

    app_id: str
    folder: Path | None = None
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    app_port: int | None = None
    http_port: int | None = None
    grpc_port: int | None = None


@dataclass(frozen=True, slots=True)
class RunTemplate:
    """The apps of a template, and a line for each thing that it asks for and does not get."""

    apps: tuple[AppRun, ...]
    notes: tuple[str, ...] = ()


def read_template(path: Path) -> RunTemplate:
    """Read a template: a file, or a folder with a dapr.yaml. Raises InvalidInput."""
    file = _file(path)
    table = _lower(_load(file), str(file))
    version = table.get("version", 1)
    if version != 1:
        raise InvalidInput(f"{file}: version is {version!r}", hint="version: 1 is the only one that there is")
    common = _table(table.get("common"), f"{file}: common")
    given = table.get("apps")
    if not isinstance(given, list) or not given:
        raise InvalidInput(f"{file} names no apps", hint="apps: a list with appID, appDirPath and command of each")
    rows = [_table(row, f"{file}: apps[{number}]") for number, row in enumerate(given)]
    apps = tuple(_app(row, common, file, f"{file}: apps[{number}]") for number, row in enumerate(rows))
    for name, values in (("appID", [app.app_id for app in apps]), ("port", [*map(str, _ports(apps))])):
        twice = next((value for value in values if values.count(value) > 1), None)
        if twice is not None:
            raise InvalidInput(f"{file}: two apps have the {name} {twice}", hint=f"give each app a {name} of its own")
    return RunTemplate(apps, tuple(dict.fromkeys(_notes(apps, rows, common, file))))


def _ports(apps: Sequence[AppRun]) -> Iterator[int]:
    for app in apps:
        yield from (port for port in (app.http_port, app.grpc_port, app.app_port) if port)


def _file(path: Path) -> Path:
    if not path.is_dir():
        return path
    for name in NAMES:
        if (path / name).is_file():
            return path / name
    raise InvalidInput(f"there is no {NAMES[0]} in {path}", hint="wfctl serve -f FILE names another file")


def _load(file: Path) -> Any:
    import yaml

    try:
        content = file.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}", hint="wfctl serve -f dapr.yaml") from error
    if len(content) > MOST_BYTES:
        raise InvalidInput(f"{file} is larger than {MOST_BYTES} bytes: this is no run template")
    try:
        return yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"{file} is not valid YAML: {' '.join(str(error).split())}") from error


def _lower(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidInput(f"{where} must be a table of settings, not {type(value).__name__}")
    return {str(key).lower(): found for key, found in value.items()}


def _table(value: Any, where: str) -> dict[str, Any]:
    return {} if value is None else _lower(value, where)


def _app(row: Mapping[str, Any], common: Mapping[str, Any], file: Path, where: str) -> AppRun:
    folder = _path(row.get("appdirpath", "."), file.parent, f"{where}.appDirPath")
    if not folder.is_dir():
        raise InvalidInput(f"{where}.appDirPath: there is no folder {folder}", hint="paths count from the template")
    app_id = str(row.get("appid") or folder.name)
    if not app_id.isprintable() or " " in app_id or "|" in app_id or "/" in app_id:
        raise InvalidInput(f"{where}.appID: {app_id!r} is not an app ID", hint="letters, digits and - _ .")
    env = {**_env(common.get("env"), f"{file}: common.env"), **_env(row.get("env"), f"{where}.env")}
    return AppRun(
        app_id,
        folder,
        _command(row.get("command"), f"{where}.command"),
        env,
        _port(row.get("appport"), f"{where}.appPort"),
        _port(row.get("daprhttpport"), f"{where}.daprHTTPPort"),
        _port(row.get("daprgrpcport"), f"{where}.daprGRPCPort"),
    )


def _path(value: Any, base: Path, where: str) -> Path:
    if not isinstance(value, str):
        raise InvalidInput(f"{where} must be a path, not {value!r}")
    return Path(os.path.normpath(base / os.path.expanduser(value)))


def _command(value: Any, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    words = value if isinstance(value, list) else None
    if not words or not all(isinstance(word, (str, int, float)) for word in words):
        raise InvalidInput(f"{where} must be a list of words", hint='command: ["python3", "app.py"]')
    return tuple(map(str, words))


def _env(value: Any, where: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or any(isinstance(found, (dict, list)) for found in value.values()):
        raise InvalidInput(f"{where} must be a table of names and values")
    return {str(name): _text(found) for name, found in value.items()}


def _text(value: object) -> str:
    """Return a value as it stands in the file: YAML reads `true` as a boolean."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _port(value: Any, where: str) -> int | None:
    if value is None or value == 0:
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 65536:
        raise InvalidInput(f"{where} is {value!r}", hint="a port from 1 to 65535")
    return value


# --- what wfctl is not ---------------------------------------------------------------------------------------------


def _notes(
    apps: Sequence[AppRun], rows: Sequence[Mapping[str, Any]], common: Mapping[str, Any], file: Path
) -> Iterator[str]:
    for key, what in _ASKS.items():
        asking = [app.app_id for app, row in zip(apps, rows, strict=True) if row.get(key) or common.get(key)]
        if asking:
            yield f"{what} ({', '.join(asking)}): wfctl has none; {DAPR}"
    grpc = [app.app_id for app, row in zip(apps, rows, strict=True) if _protocol(row, common) not in ("", "http")]
    if grpc:
        yield f"appProtocol ({', '.join(grpc)}): wfctl calls apps by HTTP alone; {DAPR}"
    for app, row in zip(apps, rows, strict=True):
        for folder in _resources(app, row, common, file):
            if not folder.is_dir():
                yield f"{app.app_id}: there is no folder of resources {folder}"
                continue
            yield from _components(folder)


def _protocol(row: Mapping[str, Any], common: Mapping[str, Any]) -> str:
    return str(row.get("appprotocol") or common.get("appprotocol") or "").lower()


def _resources(app: AppRun, row: Mapping[str, Any], common: Mapping[str, Any], file: Path) -> Iterator[Path]:
    for table in (row, common):
        for key in ("resourcespath", "resourcespaths", "componentspath"):
            value = table.get(key)
            for one in value if isinstance(value, list) else [value] if value else []:
                yield _path(one, file.parent, f"{file}: {key}")
    own = None if app.folder is None else app.folder / ".dapr" / "resources"
    if own is not None and own.is_dir():
        yield own


def _components(folder: Path) -> Iterator[str]:
    """Yield a line for each resource that asks for something else than workflows and state."""
    import yaml

    for file in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        try:
            documents = list(yaml.safe_load_all(file.read_bytes()))
        except (OSError, yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
            yield f"{file} cannot be read: {' '.join(str(error).split())}"
            continue
        for document in documents:
            found = _asked(document) if isinstance(document, dict) else None
            if found is not None:
                yield f"{found[0]} ({found[1]}, {file}): wfctl has none; {DAPR}"


def _asked(document: Mapping[str, Any]) -> tuple[str, str] | None:
    kind = str(document.get("kind", ""))
    name = str(_dict(document.get("metadata")).get("name", kind))
    if kind in _KINDS:
        return _KINDS[kind], f"{kind} {name}"
    kind_of = str(_dict(document.get("spec")).get("type", ""))
    block = _BLOCKS.get(kind_of.partition(".")[0])
    return None if kind != "Component" or block is None else (block, f"component {name}, {kind_of}")


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
