"""Find and read the config files. Raises one clear error for a wrong one."""

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

PROJECT_FILE = "wfctl.toml"
PYPROJECT = "pyproject.toml"
MOST_PARTS = 16  # of a key with dots: Python's reader takes minutes over one that has tens of thousands
_PART = r"""(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[\w-]+)[ \t]*\.[ \t]*"""
_LONG_KEY = rf"(?:^|[{{,])[ \t\[]*(?:{_PART}){{{MOST_PARTS}}}"
USER_DIRS = PlatformDirs("wfctl", appauthor=False)  # of settings, data and caches; the paths follow the environment


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The values of one file. Paths are absolute already; `label` is how the file is called in messages.

    `content` is what has to stay the same for the file to stay trusted: all of wfctl.toml, and of pyproject.toml,
    which others write to as well, the table [tool.wfctl].
    """

    path: Path
    label: str
    values: Mapping[str, str] = field(default_factory=dict)
    profiles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    content: bytes = field(default=b"", repr=False)


def project_file(start: Path, environ: Mapping[str, str]) -> ConfigFile | None:
    """Return the nearest wfctl.toml, or pyproject.toml with a [tool.wfctl] table, in `start` and the folders above.

    None also where that is the user's own file. Raises NotTrusted where somebody else can change the file, and
    InvalidInput.
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
        with suppress(OSError):  # whose it is matters more than that it cannot be read
            refuse_strangers_file(path, path.stat(), environ)
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error


def _is_users(path: Path, environ: Mapping[str, str]) -> bool:
    """Whether the user's own settings are this very file: `WFCTL_CONFIG=wfctl.toml` says so by hand."""
    own = user_path(environ)
    return own.is_file() and own.samefile(path)


def user_file(environ: Mapping[str, str]) -> ConfigFile | None:
    """The user's own file. One that WFCTL_CONFIG names must exist."""
    path = user_path(environ)
    try:
        found = read_file(path)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
    if found is None:
        if environ.get("WFCTL_CONFIG"):
            raise InvalidInput(f"WFCTL_CONFIG names {path}, which is not there", hint="unset WFCTL_CONFIG")
        return None
    return _read(path, str(path), load(path, found.content))


def user_path(environ: Mapping[str, str]) -> Path:
    """Return where the user's own file is, or would be."""
    named = environ.get("WFCTL_CONFIG")
    return Path(named).expanduser() if named else USER_DIRS.user_config_path / "config.toml"


def load(path: Path, content: bytes) -> dict[str, Any]:
    """Read TOML. Raises InvalidInput, with the name of the file."""
    if len(content) > MOST_BYTES:
        raise InvalidInput(f"{path} is larger than {MOST_BYTES} bytes: these are no settings")
    tomllib: Any = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8 text") from error
    if re.search(_LONG_KEY, text, re.MULTILINE):
        raise InvalidInput(f"{path} has a key of more than {MOST_PARTS} parts: these are no settings")
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
    return ConfigFile(path, label, dict(_values(path, label, top, "")), profiles, content)


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
    """Return a path of a setting as an absolute one, from `folder`. An app that is a module, and a Python that is a
    command, stay names."""
    if (key == "app" and not is_app_file(value)) or (key == "python" and is_command(value)):
        return value
    return os.path.normpath(folder / os.path.expanduser(value))  # which leaves the ~ of a user that there is not


def is_command(python: str) -> bool:
    """Return True for a Python to look up on the PATH, such as python3.12; False for a path."""
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
