"""Sidecars in a cluster, by a fake `kubectl` on PATH that forwards for real."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from sidecar_fake import http_server, instance

from wfctl import errors
from wfctl.client.sidecar import connection, kubectl
from wfctl.client.sidecar.endpoint import Endpoint
from wfctl.client.sidecar.workflows import open_sidecar

KUBECTL = """#!{python}
import json, os, socket, sys, threading
here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "calls"), "a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
plan = json.load(open(os.path.join(here, "plan.json")))
if "get" in sys.argv:
    if "fail" in plan:
        sys.exit(plan["fail"])
    print(json.dumps(plan["pods"]))
    sys.exit(0)
if "forward_fails" in plan:
    print("Unable to listen", flush=True)
    sys.exit(plan["forward_fails"])
for remote in [argument[1:] for argument in sys.argv if argument.startswith(":")]:
    listener = socket.create_server(("127.0.0.1", 0))
    local = listener.getsockname()[1]
    def serve(listener=listener, remote=remote):
        while True:
            near, _ = listener.accept()
            far = socket.create_connection(("127.0.0.1", plan["ports"][remote]))
            def pump(a, b):
                while data := a.recv(65536):
                    b.sendall(data)
                b.close()
            threading.Thread(target=pump, args=(near, far), daemon=True).start()
            threading.Thread(target=pump, args=(far, near), daemon=True).start()
    threading.Thread(target=serve, daemon=True).start()
    print(f"Forwarding from 127.0.0.1:{{local}} -> {{remote}}", flush=True)
