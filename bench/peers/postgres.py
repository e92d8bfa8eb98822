"""A PostgreSQL for the peers that need one: the one that WFCTL_BENCH_POSTGRES names, or one that is made for a while.

The variable is a URL as `postgresql://postgres@127.0.0.1:5432`, without a database.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.peers import frame

GIVEN = "WFCTL_BENCH_POSTGRES"
NOBODY = "nobody"  # PostgreSQL refuses to run as root
FOLDERS = ("/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql*/bin")


def missing(folder: Path) -> str | None:
    """Return why there is no PostgreSQL to measure with, or None. One that has to be made is tried in the folder."""
    if GIVEN in os.environ:
        return None
    if not _program("initdb"):
        return f"no PostgreSQL: {GIVEN} is not set, and there is no initdb here"
    try:
        with server(folder):
            return None
    except RuntimeError as error:
        return f"PostgreSQL does not start: {str(error).strip().splitlines()[-1]}"


def version() -> str:
    if GIVEN in os.environ:
        return f"the PostgreSQL of {GIVEN}"
    said = subprocess.run([_program("postgres"), "--version"], capture_output=True, text=True, check=True).stdout
    return f"PostgreSQL {said.split()[2]}"


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """The URL of a server, for as long as the block lasts. Raises RuntimeError where it cannot be made."""
    if GIVEN in os.environ:
        yield os.environ[GIVEN].rstrip("/")
        return
    user = _user()
    data, log = folder / "postgres", folder / "postgres.log"
    data.mkdir()
    if user is not None:
        folder.chmod(0o711)
        shutil.chown(data, user)
    made = ["-D", str(data), "--username=bench", "--auth=trust", "--encoding=UTF8", "--no-locale"]
    done = subprocess.run([_program("initdb"), *made], cwd=folder, user=user, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    (port,) = frame.free_ports(1)
    settings = ["-c", f"port={port}", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
    with log.open("ab") as out:
        process = subprocess.Popen(
            [_program("postgres"), "-D", str(data), *settings], cwd=folder, user=user, stdout=out, stderr=out
        )
    try:
        frame.until(lambda: b"ready to accept connections" in log.read_bytes(), "PostgreSQL is ready")
        yield f"postgresql://bench@127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _user() -> str | None:
    """Return whom to run it as: None for whoever this is."""
    return NOBODY if hasattr(os, "geteuid") and os.geteuid() == 0 else None


def _program(name: str) -> str:
    """Return where it is, or an empty text."""
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(_folders())) or ""


def _folders() -> Sequence[str]:
    return [str(found) for pattern in FOLDERS for found in sorted(Path("/").glob(pattern.lstrip("/")))]
