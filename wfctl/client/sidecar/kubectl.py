"""Reach a sidecar in a Kubernetes cluster: find its pod, and forward its two ports with `kubectl`.

`kubectl` does the connecting and the authentication; wfctl reads no kubeconfig. Sidecars are found among the
containers and, where they are native sidecars, among the init containers. Only ready pods count.

No user input can be read by `kubectl` as an option: names are checked, and passed as part of a word.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import Any

from wfctl.client.sidecar.endpoint import Endpoint
from wfctl.errors import InvalidInput, NotFound, Unreachable
from wfctl.wire.default_ports import GRPC_PORT, HTTP_PORT

Note = Callable[[str], None]

LIST_SECONDS = 30.0
FORWARD_SECONDS = 20.0
_CONTAINER = "daprd"
_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
# Valid names in Kubernetes; a context may have any name in a kubeconfig (arn:aws:eks:...:cluster/shop, me@shop).
_NAMES = {
    "namespace": (re.compile(_LABEL), "a namespace is a DNS label: lower-case letters, digits and -, at most 63"),
    "pod": (
        re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*"),
        "a pod's name is a DNS subdomain: lower-case letters, digits, - and .",
    ),
    "kube_context": (re.compile(r"(?!-)[^\x00-\x1f\x7f]{1,1024}"), "kubectl config get-contexts"),
}
_FORWARDED = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) -> (\d+)")


@dataclass(frozen=True, slots=True)
class SidecarPod:
    pod: str
    namespace: str
    app_id: str
    http_port: int
    grpc_port: int
    ready: bool


class PortForward:
    """Hold a running `kubectl port-forward`. `endpoint` is the local end of it."""

    def __init__(self, process: subprocess.Popen[str], endpoint: Endpoint) -> None:
        self._process = process
        self.endpoint = endpoint

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(2.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            with contextlib.suppress(OSError):
                self._process.stdout.close()


def forward(endpoint: Endpoint, *, note: Note) -> PortForward:
    """Forward to the sidecar that the endpoint describes.

    Raises InvalidInput (an invalid name, or several sidecars fit), NotFound, and Unreachable with kubectl's message.
    """
    _check_names(endpoint)
    found = _choose(endpoint)
    note(f"forwarding to pod {found.pod} (app {found.app_id}) in namespace {found.namespace}")
    command = [
        *_kubectl(endpoint),
        "port-forward",
        f"--namespace={found.namespace}",
        "--address=127.0.0.1",
        f"pod/{found.pod}",
        f":{found.http_port}",
        f":{found.grpc_port}",
    ]
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    except OSError as error:
        raise _no_kubectl(error) from error
    try:
        ports = _forwarded(process, {found.http_port, found.grpc_port})
    except BaseException:
        PortForward(process, endpoint).close()
        raise
    local = replace(
        endpoint,
        http=f"http://127.0.0.1:{ports[found.http_port]}",
        grpc=f"127.0.0.1:{ports[found.grpc_port]}",
        kube_context=None,
        namespace=None,
        pod=None,
    )
    return PortForward(process, local)


def _check_names(endpoint: Endpoint) -> None:
    for name, (pattern, hint) in _NAMES.items():
        value = getattr(endpoint, name)
        if value is not None and pattern.fullmatch(value) is None:
            raise InvalidInput(f"{name} is {value!r}, which is not a valid name in Kubernetes", hint=hint)


def _forwarded(process: subprocess.Popen[str], wanted: set[int]) -> dict[int, int]:
    """Return the local port of each remote port. The output of kubectl is read until it ends."""
    lines: SimpleQueue[str | None] = SimpleQueue()

    def read() -> None:
        assert process.stdout is not None
        with contextlib.suppress(ValueError, OSError):  # closed by another thread
            for line in process.stdout:
                lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True, name="kubectl-output").start()
    ports: dict[int, int] = {}
    said = ""
    while set(ports) != wanted:
        try:
            line = lines.get(timeout=FORWARD_SECONDS)
        except Empty:
            raise Unreachable(
                f"kubectl port-forward was not ready within {FORWARD_SECONDS:g} s", hint="try it by hand"
            ) from None
        if line is None:
            raise Unreachable(f"kubectl port-forward ended: {_line(said)}")
        said += line
        match = _FORWARDED.search(line)
        if match is not None:
            ports[int(match[2])] = int(match[1])
    return ports


def _choose(endpoint: Endpoint) -> SidecarPod:
    found = [sidecar for pod in _pods(endpoint) for sidecar in _sidecars(pod)]
    where = f"namespace {endpoint.namespace}" if endpoint.namespace else "the current namespace"
    if endpoint.app_id is not None:
        found = [sidecar for sidecar in found if sidecar.app_id == endpoint.app_id]
    wanted = f"pod {endpoint.pod}" if endpoint.pod else f"app '{endpoint.app_id}'" if endpoint.app_id else "Dapr app"
    if not found:
        raise NotFound(f"there is no sidecar of {wanted} in {where}", hint="kubectl get pods; name another --namespace")
    ready = [sidecar for sidecar in found if sidecar.ready]
    if not ready:
        raise Unreachable(f"no sidecar of {wanted} in {where} is ready", hint=f"kubectl describe pod {found[0].pod}")
    apps = sorted({sidecar.app_id for sidecar in ready})
    if len(apps) > 1:
        raise InvalidInput(f"{where} has sidecars of several apps: {', '.join(apps)}", hint="choose one: --app-id")
    return ready[0]


def _pods(endpoint: Endpoint) -> list[dict[str, Any]]:
    command = [*_kubectl(endpoint), "get", "pod" if endpoint.pod is None else f"pod/{endpoint.pod}"]
    if endpoint.namespace is not None:
        command.append(f"--namespace={endpoint.namespace}")
    command.append("--output=json")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIST_SECONDS, check=False)
    except OSError as error:
        raise _no_kubectl(error) from error
    except subprocess.TimeoutExpired as error:
        raise Unreachable(f"kubectl gave no answer within {LIST_SECONDS:g} s", hint="kubectl cluster-info") from error
    if done.returncode:
        kind = NotFound if "NotFound" in done.stderr else Unreachable
        raise kind(f"kubectl: {_line(done.stderr)}", hint="check --kube-context, --namespace and --pod")
    try:
        data = json.loads(done.stdout)
        items = data["items"] if data.get("kind", "").endswith("List") else [data]
    except (ValueError, KeyError, AttributeError) as error:
        raise Unreachable("kubectl did not answer with a list of pods") from error
    return list(items)


def _sidecars(pod: dict[str, Any]) -> Iterator[SidecarPod]:
    spec, meta, status = pod.get("spec") or {}, pod.get("metadata") or {}, pod.get("status") or {}
    statuses = [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
    ready = any(each.get("name") == _CONTAINER and each.get("ready") for each in statuses)
    if meta.get("deletionTimestamp"):
        ready = False
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        if container.get("name") != _CONTAINER:
            continue
        flags = _flags([*(container.get("command") or ()), *(container.get("args") or ())])
        annotation = (meta.get("annotations") or {}).get("dapr.io/app-id")
        yield SidecarPod(
            pod=meta.get("name", ""),
            namespace=meta.get("namespace", "default"),
            app_id=flags.get("app-id") or annotation or meta.get("name", ""),
            http_port=int(flags.get("dapr-http-port") or HTTP_PORT),
            grpc_port=int(flags.get("dapr-grpc-port") or GRPC_PORT),
            ready=ready,
        )


def _flags(arguments: list[str]) -> dict[str, str]:
    """Parse daprd's flags: `--name=value`, or `--name` followed by the value."""
    found: dict[str, str] = {}
    for index, argument in enumerate(arguments):
        if not argument.startswith("-"):
            continue
        name, separator, value = argument.lstrip("-").partition("=")
        if not separator and index + 1 < len(arguments) and not arguments[index + 1].startswith("-"):
            value = arguments[index + 1]
        found[name] = value
    return found


def _kubectl(endpoint: Endpoint) -> list[str]:
    return ["kubectl", *([f"--context={endpoint.kube_context}"] if endpoint.kube_context is not None else ())]


def _no_kubectl(error: OSError) -> Unreachable:
    return Unreachable(f"kubectl cannot be run: {error.strerror}", hint="install it, or put it on PATH")


def _line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
