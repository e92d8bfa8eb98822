"""Every public name of the installed SDK is here, and takes what the SDK's takes.

Skipped where the `dapr` package is not installed: it is a test dependency only.
"""

from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wfctl.workflow.loading import import_hook

PROGRAM = Path(__file__).parents[3] / "support" / "sdk_surface.py"


def official() -> dict[str, str]:
    """The SDK's surface, from a process without the import hook."""
    done = subprocess.run([sys.executable, str(PROGRAM)], capture_output=True, text=True, check=False)
    if done.returncode:
        assert "No module named 'dapr" in done.stderr, done.stderr
        return {}
    found: dict[str, str] = json.loads(done.stdout)
    return found


SURFACE = official()


@pytest.fixture(autouse=True)
def _hook() -> Iterator[None]:
    import_hook.install()
    yield
    import_hook.uninstall()


@pytest.mark.skipif(not SURFACE, reason="the official SDK (dapr) is not installed")
def test_there_is_something_to_compare() -> None:
    assert len(SURFACE) > 150
    assert SURFACE["dapr.ext.workflow:DaprWorkflowClient.get_workflow_state"] == (
        "self, instance_id, !fetch_payloads=, !app_id="
    )
    assert "dapr.ext.workflow.mcp_schema:create_pydantic_model_from_schema" in SURFACE
    assert "dapr.ext.workflow.aio.dapr_workflow_client:DaprWorkflowClient.purge_workflow" in SURFACE


@pytest.mark.parametrize("place", SURFACE)
def test_takes_what_the_sdk_takes(place: str) -> None:
    module, _, path = place.partition(":")
    owner: Any = importlib.import_module(module)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    if SURFACE[place] in ("property", "value"):
        assert hasattr(owner, name)
        return
    if name in getattr(owner, "__members__", {}):
        assert repr(owner[name].value) == SURFACE[place]
        return
    found = inspect.getattr_static(owner, name) if inspect.isclass(owner) else getattr(owner, name)
    function = getattr(found, "__func__", found)
    if not SURFACE[place]:
        return
    if getattr(function, "__members__", None):
        return  # an enum, whose members have rows of their own
    assert problems(SURFACE[place], inspect.signature(function)) == []


def problems(wanted: str, ours: inspect.Signature) -> list[str]:
    """What a call that fits the SDK's parameters could meet here."""
    found = dict(ours.parameters)
    positional = [p.name for p in found.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    takes_any = {p.kind for p in found.values()}
    trouble = []
    known = set()
    for place, word in enumerate(filter(None, wanted.split(", "))):
        name = word.strip("!*=")
        known.add(name)
        mine = found.get(name)
        if word.startswith("*"):
            if (inspect.Parameter.VAR_KEYWORD if "**" in word else inspect.Parameter.VAR_POSITIONAL) not in takes_any:
                trouble.append(f"no {word}")
        elif mine is None:
            trouble.append(f"no parameter {name}")
        elif not word.startswith("!") and (place >= len(positional) or positional[place] != name):
            trouble.append(f"{name} has another place")
        elif word.endswith("=") and mine.default is mine.empty:
            trouble.append(f"{name} cannot be left out")
    for name, mine in found.items():
        if (
            name not in known
            and mine.default is mine.empty
            and mine.kind not in (mine.VAR_KEYWORD, mine.VAR_POSITIONAL)
        ):
            trouble.append(f"{name} is wanted, which the SDK does not know")
    return trouble


def test_what_would_be_found() -> None:
    def ours(self: Any, one: Any, *, three: Any, four: Any) -> None: ...

    assert problems("self, one, two=, !three=", inspect.signature(ours)) == [
        "no parameter two",
        "three cannot be left out",
        "four is wanted, which the SDK does not know",
    ]
