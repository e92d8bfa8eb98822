"""Find the Python environment of the app, without running any of its code.

In this order: `--python`, WFCTL_PYTHON or `python =` in a settings file; an activated environment; an environment in
`.venv` or `venv` beside the app. An environment says which Python it has in its pyvenv.cfg.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from wfctl.config.files import is_command
from wfctl.config.permissions import refuse_strangers_environment
from wfctl.errors import AppError
from wfctl.install import of_poetry

OLDEST = (3, 10)
_NAMES = (".venv", "venv")
_ROOTS = ("pyproject.toml", "wfctl.toml", "setup.py", "setup.cfg", ".git")
_CONDA_BASE = ("base", "root")


@dataclass(frozen=True, slots=True)
class Environment:
    """An interpreter, and the environment that it belongs to (None for a Python of the system).

    `version` is None where no file says it. `own`: wfctl itself runs in it.
    """

    python: Path
    prefix: Path | None
    version: str | None
    origin: str
    own: bool

    def describe(self) -> str:
        """Return one line for people."""
        where = self.prefix or self.python
        return f"{where} (Python {self.version})" if self.version else str(where)


def named(value: str, origin: str) -> Environment:
    """Return the environment that a setting names: a folder, an interpreter, or a command such as python3.12.

    Raises AppError if there is none.
    """
    if is_command(value):
        found = shutil.which(value)
        if found is None:
            raise AppError(f"{origin}: there is no {value} on the PATH", hint="name an environment or its python")
        return _of_interpreter(Path(found), origin)
    path = Path(value)
    if path.is_dir():
        return _of_folder(path, origin)
    if path.is_file():
        return _of_interpreter(path, origin)
    raise AppError(
        f"{origin}: {value} does not exist", hint="name an environment such as .venv, or its python: .venv/bin/python"
    )


def discover(environ: Mapping[str, str], app_folder: Path) -> Environment | None:
    """Return the activated environment, else the one beside the app. None: the app runs in wfctl's own Python.

    Raises AppError if the environment has no interpreter, and NotTrusted if it belongs to a stranger.
    """
    active = environ.get("VIRTUAL_ENV")
    if active and _is_environment(Path(active)):
        return _of_folder(Path(active), "activated: VIRTUAL_ENV")
    conda = environ.get("CONDA_PREFIX")
    base = environ.get("CONDA_DEFAULT_ENV", "") in _CONDA_BASE
    if conda and not base and _is_environment(Path(conda)):
        return _of_folder(Path(conda), "activated: CONDA_PREFIX")
    for folder in _project_folders(app_folder):
        for name in _NAMES:
            if (folder / name / "pyvenv.cfg").is_file():
                refuse_strangers_environment(folder / name, app_folder, environ)
                return _of_folder(folder / name, "beside the app")
    if conda and base and _is_environment(Path(conda)):
        return _of_folder(Path(conda), "activated: CONDA_PREFIX")
    return None


def _project_folders(app_folder: Path) -> Iterator[Path]:
    """Yield the app's folder and those above it, up to the root of its project.

    Yields none where wfctl itself is installed inside of that project: then it is in the app's environment, or in one
    that was made to try the app (tox, nox).
    """
    folders = [app_folder, *app_folder.parents]
    root = next((n for n, folder in enumerate(folders) if any((folder / name).exists() for name in _ROOTS)), 0)
    if not Path(sys.prefix).is_relative_to(folders[root]) or folders[root] == Path(folders[root].anchor):
        yield from folders[: root + 1]


def _is_environment(folder: Path) -> bool:
    return (folder / "pyvenv.cfg").is_file() or (folder / "conda-meta").is_dir()


def _of_folder(folder: Path, origin: str) -> Environment:
    if not _is_environment(folder):
        raise AppError(
            f"{origin}: {folder} is no Python environment (it has no pyvenv.cfg)",
            hint=f"make one: python -m venv {folder}, or uv venv {folder}",
        )
    choices = ("Scripts/python.exe", "python.exe") if sys.platform == "win32" else ("bin/python", "bin/python3")
    for choice in choices:
        if (folder / choice).is_file():
            return _described(folder / choice, folder, origin)
    home = _pyvenv(folder).get("home")
    since = f": the Python that it was made with, {home}, may be gone" if home else ""
    raise AppError(
        f"the environment {folder} ({origin}) has no {choices[0]}{since}", hint=f"make it again: {remake(folder)}"
    )


def _of_interpreter(python: Path, origin: str) -> Environment:
    folder = python.parent.parent if sys.platform != "win32" or python.parent.name == "Scripts" else python.parent
    return _described(python, folder if _is_environment(folder) else None, origin)


def _described(python: Path, prefix: Path | None, origin: str) -> Environment:
    version = None if prefix is None else _version(prefix)
    if version is not None and _minor(version) < OLDEST:
        raise AppError(
            f"the app's environment {prefix} ({origin}) has Python {version}, and wfctl runs apps on "
            f"Python {OLDEST[0]}.{OLDEST[1]} or later",
            hint=f"make it again with a newer Python: {remake(prefix, newer=True)}" if prefix else None,
        )
    if prefix is None:
        own = sys.prefix == sys.base_prefix and os.path.realpath(python) == os.path.realpath(sys.executable)
    else:
        own = os.path.realpath(prefix) == os.path.realpath(sys.prefix)
    return Environment(Path(os.path.abspath(python)), prefix, version, origin, own)


def _version(prefix: Path) -> str | None:
    found = _pyvenv(prefix)
    version = found.get("version_info") or found.get("version")
    if version:
        return ".".join(version.split(".")[:3])
    for record in sorted((prefix / "conda-meta").glob("python-[0-9]*.json")):
        return record.name.split("-")[1]
    return None


def _minor(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def _pyvenv(prefix: Path) -> dict[str, str]:
    """Return what an environment's pyvenv.cfg says; nothing if there is none."""
    try:
        lines = (prefix / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def remake(prefix: Path, *, newer: bool = False) -> str:
    """Return the command that makes an environment again, of the tool that made it."""
    if "uv" in _pyvenv(prefix):
        return f"uv venv --clear{' --python 3.13' if newer else ''} {prefix}, then uv sync (or uv pip install)"
    if (prefix / "conda-meta").is_dir():
        return f"conda install --prefix {prefix} python=3.13"
    if of_poetry(prefix):
        return "poetry env use python3.13 && poetry install"
    return f"{'python3.13' if newer else 'python3'} -m venv --clear {prefix}, then pip install what the app needs"
