"""Find and read the settings files. Raises InvalidInput if one is wrong."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from platformdirs import PlatformDirs

from wfctl.config.keys import BY_NAME, IN_FILES, NOT_IN_PROFILES, ONLY_IN_PROFILES
from wfctl.config.permissions import MOST_BYTES, FileRead, read_file, refuse_strangers_file
from wfctl.errors import InvalidInput
from wfctl.model.apps import DEFAULT_ID, fault_of_app

PROJECT_FILE = "wfctl.toml"
PYPROJECT = "pyproject.toml"
MOST_PARTS = 16  # in a dotted key: tomllib takes minutes to read one with tens of thousands
_PART = r"""(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[\w-]+)[ \t]*\.[ \t]*"""
_LONG_KEY = rf"(?:^|[{{,])[ \t\[]*(?:{_PART}){{{MOST_PARTS}}}"
USER_DIRS = PlatformDirs("wfctl", appauthor=False)  # settings, data and caches; read the environment at every use


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The settings in one file. Paths are absolute; `label` is the name of the file in messages.

    The file stays trusted while `content` stays the same: the whole wfctl.toml, but only the table [tool.wfctl] of a
    pyproject.toml, which other tools write to.
    """

    path: Path
    label: str
    values: Mapping[str, str] = field(default_factory=dict)
    profiles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    apps: Mapping[str, str] = field(default_factory=dict)  # further apps: file or module, by app ID
    content: bytes = field(default=b"", repr=False)


def project_file(start: Path, environ: Mapping[str, str]) -> ConfigFile | None:
    """Return the nearest wfctl.toml, or pyproject.toml with a [tool.wfctl] table, in `start` and the folders above.

    None if there is none, or if it is the user's own file. Raises InvalidInput, and NotTrusted if somebody else can
    change the file.
    """
    for folder in (start, *start.parents):
        plain = folder / PROJECT_FILE
        if (found := _project_bytes(plain, environ)) is not None:
            if _is_users(plain, environ):
                return None
            refuse_strangers_file(plain, found.status, environ)
            return parse_file(plain, found.content)
        pyproject = folder / PYPROJECT
        if (found := _project_bytes(pyproject, environ)) is not None and b"[tool.wfctl" in found.content:
            refuse_strangers_file(pyproject, found.status, environ)
            if isinstance(load(pyproject, found.content).get("tool", {}).get("wfctl"), dict):
                return parse_file(pyproject, found.content)
    return None


def parse_file(path: Path, content: bytes) -> ConfigFile:
    """Return the settings in a file with this content; of a pyproject.toml, in its [tool.wfctl].

    Raises InvalidInput.
    """
    if path.name != PYPROJECT:
        return _read(path, str(path), load(path, content), content)
    import json

    table = load(path, content).get("tool", {}).get("wfctl", {})
    said = json.dumps(table, sort_keys=True, default=str).encode()
    return _read(path, f"[tool.wfctl] in {path}", table, said)


def _project_bytes(path: Path, environ: Mapping[str, str]) -> FileRead | None:
    try:
        return read_file(path)
    except OSError as error:
        with suppress(OSError):  # a wrong owner is worth more to know than an unreadable file
            refuse_strangers_file(path, path.stat(), environ)
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error


def _is_users(path: Path, environ: Mapping[str, str]) -> bool:
    """Return True if this file is the user's own settings file, as with `WFCTL_CONFIG=wfctl.toml`."""
    own = user_path(environ)
    return own.is_file() and own.samefile(path)


def user_file(environ: Mapping[str, str]) -> ConfigFile | None:
    """Return the user's own file; None if there is none. Raises InvalidInput if WFCTL_CONFIG names a missing one."""
    path = user_path(environ)
    try:
        found = read_file(path)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
    if found is None:
        if environ.get("WFCTL_CONFIG"):
            raise InvalidInput(f"WFCTL_CONFIG names {path}, which does not exist", hint="unset WFCTL_CONFIG")
        return None
    return _read(path, str(path), load(path, found.content))


def user_path(environ: Mapping[str, str]) -> Path:
    """Return where the user's own file is, or would be."""
    named = environ.get("WFCTL_CONFIG")
    return Path(named).expanduser() if named else USER_DIRS.user_config_path / "config.toml"


def load(path: Path, content: bytes) -> dict[str, Any]:
    """Read TOML. Raises InvalidInput, with the name of the file."""
    if len(content) > MOST_BYTES:
        raise InvalidInput(f"{path} is larger than {MOST_BYTES} bytes: that is not a settings file")
    tomllib: Any = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8 text") from error
    if re.search(_LONG_KEY, text, re.MULTILINE):
        raise InvalidInput(f"{path} has a key of more than {MOST_PARTS} parts: that is not a settings file")
    try:
        table: dict[str, Any] = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidInput(f"{path} is not valid TOML: {error}") from error
    return table


