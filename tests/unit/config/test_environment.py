"""Finding the app's Python environment: the order, what pyvenv.cfg says, and what is refused."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from wfctl.config.environment import discover, named
from wfctl.config.keys import BY_NAME, Free
from wfctl.config.settings import resolve
from wfctl.errors import AppError, NotTrusted

posix = pytest.mark.skipif(sys.platform == "win32", reason="where an environment has its python, and owners")
Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Writes what an environment consists of. Nothing in it can run."""

    def make(name: str, *lines: str) -> Path:
        folder = tmp_path / name
        python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        python.parent.mkdir(parents=True)
        python.write_text("not a program")
        (folder / "pyvenv.cfg").write_text("\n".join(lines or ("version = 3.12.4",)) + "\n")
        return folder

    return make


def test_the_order(make: Make, tmp_path: Path) -> None:
    named_one, active, beside = make("named"), make("active"), make(".venv")
    (tmp_path / "app.py").touch()
    flags: dict[str, str | None] = {"app": "app.py"}

    def found(environ: dict[str, str], python: str | None = None) -> Path | None:
        environment = resolve({**flags, "python": python}, environ, tmp_path).environment
        assert environment is not None
        assert environment.python.is_relative_to(environment.prefix or tmp_path)
        return environment.prefix

    everything = {"VIRTUAL_ENV": str(active), "WFCTL_PYTHON": str(named_one)}
    assert found(everything, str(make("flag"))) == tmp_path / "flag"
    assert found(everything) == named_one
    assert found({"VIRTUAL_ENV": str(active)}) == active
    assert found({"VIRTUAL_ENV": str(tmp_path / "gone")}) == beside
    assert found({}) == beside
    conda = make("conda")
    assert found({"CONDA_PREFIX": str(conda)}) == conda
    assert found({"CONDA_PREFIX": str(conda), "CONDA_DEFAULT_ENV": "base"}) == beside, "as good as none"
    (beside / "pyvenv.cfg").unlink()
    assert found({"CONDA_PREFIX": str(conda), "CONDA_DEFAULT_ENV": "base"}) == conda
    assert resolve(flags, {}, tmp_path).environment is None


def test_no_app_and_no_environment(tmp_path: Path) -> None:
    assert resolve({}, {"VIRTUAL_ENV": sys.prefix}, tmp_path).environment is None
    mine = resolve({"app": "app.py"}, {"VIRTUAL_ENV": sys.prefix}, tmp_path)
    assert mine.environment is not None
    assert mine.environment.own
    assert mine.interpreter is None


def test_the_neighbourhood_ends_at_the_root_of_the_project(make: Make, tmp_path: Path) -> None:
    make(".venv")
    source = tmp_path / "project" / "src" / "shop"
    source.mkdir(parents=True)
    assert discover({}, source) is None
    (tmp_path / "project" / "pyproject.toml").touch()
    assert discover({}, source) is None
    inside = make("project/.venv")
    found = discover({}, source)
    assert found is not None
    assert (found.prefix, found.version, found.own) == (inside, "3.12.4", False)


def test_a_wfctl_that_is_installed_in_the_project(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """tox and nox make environments inside the project, to try the app in them and not in its `.venv`."""
    make(".venv")
    (tmp_path / "pyproject.toml").touch()
    assert discover({}, tmp_path) is not None
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".tox" / "py312"))
    assert discover({}, tmp_path) is None


@pytest.mark.parametrize(
    ("lines", "version"),
    [
        (("version = 3.12.4",), "3.12.4"),
        (("uv = 0.5.1", "version_info = 3.13.0"), "3.13.0"),
        (("version_info = 3.11.2.final.0",), "3.11.2"),
        (("home = /usr/bin",), None),
    ],
)
def test_the_version(make: Make, lines: tuple[str, ...], version: str | None) -> None:
    assert named(str(make("env", *lines)), "--python").version == version


def test_the_version_of_a_conda_environment(make: Make) -> None:
    folder = make("conda")
    (folder / "pyvenv.cfg").unlink()
    (folder / "conda-meta").mkdir()
    (folder / "conda-meta" / "python-3.12.7-hc5c86c4_0_cpython.json").touch()
    (folder / "conda-meta" / "python-dateutil-2.9.0-pyhd8ed1ab_0.json").touch()
    assert named(str(folder), "--python").version == "3.12.7"


@posix
@pytest.mark.parametrize("name", ["bin/python", "bin/python3"])
def test_an_interpreter_by_its_own_name(make: Make, name: str) -> None:
    folder = make("env")
    (folder / "bin" / "python3").touch()
    found = named(str(folder / name), "--python")
    assert (found.python, found.prefix) == (folder / name, folder)


@posix
def test_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "python3.99").write_text("#!/bin/sh\n")
    (tmp_path / "python3.99").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = resolve({"app": "a.py", "python": "python3.99"}, {}, tmp_path / "elsewhere").environment
    assert found is not None
    assert (found.python, found.prefix, found.version) == (tmp_path / "python3.99", None, None)
    with pytest.raises(AppError, match=r"no python3\.98 on the PATH"):
        named("python3.98", "--python")


@pytest.mark.parametrize(
    ("lines", "cure"),
    [
        (("version = 3.9.18",), "python3.13 -m venv --clear"),
        (("uv = 0.5", "version_info = 3.9.18"), "uv venv --clear --python 3.13"),
    ],
)
def test_a_python_that_is_too_old(make: Make, lines: tuple[str, ...], cure: str) -> None:
    with pytest.raises(AppError, match=r"has Python 3\.9\.18, and wfctl runs apps on Python 3\.10 or later") as caught:
        named(str(make("env", *lines)), "--python")
    assert cure in (caught.value.hint or "")


def test_what_cannot_be_used(make: Make, tmp_path: Path) -> None:
    with pytest.raises(AppError, match="does not exist"):
        named(str(tmp_path / "nowhere"), "--python")
    (tmp_path / "empty").mkdir()
    with pytest.raises(AppError, match="is no Python environment"):
        named(str(tmp_path / "empty"), "--python")
    folder = make("broken", "home = /opt/python-that-went/bin", "version = 3.12.0")
    next(folder.glob("*/python*")).unlink()
    with pytest.raises(AppError, match="/opt/python-that-went/bin, may be gone") as caught:
        named(str(folder), "--python")
    assert "venv --clear" in (caught.value.hint or "")


def test_a_project_file_needs_trust_for_it(make: Make, tmp_path: Path) -> None:
    assert BY_NAME["python"].free is Free.NEVER
    make("env")
    (tmp_path / "wfctl.toml").write_text('app = "app.py"\npython = "env"\n')
    with pytest.raises(NotTrusted, match="sets python"):
        resolve({}, {}, tmp_path)
    found = resolve({}, {"WFCTL_TRUST": "1"}, tmp_path).environment
    assert found is not None
    assert found.prefix == tmp_path / "env"


@posix
def test_a_strangers_environment(make: Make, tmp_path: Path) -> None:
    folder = make(".venv")
    folder.chmod(0o777)
    with pytest.raises(NotTrusted, match="everybody on this machine may write to it"):
        discover({}, tmp_path)
    assert discover({"WFCTL_TRUST": "1"}, tmp_path) is not None
    folder.chmod(0o755)
    assert discover({}, tmp_path) is not None
    if os.geteuid() == 0:
        os.chown(folder, 12345, 12345)
        with pytest.raises(NotTrusted, match="belongs to uid 12345"):
            discover({}, tmp_path)
        os.chown(tmp_path, 12345, 12345)
        assert discover({}, tmp_path) is not None, "whoever wrote the app is no stranger to it"
