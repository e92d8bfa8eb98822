"""Choose the target from the settings. Nothing else tests whether a sidecar answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wfctl.client.connect import DEFAULT_HOST, Embedded, sidecar_answers
from wfctl.config.settings import AUTO, CLUSTER, EMBEDDED, GRPC, SIDECAR, Settings, Value
from wfctl.errors import InvalidInput
from wfctl.wire.default_ports import HTTP_PORT

if TYPE_CHECKING:
    from wfctl.client.port import Target

REQUEST_SECONDS = 30.0
_DEFAULT_URL = f"http://{DEFAULT_HOST}:{HTTP_PORT}"


def effective_target(settings: Settings) -> Value:
    """Return `embedded`, `sidecar` (one in a cluster), `grpc` or a URL, with the reason."""
    target = settings.target
    if target.value == AUTO:
        target = _automatic(settings)
    if target.value == SIDECAR and not any(name in settings.values for name in CLUSTER):
        return Value(_DEFAULT_URL, f"{target.origin}: sidecar")
    return target


def _automatic(settings: Settings) -> Value:
    """Choose a target where none is named.

    A store or an app given by hand (not in a file) means the embedded engine. Next, whatever says which sidecar is
    meant decides. Else the sidecar at Dapr's own port, if one answers there.
    """
    for name in ("store", "app"):
        value = settings.values.get(name)
        if value is not None and value.origin.startswith(("--", "WFCTL_")):
            return Value(EMBEDDED, f"automatic: {value.origin} is given")
    for name in CLUSTER:
        if name in settings.values:
            return Value(SIDECAR, f"{name} ({settings.values[name].origin})")
    endpoint = settings.values.get("grpc_endpoint")
    if endpoint is not None:
        return Value(GRPC, f"grpc_endpoint ({endpoint.origin})")
    if sidecar_answers():
        return Value(_DEFAULT_URL, f"automatic: a sidecar answers on {DEFAULT_HOST}:{HTTP_PORT}")
    return Value(EMBEDDED, f"automatic: no sidecar answers on {DEFAULT_HOST}:{HTTP_PORT}")


def choose(settings: Settings, target: Value | None = None) -> Target:
    """Return the target to open: `target`, if it is found already.

    Raises InvalidInput if both an address and a pod are given.
    """
    target = target or effective_target(settings)
    if target.value == EMBEDDED:
        # A project's file names the store that its first start makes; who names one by hand means one that is there.
        named = settings.store.origin in ("--store", "WFCTL_STORE")
        return Embedded(
            Path(settings.store.value),
            settings.app,
            settings.base,
            named,
            lambda: settings.interpreter,
            lambda: _environment(settings),
            _app_of_store(settings),
            {app_id: (app.value, settings.base_of(app)) for app_id, app in settings.apps.items()},
        )
    from wfctl.client.sidecar.endpoint import Endpoint

    token = settings.token()
    cluster = _cluster(settings, target)
    ca_file = settings.get("ca_file")
    return Endpoint(
        http=None if target.value in (GRPC, SIDECAR) else target.value,
        grpc=settings.get("grpc_endpoint"),
        token=token.value if token else None,
        app_id=settings.get("app_id"),
        ca_file=Path(ca_file) if ca_file else None,
        api_version=settings.get("api_version"),
        request_timeout=request_timeout(settings),
        kube_context=cluster.get("kube_context"),
        namespace=cluster.get("namespace"),
        pod=cluster.get("pod"),
    )


def _environment(settings: Settings) -> str | None:
    found = settings.environment
    return None if found is None or found.own else f"{found.describe()}: {found.origin}"


def _app_of_store(settings: Settings) -> str | None:
    """Return the app that is meant in a store: one named by hand, or in the chosen profile. Files mean a sidecar's."""
    given = settings.values.get("app_id")
    if given is None or not given.origin.startswith(("--", "WFCTL_", "profile ")):
        return None
    return given.value


def _cluster(settings: Settings, target: Value) -> dict[str, str]:
    """Return the settings that select a pod; none if the target has an address."""
    given = {name: settings.values[name] for name in CLUSTER if name in settings.values}
    if target.value == SIDECAR:
        return {name: value.value for name, value in given.items()}
    for value in given.values():
        if value.origin.startswith("--"):
            raise InvalidInput(
                f"{value.origin} and the target {target.value} ({target.origin}) exclude each other",
                hint="the pod alone: --target sidecar",
            )
    return {}


def request_timeout(settings: Settings) -> float:
    given = settings.values.get("request_timeout")
    if given is None:
        return REQUEST_SECONDS
    from wfctl.cli.parsing.duration import parse_duration

    seconds = parse_duration(given.value, f"request_timeout ({given.origin})").total_seconds()
    if seconds <= 0:
        raise InvalidInput(f"request_timeout ({given.origin}) is {given.value}: no request could be answered")
    return seconds
