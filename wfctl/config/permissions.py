"""Check who may write a project's settings, and who may read a token file.

The checks use the open descriptor that is read, so that the file cannot be swapped in between. On Windows, where
owners and modes mean something else, nothing is checked.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from wfctl.errors import InvalidInput, NotPermitted, NotTrusted

MOST_BYTES = 1 << 20  # in a settings or token file
TRUST_VARIABLE = "WFCTL_TRUST"


class FileRead(NamedTuple):
    content: bytes
    status: os.stat_result


def read_file(path: Path, most: int = MOST_BYTES) -> FileRead | None:
    """Read the first `most` + 1 bytes of a regular file. Returns None if it is not one. Raises OSError."""
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
    try:
        number = os.open(path, flags)
    except OSError:
        if os.path.isfile(path):
            raise
        return None
    try:
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode):
            return None
        with os.fdopen(number, "rb", closefd=False) as file:
            return FileRead(file.read(most + 1), status)
    finally:
        os.close(number)


def trusted_by_environment(environ: Mapping[str, str]) -> bool:
    return environ.get(TRUST_VARIABLE, "").strip().lower() in ("1", "true", "yes")


def refuse_strangers_file(path: Path, status: os.stat_result, environ: Mapping[str, str]) -> None:
    """Raise NotTrusted if somebody else can change a project's file, as git does for a repository.

    The file, a link to it and its folder must belong to the user or to root (under sudo, also to the calling user).
    The file must not be world-writable, nor the folder without the sticky bit. `status` is that of the open file.
    """
    if sys.platform == "win32" or trusted_by_environment(environ):
        return
    folder = path.parent
    container = os.stat(folder)
    for what, found in (("it", status), ("the link", os.lstat(path)), (f"the folder {folder}", container)):
        if found.st_uid not in _trusted_owners(environ):
            raise NotTrusted(
                f"{path} is not used: {what} belongs to {_name(found.st_uid)}, who could make wfctl act on your behalf",
                hint="take it over with chown, or put a wfctl.toml of your own into the folder where you work; "
                f"if you trust that owner (CI, a bind mount): {TRUST_VARIABLE}=1",
            )
    for place, found in ((path, status), (folder, container)):
        sticky = place == folder and found.st_mode & stat.S_ISVTX
        if found.st_mode & stat.S_IWOTH and not sticky:
            raise NotTrusted(
                f"{path} is not used: everybody on this machine may write to {place} (mode {_mode(found)})",
                hint=f"chmod o-w {place}; if you trust everybody (CI, a bind mount): {TRUST_VARIABLE}=1",
            )


def refuse_strangers_environment(prefix: Path, app_folder: Path, environ: Mapping[str, str]) -> None:
    """Raise NotTrusted if the environment found beside the app is world-writable or belongs to somebody else.

    The owner of the app's folder may own it: they could change the app itself.
    """
    if sys.platform == "win32" or trusted_by_environment(environ):
        return
    status = os.stat(prefix)
    if status.st_uid not in _trusted_owners(environ) | {os.stat(app_folder).st_uid}:
        problem = f"it belongs to {_name(status.st_uid)}"
    elif status.st_mode & stat.S_IWOTH:
        problem = f"everybody on this machine may write to it (mode {_mode(status)})"
    else:
        return
    raise NotTrusted(
        f"the environment {prefix} is not used: {problem}",
        hint=f"name the app's environment: --python PATH; if you trust this one: {TRUST_VARIABLE}=1",
    )


def read_token(path: Path, name: str) -> str:
    """Return the token in a file. `name` describes the file in messages.

    Raises NotPermitted if the user owns the file and others may read it, as ssh refuses a private key. The mode is not
    checked if the user cannot change it: another owner, or a read-only file system (a secret mounted into a container).
    Raises InvalidInput if there is no token.
    """
    try:
        found = read_file(path)
        content = path.read_bytes() if found is None else found.content  # a pipe: --token-file <(pass show dapr)
        token = content.decode().strip()
    except OSError as error:
        raise InvalidInput(f"{name} {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name} {path} is not UTF-8 text") from error
    if found is not None and _others_may_read(path, found.status):
        raise NotPermitted(
            f"{name} {path} is not used: other users may read it (mode {_mode(found.status)})",
            hint=f"chmod 600 {path}",
        )
    if not token:
        raise InvalidInput(f"{name} {path} is empty")
    return token


def _others_may_read(path: Path, status: os.stat_result) -> bool:
    if sys.platform == "win32" or status.st_uid != os.geteuid() or not status.st_mode & 0o077:
        return False
    return not os.statvfs(path).f_flag & os.ST_RDONLY


def _trusted_owners(environ: Mapping[str, str]) -> set[int]:
    if sys.platform == "win32":
        return set()
    user = os.geteuid()
    caller = environ.get("SUDO_UID", "")
    return {0, user, int(caller)} if user == 0 and caller.isdecimal() else {0, user}


def _name(uid: int) -> str:
    import pwd

    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"uid {uid}"


def _mode(status: os.stat_result) -> str:
    return f"{stat.S_IMODE(status.st_mode):04o}"