def _read(path: Path, label: str, table: Mapping[str, Any], content: bytes = b"") -> ConfigFile:
    profiles: dict[str, Mapping[str, str]] = {}
    top = dict(table)
    named = top.pop("profiles", {})
    if not isinstance(named, dict):
        raise InvalidInput(f"{label}: profiles must be tables, as [profiles.prod]")
    for name, values in named.items():
        if not isinstance(values, dict):
            raise InvalidInput(f"{label}: profiles.{name} must be a table, as [profiles.{name}]")
        profiles[name] = dict(_values(path, label, values, f"profiles.{name}."))
    apps = dict(_apps(path, label, top.pop("apps", {})))
    return ConfigFile(path, label, dict(_values(path, label, top, "")), profiles, apps, content)


def _apps(path: Path, label: str, named: object) -> Iterator[tuple[str, str]]:
    """Yield the apps of the tables [apps.ID], each with what it is loaded from."""
    if not isinstance(named, dict):
        raise InvalidInput(f"{label}: apps must be tables, as [apps.payments]")
    for app_id, values in named.items():
        where = f"apps.{app_id}"
        if fault := fault_of_app(app_id):
            raise InvalidInput(f"{label}: {where}: {fault}", hint="letters, digits, - _ and .")
        if app_id == DEFAULT_ID:
            raise InvalidInput(f"{label}: {where} is the app that `app` names", hint='app = "orders.py"')
        if not isinstance(values, dict):
            raise InvalidInput(f"{label}: {where} must be a table, as [{where}]")
        for name, value in values.items():
            if name != "app":
                raise InvalidInput(f"{label}: there is no setting {where}.{name}", hint=f"{where}.app is the only one")
            if not isinstance(value, str) or not value:
                raise InvalidInput(f"{label}: {where}.app must be text in quotes: a file or a module")
            yield app_id, beside(value, path.parent, "app")
        if "app" not in values:
            raise InvalidInput(f"{label}: {where} names no app", hint='app = "payments.py"')


def _values(path: Path, label: str, table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    left_out = NOT_IN_PROFILES if prefix else ONLY_IN_PROFILES
    allowed = [name for name in IN_FILES if name not in left_out]
    for name, value in table.items():
        if name not in allowed:
            raise InvalidInput(f"{label}: there is no setting {prefix}{name}", hint=_advice(name, allowed, prefix))
        key = BY_NAME[name]
        if key.flag and isinstance(value, bool):
            value = str(value).lower()
        if key.flag and value not in key.choices:
            raise InvalidInput(f"{label}: {prefix}{name} must be true or false")
        if not isinstance(value, str):
            raise InvalidInput(f"{label}: {prefix}{name} must be text in quotes, not {_kind(value)}")
        if key.choices and value not in key.choices:
            raise InvalidInput(f"{label}: {prefix}{name} is {value!r}", hint=f"one of {', '.join(key.choices)}")
        if not value:
            raise InvalidInput(f"{label}: {prefix}{name} is empty")
        yield name, beside(value, path.parent, name) if key.path else value


def beside(value: str, folder: Path, key: str) -> str:
    """Make a path in a setting absolute, from `folder`. The name of a module or of a command stays as it is."""
    if (key == "app" and not is_app_file(value)) or (key == "python" and is_command(value)):
        return value
    return os.path.normpath(folder / os.path.expanduser(value))  # `~name` stays if there is no such user


def is_command(python: str) -> bool:
    """Return True for the name of a command on the PATH, such as python3.12; False for a path."""
    return python.startswith(("python", "pypy")) and "/" not in python and os.sep not in python


def is_app_file(app: str) -> bool:
    """Return True if `app` names a file, False if it names a module."""
    return app.endswith(".py") or "/" in app or os.sep in app


def _advice(name: str, allowed: list[str], prefix: str) -> str:
    if name in ("token", "api_token"):
        return "a token does not belong in a file: use token_env or token_file"
    if not prefix and name in ONLY_IN_PROFILES:
        return f"{name} belongs in a profile, as [profiles.prod]"
    if prefix and name in NOT_IN_PROFILES:
        return f"{name} belongs at the top of the file"
    from difflib import get_close_matches

    near = get_close_matches(name.replace("-", "_"), allowed, n=1)
    return f"did you mean {near[0]}?" if near else "the settings are " + ", ".join(allowed)


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    return "a table" if isinstance(value, dict) else "a list" if isinstance(value, list) else type(value).__name__
