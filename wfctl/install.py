"""The name of the distribution, and the command that adds an extra to the copy of wfctl that runs.

The command and the package are called wfctl; on the package index that name belongs to another project.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

DISTRIBUTION = "wfctl-dapr"


def install_command(*extras: str) -> str:
    """Return the shell command that installs this wfctl again where it is, with these extras."""
    editable = "--editable " if _origin().get("dir_info", {}).get("editable") else ""
    return f'{_installer()} {editable}"{requirement(*extras)}"'


def requirement(*extras: str) -> str:
    """Return what an installer takes for this wfctl with these extras.

    A copy that came from a folder, a wheel or a repository comes from there again; any other from the index.
    """
    origin = _origin()
    wanted = f"[{','.join(extras)}]" if extras else ""
    url = origin.get("url", "")
    if "vcs_info" in origin:
        return f"{DISTRIBUTION}{wanted} @ {origin['vcs_info']['vcs']}+{url}@{origin['vcs_info']['commit_id']}"
    if not url.startswith("file:"):
        return f"{DISTRIBUTION}{wanted} @ {url}" if url else f"{DISTRIBUTION}{wanted}"
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    path = url2pathname(urlsplit(url).path)
    return f"{path}{wanted}" if Path(path).exists() else f"{DISTRIBUTION}{wanted}"


def _origin() -> dict[str, Any]:
    """Return what the installer has recorded of a copy that did not come from an index (PEP 610)."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        text = distribution(DISTRIBUTION).read_text("direct_url.json")
        found = json.loads(text or "{}")
    except (PackageNotFoundError, ValueError, OSError):
        return {}
    return found if isinstance(found, dict) else {}


def of_poetry(prefix: Path) -> bool:
    """Return True if an environment is Poetry's: beside the project's lock, or where Poetry keeps its own."""
    return (prefix.parent / "poetry.lock").exists() or "pypoetry" in prefix.parts


def installed_as_tool() -> bool:
    """Return True if this Python is an environment of uv or pipx for wfctl alone."""
    return _installer() != "pip install"


def _installer() -> str:
    """Return the command of the tool that owns this Python; pip's where nothing says that it is another's."""
    environment = Path(sys.prefix)
    if (environment / "uv-receipt.toml").exists():
        return "uv tool install"
    if (environment / "pipx_metadata.json").exists():
        return "pipx install --force"
    return "pip install"
