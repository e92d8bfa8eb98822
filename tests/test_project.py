"""What holds for the project as a whole: its modules, its dependencies, its base install."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from limits import LIMIT_SECONDS

from wfctl import __version__
from wfctl.install import DISTRIBUTION, install_command

ROOT = Path(__file__).parents[1]
MODULES = sorted(path for path in (ROOT / "wfctl").rglob("*.py") if "protos" not in path.parts)
EXTRAS = ("grpc", "google.protobuf", "starlette", "uvicorn", "dapr", "jsonschema", "pytest")


def project() -> dict[str, Any]:
    tomllib: Any = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_says_what_it_is(path: Path) -> None:
    """Command modules say it in the docstring of the command, which is its help."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if not tree.body:
        return
    commands = [node for node in tree.body if isinstance(node, ast.FunctionDef) and _is_command(node)]
    assert ast.get_docstring(tree) or (all(ast.get_docstring(node) for node in commands) and commands)


def _is_command(node: ast.FunctionDef) -> bool:
    return any("command(" in ast.unparse(mark) for mark in node.decorator_list)


def test_every_dependency_has_its_reason() -> None:
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8").partition("## Dependencies")[2]
    extras = project()["optional-dependencies"]
    for requirement in (*project()["dependencies"], *extras["grpc"], *extras["serve"]):
        name = re.match(r"[\w-]+", requirement)
        assert name is not None
        assert re.search(rf"\b{name[0]}\b", text), f"docs/design.md does not say what {name[0]} is for"


def test_the_distribution_has_one_name() -> None:
    assert project()["name"] == DISTRIBUTION
    named = re.compile(r"(?:pip|pipx|tool) install (?:-\S+ )*[\"']?wfctl(?![\w-])")
    for path in (*MODULES, *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        if path.name != "CHANGELOG.md":
            assert not named.search(path.read_text(encoding="utf-8")), f"{path} installs a stranger's program"


def test_the_license_and_the_types_are_declared() -> None:
    assert project()["license"] == "Apache-2.0"
    for name in project()["license-files"]:
        assert "Apache License" in (ROOT / name).read_text(encoding="utf-8")
    assert (ROOT / "wfctl" / "py.typed").exists(), "the classifier says Typing :: Typed"


def test_the_changelog_knows_this_version() -> None:
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_base_install_is_enough(tmp_path: Path) -> None:
    """The main job, where nothing is installed but what pyproject's `dependencies` say."""
    program = f"""
import sys
from importlib.machinery import PathFinder
class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        missing = any(name == extra or name.startswith(extra + ".") for extra in {EXTRAS!r})
        return None if missing else super().find_spec(name, path, target)
sys.meta_path[:] = [Without if finder is PathFinder else finder for finder in sys.meta_path]
from wfctl.cli.main import main
sys.exit(main(sys.argv[1:]))
"""

    def wfctl(*argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program, *argv],
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            cwd=tmp_path,
            env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")},
        )

    order = '{"name":"Paperclips","quantity":10,"totalCost":99.95}'
    for argv in (
        ["--help"],
        ["init"],
        ["start", "OrderProcessingWorkflow", "--id", "one", "--input", order, "--wait"],
        ["list"],
        ["steps", "one", "--timeline"],
        ["doctor"],
        ["rerun", "one", "--new-id", "two"],
        ["purge", "one", "two"],
    ):
        found = wfctl(*argv)
        assert found.returncode == 0, f"{argv}: {found.stderr}"
    refused = wfctl("serve")
    assert (refused.returncode, install_command("serve") in refused.stderr) == (5, True), refused.stderr
