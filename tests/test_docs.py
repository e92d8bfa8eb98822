"""What the documents say is done: their shell examples run under `bash -euo pipefail`, their links lead somewhere.

The `sh` blocks of a document are one script, run in an empty folder. A remark on the line before a block keeps it out:
`<!-- not run: REASON -->`, or `<!-- needs: serve -->` where a part of wfctl has to be installed for it.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import NamedTuple

import pytest
from limits import LIMIT_SECONDS

PAGE_SECONDS = 8 * LIMIT_SECONDS  # a page runs dozens of commands

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
    if "node_modules" not in path.parts
)
_BLOCK = re.compile(r"^(?:<!-- (?P<mark>.*?) -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_NEEDS = {"serve": "uvicorn"}


class Block(NamedTuple):
    mark: str
    kind: str
    text: str


def blocks(name: str) -> list[Block]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return [Block(match["mark"] or "", match["kind"], match["text"]) for match in _BLOCK.finditer(text)]


def script(name: str) -> str:
    """The blocks that can run here, as one script."""
    parts = []
    for block in blocks(name):
        if block.kind != "sh" or block.mark.startswith("not run: "):
            continue
        if block.mark.startswith("needs: "):
            module = _NEEDS[block.mark.removeprefix("needs: ")]
            if importlib.util.find_spec(module) is None:
                continue
        parts.append(block.text)
    return "\n".join(parts)


RUNNABLE = [name for name in DOCUMENTS if any(block.kind == "sh" for block in blocks(name))]


def test_there_is_something_to_run() -> None:
    assert {"README.md", "docs/tutorial.md", "docs/how-to/ci.md", "docs/how-to/cron.md"} <= set(RUNNABLE)
    marks = [block.mark for name in DOCUMENTS for block in blocks(name) if block.mark]
    assert all(re.fullmatch(r"not run: .+|needs: \w+|Made by .*", mark) for mark in marks), marks


@pytest.mark.skipif(os.name == "nt", reason="the examples are for a POSIX shell")
@pytest.mark.parametrize("name", RUNNABLE)
def test_examples_run(name: str, tmp_path: Path) -> None:
    for program in ("bash", "jq", "curl"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    programs = tmp_path / "bin"
    programs.mkdir()
    wfctl = programs / "wfctl"
    wfctl.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m wfctl "$@"\n')
    wfctl.chmod(0o755)
    pytest_program = programs / "pytest"
    pytest_program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pytest -q {_plugin()} "$@"\n')
    pytest_program.chmod(0o755)
    folder = tmp_path / "folder"
    folder.mkdir()
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("WFCTL_", "DAPR_"))}
    # What a terminal's user has and a test must not touch: settings, caches, a sidecar on the usual port.
    environ = {
        **kept,
        "PATH": f"{programs}:{kept['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
    }
    found = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script(name)],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PAGE_SECONDS,
    )
    assert found.returncode == 0, f"{found.stdout}\n{found.stderr}"
    assert "Traceback" not in found.stderr


def _plugin() -> str:
    """Return what gives pytest the fixture where wfctl was installed before it had one."""
    known = any(one.value == "wfctl.pytest_plugin" for one in entry_points(group="pytest11"))
    return "" if known else "-p wfctl.pytest_plugin"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in _LINK.findall(text):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        assert file.exists(), f"{name}: {target}"
        if anchor:
            assert anchor in anchors(file), f"{name}: {target}"


def anchors(file: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_documents_index_has_every_document() -> None:
    text = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for path in (ROOT / "docs").rglob("*.md"):
        relative = path.relative_to(ROOT / "docs").as_posix()
        assert relative == "README.md" or f"({relative}" in text, relative
    for path in (ROOT / "docs" / "schemas").glob("*.json"):
        assert f"(schemas/{path.name})" in text, path.name


@pytest.mark.skipif(os.name == "nt", reason="a pseudo-terminal")
def test_the_picture_is_made_from_a_run(tmp_path: Path) -> None:
    file = tmp_path / "picture.svg"
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("WFCTL_", "DAPR_"))}
    subprocess.run(
        [sys.executable, str(ROOT / "docs" / "make_picture.py"), str(file)],
        env={**environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        check=True,
        capture_output=True,
        timeout=PAGE_SECONDS,
    )
    made, kept = (shape(path.read_text(encoding="utf-8")) for path in (file, ROOT / "docs" / "images" / "wfctl.svg"))
    assert made == kept, "run: python docs/make_picture.py"


@pytest.mark.skipif(os.name == "nt", reason="paths in a picture")
def test_the_pictures_of_the_ui_are_made_from_runs(tmp_path: Path) -> None:
    pytest.importorskip("textual", reason="needs the extra ui")
    pytest.importorskip("uvicorn", reason="needs the extra serve")
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("WFCTL_", "DAPR_"))}
    subprocess.run(
        [sys.executable, str(ROOT / "docs" / "make_ui_pictures.py"), str(tmp_path)],
        env={**environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        timeout=PAGE_SECONDS,
    )
    kept = {file.name: shape(file.read_text(encoding="utf-8")) for file in (ROOT / "docs" / "images").glob("ui-*.svg")}
    made = {file.name: shape(file.read_text(encoding="utf-8")) for file in tmp_path.glob("*.svg")}
    assert made == kept, "run: python docs/make_ui_pictures.py"


def shape(svg: str) -> list[str]:
    """The words of the picture without what each run has of its own: times ("running for 5s" comes after a second),
    bars, and which line came first."""
    words = re.findall(
        r"[A-Za-z]{3,}", " ".join(re.findall(r">([^<>]+)</text>", svg).__iter__()).replace("&#160;", " ")
    )
    return sorted(word for word in words if word not in ("running", "for"))