threading.Event().wait(60)
"""


class Cluster:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        script = folder / "kubectl"
        script.write_text(KUBECTL.format(python=sys.executable))
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        self.plan(pods={"kind": "List", "items": []})

    def plan(self, **what: Any) -> None:
        (self.folder / "plan.json").write_text(json.dumps(what))

    @property
    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return Cluster(tmp_path)


def pod(
    name: str, app_id: str, *, ready: bool = True, native: bool = False, ports: tuple[int, int] | None = None
) -> dict[str, Any]:
    arguments = ["--app-id", app_id, "--dapr-listen-addresses=[::1],127.0.0.1"]
    if ports is not None:
        arguments += [f"--dapr-http-port={ports[0]}", "--dapr-grpc-port", str(ports[1])]
    daprd = {"name": "daprd", "command": ["/daprd"], "args": arguments}
    app = {"name": "app"}
    where = "initContainerStatuses" if native else "containerStatuses"
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "annotations": {"dapr.io/app-id": app_id}},
        "spec": {"containers": [app] if native else [app, daprd], "initContainers": [daprd] if native else []},
        "status": {where: [{"name": "daprd", "ready": ready}]},
    }


def pods(*items: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "List", "items": list(items)}


@pytest.mark.parametrize("native", [False, True], ids=["container", "native sidecar"])
def test_commands_go_through_to_the_sidecar(cluster: Cluster, native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "grpc_installed", lambda: False)
    notes: list[str] = []
    with http_server(lambda request: (200, instance("i1", "COMPLETED"))) as server:
        port = int(server.url.rpartition(":")[2])
        cluster.plan(
            pods=pods(
                pod("web-1", "web"),
                pod("orders-0", "orders", ready=False),
                pod("orders-1", "orders", native=native, ports=(3600, 50600)),
            ),
            ports={"3600": port, "50600": port},
        )
        endpoint = Endpoint(app_id="orders", kube_context="prod", namespace="shop")
        target = open_sidecar(endpoint, note=notes.append)
        try:
            assert target._sidecar.endpoint.http is not None
            # Its own app: the sidecar is asked for nobody else's instances.
            server.answer = lambda request: (
                (200, {"id": "orders", "runtimeVersion": "1.18.3"})
                if "metadata" in request.path
                else (200, instance("i1", "COMPLETED"))
            )
            assert target.get("i1").status.name == "COMPLETED"
        finally:
            target.close()
        tunnel = target._tunnel
        assert tunnel is not None
        assert tunnel._process.poll() is not None, "kubectl ends with us"
    listed, forwarded = cluster.calls
    assert listed == ["--context=prod", "get", "pod", "--namespace=shop", "--output=json"]
    assert forwarded[:2] == ["--context=prod", "port-forward"]
    assert "pod/orders-1" in forwarded
    assert forwarded[-2:] == [":3600", ":50600"]
    assert notes == ["forwarding to pod orders-1 (app orders) in namespace shop"]


def test_one_pod_by_name(cluster: Cluster) -> None:
    cluster.plan(pods=pod("orders-1", "orders"), ports={"3500": 1, "50001": 1})
    tunnel = kubectl.forward(Endpoint(pod="orders-1"), note=lambda line: None)
    tunnel.close()
    assert cluster.calls[0] == ["get", "pod/orders-1", "--output=json"]
    assert tunnel.endpoint.http != "http://127.0.0.1:3500"
    assert not tunnel.endpoint.in_cluster


@pytest.mark.parametrize(
    ("plan", "endpoint", "error", "words"),
    [
        ({"pods": pods()}, Endpoint(namespace="shop"), errors.NotFound, "no sidecar of Dapr app in namespace shop"),
        ({"pods": pods(pod("a", "a"))}, Endpoint(namespace="shop", app_id="b"), errors.NotFound, "app 'b'"),
        ({"pods": pods(pod("a", "a", ready=False))}, Endpoint(namespace="shop"), errors.Unreachable, "is ready"),
        (
            {"pods": pods(pod("a", "a"), pod("b", "b"))},
            Endpoint(namespace="s"),
            errors.InvalidInput,
            "several apps: a, b",
        ),
        ({"fail": 'Error from server (NotFound): pods "x" not found'}, Endpoint(pod="x"), errors.NotFound, "not found"),
        ({"fail": "The connection to the server was refused"}, Endpoint(pod="x"), errors.Unreachable, "was refused"),
        (
            {"pods": pods(pod("a", "a")), "forward_fails": 1},
            Endpoint(namespace="s"),
            errors.Unreachable,
            "Unable to listen",
        ),
    ],
)
def test_what_goes_wrong(
    cluster: Cluster, plan: dict[str, Any], endpoint: Endpoint, error: type[errors.WfctlError], words: str
) -> None:
    cluster.plan(**plan)
    with pytest.raises(errors.WfctlError) as caught:
        kubectl.forward(endpoint, note=lambda line: None)
    assert type(caught.value) is error
    assert words in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "given",
    [
        {"pod": "--kubeconfig=kc.yaml"},
        {"pod": "-v=9"},
        {"pod": "a/b"},
        {"pod": "a b"},
        {"pod": "A"},
        {"pod": "a" * 254},
        {"pod": ""},
        {"pod": "a\n"},
        {"namespace": "--kubeconfig=kc.yaml"},
        {"namespace": "a.b"},
        {"namespace": "a" * 64},
        {"kube_context": "--kubeconfig=kc.yaml"},
        {"kube_context": ""},
        {"kube_context": "a\nb"},
    ],
    ids=repr,
)
def test_a_name_that_is_none_never_reaches_kubectl(cluster: Cluster, given: dict[str, str]) -> None:
    with pytest.raises(errors.InvalidInput, match="not a valid name in Kubernetes"):
        kubectl.forward(Endpoint(**{"namespace": "shop", **given}), note=lambda line: None)  # type: ignore[arg-type]
    assert not (cluster.folder / "calls").exists()


@pytest.mark.parametrize(
    "context", ["minikube", "arn:aws:eks:eu-west-1:123456789012:cluster/shop", "me@shop", "gke_p_z_c", "a b"]
)
def test_names_as_clusters_have_them(cluster: Cluster, context: str) -> None:
    cluster.plan(pods=pods(pod("orders-0.a-1", "orders")), ports={"3500": 1, "50001": 1})
    given = Endpoint(pod="orders-0.a-1", namespace="shop-1", kube_context=context)
    kubectl.forward(given, note=lambda line: None).close()
    for call in cluster.calls:
        assert call[0] == f"--context={context}"
        assert "--namespace=shop-1" in call or "--namespace=shop" in call


def test_no_kubectl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.Unreachable, match="kubectl cannot be run"):
        kubectl.forward(Endpoint(pod="x"), note=lambda line: None)
