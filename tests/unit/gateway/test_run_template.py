"""Dapr's run template: what of it is used, what is refused, and what is said to be missing."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from wfctl.errors import InvalidInput
from wfctl.gateway.run_template import AppRun, read_template
from wfctl.gateway.unserved import grpc_block, http_block

TEMPLATE = """\
    version: 1
    common:
      env: {SHARED: a, LOUD: true, NOTHING: }
    apps:
      - appID: order
        appDirPath: ./order
        appPort: 6001
        daprHTTPPort: "3601"
        daprGRPCPort: 0
        env: {SHARED: b, COUNT: 3}
        command: [python3, app.py, 7]
      - appDirPath: order
        appId: other
      - appDirPath: ship/
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("order", "ship", "resources"):
        (tmp_path / name).mkdir()
    return tmp_path


def write(folder: Path, text: str, name: str = "dapr.yaml") -> Path:
    (folder / name).write_text(dedent(text))
    return folder / name


def test_what_is_used(folder: Path) -> None:
    file = write(folder, TEMPLATE)
    common = {"SHARED": "a", "LOUD": "true", "NOTHING": ""}
    order = AppRun(
        "order",
        folder / "order",
        ("python3", "app.py", "7"),
        {**common, "SHARED": "b", "COUNT": "3"},
        app_port=6001,
        http_port=3601,
    )
    found = read_template(file)
    assert found.apps == (
        order,
        AppRun("other", folder / "order", env=common),
        AppRun("ship", folder / "ship", env=common),
    )
    assert found.notes == ()
    assert read_template(folder) == found
    file.rename(folder / "dapr.yml")
    assert read_template(folder) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1]", "must be a table"),
        ("a: [", "is not valid YAML"),
        ("version: 2\napps: [{appID: a}]", "version is 2"),
        ("version: 1", "names no apps"),
        ("apps: []", "names no apps"),
        ("apps: [order]", r"apps\[0\] must be a table of settings, not str"),
        ("apps: [{appDirPath: gone}]", r"apps\[0\].appDirPath: there is no folder"),
        ("apps: [{appDirPath: [x]}]", "must be a path"),
        ("apps: [{appID: 'a b'}]", "is not an app ID"),
        ("apps: [{appID: a, appPort: 70000}]", "appPort is 70000"),
        ("apps: [{appID: a, daprHTTPPort: yes}]", "daprHTTPPort is True"),
        ("apps: [{appID: a, command: python app.py}]", "must be a list of words"),
        ("apps: [{appID: a, command: []}]", "must be a list of words"),
        ("apps: [{appID: a, env: [x]}]", "must be a table of names and values"),
        ("apps: [{appID: a, env: {x: [y]}}]", "must be a table of names and values"),
        ("apps: [{appID: a}, {appID: a}]", "two apps have the appID a"),
        ("apps: [{appID: a, appPort: 7}, {appID: b, daprHTTPPort: 7}]", "two apps have the port 7"),
    ],
)
def test_what_is_refused(folder: Path, text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_template(write(folder, text))


def test_a_template_that_is_not_there(folder: Path) -> None:
    with pytest.raises(InvalidInput, match=r"there is no dapr\.yaml in"):
        read_template(folder)
    with pytest.raises(InvalidInput, match="cannot be read: No such file"):
        read_template(folder / "other.yaml")


def test_what_is_missing_is_said_once(folder: Path) -> None:
    write(folder / "resources", "kind: Component\nmetadata: {name: st}\nspec: {type: state.redis}", "state.yaml")
    resources = """\
        kind: Component
        metadata: {name: ps}
        spec: {type: pubsub.redis}
        ---
        kind: Subscription
        metadata: {name: sub}
        ---
        just text
    """
    write(folder / "resources", resources, "pubsub.yaml")
    write(folder / "resources", "a: [", "broken.yml")
    text = """\
        common: {resourcesPath: resources, configFilePath: config.yaml}
        apps:
          - {appID: a, appProtocol: grpc, enableAppHealthCheck: true}
          - {appID: b, resourcesPaths: [gone]}
    """
    found = " | ".join(read_template(write(folder, text)).notes)
    assert found.count("pub/sub") == 2
    for words in (
        "Dapr's configuration file (a, b): wfctl has none; for that the app needs Dapr itself",
        "health checks of the app (a): wfctl has none",
        "appProtocol (a): wfctl calls apps by HTTP alone",
        "pub/sub (component ps, pubsub.redis, ",
        "pub/sub (Subscription sub, ",
        f"b: there is no folder of resources {folder / 'gone'}",
        "broken.yml cannot be read",
    ):
        assert words in found
    assert "state.redis" not in found


@pytest.mark.parametrize(
    ("path", "block"),
    [
        ("/v1.0/publish/ps/topic", "pub/sub"),
        ("/v1.0-alpha1/conversation/x/converse", "conversation"),
        ("/v1.0/secrets/store/key", "secrets"),
        ("/v1.0/workflows/dapr/x", None),
        ("/publish", None),
    ],
)
def test_blocks_by_path(path: str, block: str | None) -> None:
    assert http_block(path) == block


def test_blocks_by_method() -> None:
    runtime = "/dapr.proto.runtime.v1.Dapr/"
    assert grpc_block(runtime + "PublishEvent") == "pub/sub"
    assert grpc_block(runtime + "SubtleEncryptAlpha1") == "cryptography"
    assert grpc_block(runtime + "GetStateNobodyKnows") is None
    assert grpc_block("/TaskHubSidecarService/PublishEvent") is None
