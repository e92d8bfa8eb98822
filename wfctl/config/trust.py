"""Decide which settings of a project's file count without the user's consent, and record that consent.

A project's file comes with its folder: a clone, a download, somebody's share. Without consent it may only name things
inside that folder and on this machine. `Key.free` has the rule for each setting; a setting without one needs consent.
`wfctl config trust` gives consent: one record per file, among the user's settings, with a hash of the trusted content.
Any change to that content withdraws it.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from wfctl.config.files import USER_DIRS, ConfigFile, is_app_file
from wfctl.config.keys import BY_NAME, Free
from wfctl.errors import NotPermitted

_BYTE = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
# Only spellings that every parser reads as the same host, without a DNS lookup. Anything else may be elsewhere.
_LOOPBACK = re.compile(
    rf"(?:(?P<scheme>https?|dns)://|dns:)?(?P<host>localhost|127(?:\.{_BYTE}){{3}}|\[::1\])(?::(?P<port>\d{{1,5}}))?"
    r"(?P<path>/[\w./~-]*)?(?:\?tls=(?:true|false))?",
    re.ASCII,
)
_STORE_FILES = ("", "-wal", "-shm", "-journal", ".lock")  # the store, and the files written beside it


class Entry(NamedTuple):
    """A setting in a project's file, under its name in that file."""

    name: str
    value: str


def entries(file: ConfigFile) -> Iterator[Entry]:
    """Yield the settings of a file that need consent, those of its profiles included."""
    for prefix, values in (("", file.values), *((f"profiles.{name}.", found) for name, found in file.profiles.items())):
        for name, value in values.items():
            if not is_free(name, value, file):
                yield Entry(prefix + name, value)
    for app_id, value in file.apps.items():
        if not is_free("app", value, file):
            yield Entry(f"apps.{app_id}.app", value)


def is_free(name: str, value: str, file: ConfigFile) -> bool:
    """Return True if a value in a project's file counts without consent."""
    free = BY_NAME[name].free
    if free is Free.INSIDE:
        return _stays_inside(name, value, file.path.parent)
    if free is Free.HERE:
        if name == "target" and "://" not in value and ":" not in value:
            return True  # not an address: embedded, sidecar, ..., or a profile, whose own settings are checked
        return loopback(value) is not None or _is_socket_inside(value, file.path.parent)
    return free is Free.ALWAYS


def loopback(address: str) -> tuple[str, str] | None:
    """Return host and port of an address on this machine, for comparison; None for any other address.

    A bare port is an address on this machine.
    """
    if address.isascii() and address.isdecimal():
        return "127.0.0.1", address
    match = _LOOPBACK.fullmatch(address)
    if match is None or (match["path"] and match["scheme"] not in ("http", "https")):
        return None
    host = "127.0.0.1" if match["host"] == "localhost" else match["host"]
    return host, match["port"] or ("80" if match["scheme"] == "http" else "443")


def _stays_inside(name: str, value: str, folder: Path) -> bool:
    if "\0" in value:  # not possible in a file name
        return False
    if name == "store":
        store = os.path.realpath(value)
        return all(_inside(store + suffix, folder) for suffix in _STORE_FILES)
    if name == "app" and not is_app_file(value):
        if not all(part.isidentifier() for part in value.split(".")):
            return False  # not a module name, whatever else it is
        modules = [place.joinpath(*value.split(".")) for place in (folder, folder / "src")]
        return all(_inside(path, folder) for module in modules for path in (module, f"{module}.py"))
    return _inside(value, folder)


def _is_socket_inside(address: str, folder: Path) -> bool:
    """Return True for a Unix socket inside the folder.

    Its gRPC twin must be inside as well, and so must every socket if the address names a folder of daprd's sockets.
    """
    if not address.startswith("unix:") or "\0" in address:
        return False
    socket = Path("/" + address[len("unix:") :].lstrip("/"))
    sockets = [*socket.glob("*.socket"), socket, Path(str(socket).replace("-http.socket", "-grpc.socket"))]
    return all(_inside(path, folder) for path in sockets)


def _inside(path: str | Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


# --- what the user has trusted -------------------------------------------------------------------------------------


def is_trusted(file: ConfigFile, environ: Mapping[str, str]) -> bool:
    """Return True if the user trusts this file with its present content."""
    return _record(file.path, environ) == _text(file.path, file.content)


def was_trusted(file: ConfigFile, environ: Mapping[str, str]) -> bool:
    """Return True if the user trusts or once trusted this file, whatever its content was."""
    return _record(file.path, environ) is not None


def trust(path: Path, content: bytes, environ: Mapping[str, str]) -> None:
    """Record that the user trusts this file for as long as it has this content. Raises NotPermitted."""
    record = _record_file(path, environ)
    beside = record.with_name(f"{record.name}.{os.getpid()}")
    try:
        record.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(_text(path, content))
        os.replace(beside, record)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise NotPermitted(
            f"{record.parent} cannot be written: {error.strerror}", hint="WFCTL_TRUST=1 trusts without it"
        ) from error


def revoke(path: Path, environ: Mapping[str, str]) -> bool:
    """Withdraw the trust in a file. Returns True if it was trusted. Raises NotPermitted."""
    record = _record_file(path, environ)
    try:
        record.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise NotPermitted(f"{record} cannot be removed: {error.strerror}") from error
    return True


def _record(path: Path, environ: Mapping[str, str]) -> str | None:
    try:
        return _record_file(path, environ).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _record_file(path: Path, environ: Mapping[str, str]) -> Path:
    return USER_DIRS.user_config_path / "trusted" / _hash(os.fsencode(_place(path)))[:40]


def _text(path: Path, content: bytes) -> str:
    return f"{_hash(content)}\n{os.fsencode(_place(path))!r}\n"


def _place(path: Path) -> Path:
    """Resolve links in the path of the folder, so that one file has one record.

    A link that is the file itself is not resolved: relative paths in it count from the folder of the link.
    """
    return Path(os.path.realpath(path.parent)) / path.name


def _hash(data: bytes) -> str:
    import hashlib  # not needed by most commands

    return hashlib.sha256(data).hexdigest()
