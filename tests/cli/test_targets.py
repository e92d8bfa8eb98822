"""Which sidecar is meant: flags, variables, profiles, files, Dapr's own variables; what `config show` says of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness import Cli, Outcome

from wfctl.cli.options.common import Flags
from wfctl.cli.target import choose
from wfctl.client.connect import Embedded
from wfctl.client.sidecar.endpoint import Endpoint
from wfctl.config.keys import KEYS
from wfctl.config.settings import resolve
from wfctl.errors import InvalidInput

TRUSTED = {"WFCTL_TRUST": "1"}
PROFILES = """
app = "app.py"

[profiles.prod]
target = "https://prod.example.com"
grpc_endpoint = "prod.example.com:443?tls=true"
token_env = "PROD_TOKEN"
app_id = "orders"
ca_file = "ca.pem"
api_version = "v1.0-beta1"
request_timeout = "5s"

[profiles.cluster]
kube_context = "blue"
namespace = "shop"
app_id = "orders"
"""


def shown(outcome: Outcome) -> dict[str, tuple[str, str]]:
    assert outcome.status == 0, outcome
    return {row["name"]: (row["value"], row["origin"]) for row in outcome.json}


def endpoint(environ: dict[str, str] | None = None, **flags: str) -> Endpoint:
    found = choose(resolve(flags, environ or {}, Path.cwd()))
    assert isinstance(found, Endpoint)
    return found


def test_every_sidecar_setting_is_a_flag_or_must_not_be_one(project: Path) -> None:
    settings = Flags().settings()
    assert {key.name for key in KEYS if key.bound} - set(settings) == {"token_env", "token_file"}
    assert set(settings) <= {key.name for key in KEYS}


def test_flags(cli: Cli, project: Path) -> None:
    found = shown(
        cli(
            *("config", "show", "-o", "json", "-t", "http://far:3600", "--grpc-endpoint", "far:50002", "--app-id", "a"),
            *("--api-version", "v1.0-alpha1", "--request-timeout", "7s", "--ca-file", "ca.pem"),
        )
    )
    assert found["target"] == ("http://far:3600", "--target")
    assert found["grpc_endpoint"] == ("far:50002", "--grpc-endpoint")
    assert found["api_version"] == ("v1.0-alpha1", "--api-version")
    assert found["request_timeout"] == ("7s", "--request-timeout")
    assert found["ca_file"] == (str(project / "ca.pem"), "--ca-file")
    assert found["app_id"] == ("a", "--app-id")


def test_options_before_the_command_and_behind_it(cli: Cli, project: Path) -> None:
    found = shown(cli("--pod", "a", "--namespace", "n", "config", "show", "--pod", "b", "-o", "json"))
    assert found["pod"] == ("b", "--pod")
    assert found["namespace"] == ("n", "--namespace")
    assert found["target"] == ("sidecar", "namespace (--namespace)")


def test_a_profile(cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "wfctl.toml").write_text(PROFILES)
    monkeypatch.setenv("PROD_TOKEN", "s3cret")
    assert cli("config", "trust").status == 0
    outcome = cli("config", "show", "-t", "prod", "-o", "json")
    assert "s3cret" not in outcome.out + outcome.err
    found = shown(outcome)
    assert found["token"] == ("(set, not shown)", f"PROD_TOKEN, by token_env (profile prod in {project}/wfctl.toml)")
    assert found["profile"][0] == "prod"
    chosen = endpoint({"PROD_TOKEN": "s3cret", **TRUSTED}, target="prod")
    assert chosen == Endpoint(
        http="https://prod.example.com",
        grpc="prod.example.com:443?tls=true",
        token="s3cret",
        app_id="orders",
        ca_file=project / "ca.pem",
        api_version="v1.0-beta1",
        request_timeout=5.0,
    )
    assert "s3cret" not in repr(chosen)
    environ = {"PROD_TOKEN": "x", "WFCTL_APP_ID": "other", **TRUSTED}
    assert endpoint(environ, target="prod", request_timeout="1m").app_id == "other"


def test_a_sidecar_in_a_cluster(project: Path) -> None:
    (project / "wfctl.toml").write_text(PROFILES)
    chosen = endpoint(TRUSTED, target="cluster")
    assert (chosen.http, chosen.kube_context, chosen.namespace, chosen.app_id) == (None, "blue", "shop", "orders")
    assert chosen.in_cluster
    assert endpoint(pod="orders-1").in_cluster
    with pytest.raises(InvalidInput, match="exclude each other"):
        endpoint(target="http://127.0.0.1:3500", pod="orders-1")
    assert not endpoint({"WFCTL_NAMESPACE": "shop"}, target="http://127.0.0.1:3500").in_cluster


def test_a_token_never_goes_to_another_sidecar(project: Path) -> None:
    (project / "token").write_text("s3cret")
    (project / "token").chmod(0o600)
    (project / "wfctl.toml").write_text(
        'target = "https://prod.example.com"\ntoken_file = "token"\ngrpc_endpoint = "prod.example.com:443?tls=true"\n'
        'request_timeout = "5s"\n[profiles.test]\ntarget = "http://test.example.com"\n'
    )
    assert endpoint(TRUSTED).token == "s3cret"
    for target in ("http://elsewhere:3500", "test", "sidecar"):
        chosen = endpoint(TRUSTED, target=target)
        assert (chosen.token, chosen.grpc) == (None, None), target
        assert chosen.request_timeout == 5.0


def test_daprs_variables_count_for_their_host(project: Path) -> None:
    local = {"DAPR_HTTP_PORT": "3600", "DAPR_GRPC_PORT": "50002", "DAPR_API_TOKEN": "s3cret"}
    chosen = endpoint(local)
    assert (chosen.http, chosen.grpc, chosen.token) == ("http://127.0.0.1:3600", "127.0.0.1:50002", "s3cret")
    near = endpoint(local, target="http://localhost:3700")
    assert (near.grpc, near.token) == ("127.0.0.1:50002", "s3cret")
    far = endpoint(local, target="http://elsewhere:3500")
    assert (far.grpc, far.token) == (None, None)
    assert endpoint({"DAPR_API_TOKEN": "s3cret"}, target="http://elsewhere:3500").token == "s3cret"
    remote = {"DAPR_HTTP_ENDPOINT": "https://dapr.example.com", "DAPR_API_TOKEN": "s3cret"}
    assert endpoint(remote).token == "s3cret"
    assert endpoint(remote, target="http://127.0.0.1:3500").token is None


def test_grpc_alone(project: Path) -> None:
    for environ in ({"DAPR_GRPC_PORT": "50002"}, {"WFCTL_GRPC_ENDPOINT": "127.0.0.1:50002"}):
        chosen = endpoint(environ)
        assert (chosen.http, chosen.grpc) == (None, "127.0.0.1:50002")
    assert endpoint(target="grpc") == Endpoint()


def test_a_store_or_an_app_by_hand_means_embedded(project: Path) -> None:
    found = choose(resolve({"store": "s.db"}, {"WFCTL_GRPC_ENDPOINT": "50002"}, Path.cwd()))
    assert isinstance(found, Embedded)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"request_timeout": "soon"}, "request_timeout (--request-timeout)"),
        ({"request_timeout": "0s"}, "no request could be answered"),
        ({"api_version": "v2"}, "--api-version is 'v2'"),
    ],
)
def test_what_is_wrong(project: Path, flags: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        endpoint(target="sidecar", **flags)  # type: ignore[arg-type]
    assert words in caught.value.message


def test_help_keeps_them_out_of_the_way(cli: Cli, project: Path) -> None:
    page = cli("get", "--help").out
    assert page.count("--grpc-endpoint") == 1
    assert "--kube-context" not in page
    topic = cli("help", "targets").out
    options = [key.option for key in KEYS if key.bound or key.name in ("ca_file", "request_timeout")]
    for option in options:
        assert option in topic or option in ("--token-env", "--token-file")


def test_json_of_an_error_in_the_settings(cli: Cli, project: Path) -> None:
    outcome = cli("get", "x", "--pod", "p", "-t", "http://127.0.0.1:3500", "-o", "json")
    assert outcome.status == 2
    assert json.loads(outcome.err)["error"]["code"] == "invalid_input"
