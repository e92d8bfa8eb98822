"""Whether a project's file may say what it says.

A project's file comes with the folder: with a clone, a download, somebody's share. Without its user's consent it may
name what stays in that folder and on this machine; `Key.free` says so for each setting, and a setting that says
nothing of it needs consent. `wfctl config trust` gives it: one record for each file, in the user's settings, with the
hash of what was trusted, so that a change ends it.
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
# Only what every reader of addresses takes for the same host, and nobody looks up. Anything else may be elsewhere.
_LOOPBACK = re.compile(
    rf"(?:(?P<scheme>https?|dns)://|dns:)?(?P<host>localhost|127(?:\.{_BYTE}){{3}}|\[::1\])(?::(?P<port>\d{{1,5}}))?"
    r"(?P<path>/[\w./~-]*)?(?:\?tls=(?:true|false))?",
    re.ASCII,
)
_STORE_FILES = ("", "-wal", "-shm", "-journal", ".lock")  # what is written beside a store


class Entry(NamedTuple):
    """A setting in a project's file, by the name that it has there."""

    name: str
    value: str


def entries(file: ConfigFile) -> Iterator[Entry]:
    """All that needs consent in a file, in its profiles too."""
    for prefix, values in (("", file.values), *((f"profiles.{name}.", found) for name, found in file.profiles.items())):
        for name, value in values.items():
            if not is_free(name, value, file):
                yield Entry(prefix + name, value)


def is_free(name: str, value: str, file: ConfigFile) -> bool:
    """Whether a value in a project's file counts without consent."""
    free = BY_NAME[name].free
    if free is Free.INSIDE:
        return _stays_inside(name, value, file.path.parent)
    if free is Free.HERE:
        if name == "target" and "://" not in value and ":" not in value:
            return True  # no address: embedded, sidecar, ..., or a profile, whose own settings are judged
        return loopback(value) is not None or _is_socket_inside(value, file.path.parent)
    return free is Free.ALWAYS


def loopback(address: str) -> tuple[str, str] | None:
    """Host and port of an address on this machine, to compare; None for any other address. A port alone is one."""
    if address.isascii() and address.isdecimal():
        return "127.0.0.1", address
    match = _LOOPBACK.fullmatch(address)
    if match is None or (match["path"] and match["scheme"] not in ("http", "https")):
        return None
    host = "127.0.0.1" if match["host"] == "localhost" else match["host"]
    return host, match["port"] or ("80" if match["scheme"] == "http" else "443")


def _stays_inside(name: str, value: str, folder: Path) -> bool:
    if "\0" in value:  # no file can be called that
        return False
    if name == "store":
        store = os.path.realpath(value)
        return all(_inside(store + suffix, folder) for suffix in _STORE_FILES)
    if name == "app" and not is_app_file(value):
        if not all(part.isidentifier() for part in value.split(".")):
            return False  # no module, whatever else it may be taken for
        modules = [place.joinpath(*value.split(".")) for place in (folder, folder / "src")]
        return all(_inside(path, folder) for module in modules for path in (module, f"{module}.py"))
    return _inside(value, folder)


def _is_socket_inside(address: str, folder: Path) -> bool:
    """A Unix socket in the folder, its neighbour for gRPC, and if it is a folder of daprd's sockets, all of them."""
    if not address.startswith("unix:") or "\0" in address:
        return False
    socket = Path("/" + address[len("unix:") :].lstrip("/"))
    sockets = [*socket.glob("*.socket"), socket, Path(str(socket).replace("-http.socket", "-grpc.socket"))]
    return all(_inside(path, folder) for path in sockets)


def _inside(path: str | Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


# --- what the user has trusted -------------------------------------------------------------------------------------


def is_trusted(file: ConfigFile, environ: Mapping[str, str]) -> bool:
    return _record(file.path, environ) == _text(file.path, file.content)


def was_trusted(file: ConfigFile, environ: Mapping[str, str]) -> bool:
    """With this content or another."""
    return _record(file.path, environ) is not None


def trust(path: Path, content: bytes, environ: Mapping[str, str]) -> None:
    """Remember that the user trusts this file as long as it has this content. Raises NotPermitted."""
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
    """Forget that the user trusts a file; returns whether that was so. Raises NotPermitted."""
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
    """By whichever link the folder is reached. A link that is the file itself stays one: paths count from there."""
    return Path(os.path.realpath(path.parent)) / path.name


def _hash(data: bytes) -> str:
    import hashlib  # only those pay for it whose file says something that needs consent

    return hashlib.sha256(data).hexdigest()
