"""The command that a hint names to add what is missing: right for how this copy of wfctl was installed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from wfctl.install import DISTRIBUTION, install_command, requirement


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that no tool owns, into which wfctl came from an index."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    info = tmp_path / f"{DISTRIBUTION.replace('-', '_')}-0.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {DISTRIBUTION}\nVersion: 0.0.0\n")
    return info


def came_from(environment: Path, **origin: Any) -> None:
    (environment / "direct_url.json").write_text(json.dumps(origin))


def test_from_an_index() -> None:
    assert install_command("serve") == 'pip install "wfctl-dapr[serve]"'
    assert install_command("serve", "otel") == 'pip install "wfctl-dapr[serve,otel]"'
    assert requirement() == "wfctl-dapr"


def test_from_a_checkout(environment: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    came_from(environment, url=folder.as_uri(), dir_info={})
    assert install_command("grpc") == f'pip install "{folder}[grpc]"'
    came_from(environment, url=folder.as_uri(), dir_info={"editable": True})
    assert install_command("grpc") == f'pip install --editable "{folder}[grpc]"'
    folder.rmdir()
    assert requirement("grpc") == "wfctl-dapr[grpc]", "what is gone cannot be installed again"


def test_from_a_wheel_a_repository_and_an_address(environment: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "wfctl_dapr-0.0.0-py3-none-any.whl"
    wheel.touch()
    came_from(environment, url=wheel.as_uri(), archive_info={})
    assert install_command("serve") == f'pip install "{wheel}[serve]"'
    came_from(environment, url="https://example.com/w.git", vcs_info={"vcs": "git", "commit_id": "abc"})
    assert install_command("serve") == 'pip install "wfctl-dapr[serve] @ git+https://example.com/w.git@abc"'
    came_from(environment, url="https://example.com/w.whl", archive_info={})
    assert install_command("serve") == 'pip install "wfctl-dapr[serve] @ https://example.com/w.whl"'


@pytest.mark.parametrize(
    ("file", "command"), [("uv-receipt.toml", "uv tool install"), ("pipx_metadata.json", "pipx install --force")]
)
def test_the_tool_that_owns_the_environment(tmp_path: Path, file: str, command: str) -> None:
    (tmp_path / file).touch()
    assert install_command("serve") == f'{command} "wfctl-dapr[serve]"'


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_a_record_that_says_nothing(environment: Path, text: str) -> None:
    (environment / "direct_url.json").write_text(text)
    assert install_command("serve") == 'pip install "wfctl-dapr[serve]"'
