"""Annotations of GitHub Actions: lines that its log turns into remarks at the lines of the code.

The format: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from wfctl.model.fit import Place
from wfctl.render.text import clean_block
from wfctl.render.views.fits import path_text


def annotation(level: str, title: str, text: str, place: Place | None, base: Path) -> str:
    """Return the line for a remark of the level `error`, `warning` or `notice`."""
    values = {"file": path_text(place, base), "line": None if place is None else str(place.line), "title": title}
    properties = ",".join(f"{name}={_property(value)}" for name, value in values.items() if value is not None)
    return f"::{level} {properties}::{_data(text)}"


def workspace(environ: Mapping[str, str], here: Path) -> Path:
    """Return the folder that GitHub's paths are relative to: that of the repository, else the current one."""
    found = environ.get("GITHUB_WORKSPACE")
    return Path(found) if found and os.path.isabs(found) else here


def _data(text: str) -> str:
    return clean_block(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
