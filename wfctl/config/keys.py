"""Declare the settings: their names in files, their environment variables, their values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Free(Enum):
    """Say when a setting in an untrusted project file counts: see `trust`."""

    NEVER = auto()
    ALWAYS = auto()
    INSIDE = auto()  # if it is a path inside the project's folder
    HERE = auto()  # if it is an address on this machine


@dataclass(frozen=True, slots=True)
class Key:
    """Declare a setting. A `path` in a file is relative to that file; a `secret` is never shown.

    `bound`: it belongs to one sidecar, and applies only to the target that it was written for.
    `free` stays NEVER until somebody has thought about what a stranger could do with the setting.
    """

    name: str
    env: str
    help: str
    path: bool = False
    secret: bool = False
    choices: tuple[str, ...] = ()
    file: bool = True  # allowed in files
    bound: bool = False
    free: Free = Free.NEVER
    flag: bool = False  # true or false, without quotes

    @property
    def option(self) -> str:
        return "--" + self.name.replace("_", "-")


PROTECTED = "protected"
API_VERSIONS = ("v1.0", "v1.0-beta1", "v1.0-alpha1")

KEYS = (
    Key("target", "WFCTL_TARGET", "embedded, sidecar, grpc, a URL, or the name of a profile", free=Free.HERE),
    Key("app", "WFCTL_APP", "the file or the module that registers the workflows", path=True, free=Free.INSIDE),
    Key("python", "WFCTL_PYTHON", "the app's environment, or the Python in it; wfctl's own unless found", path=True),
    Key("store", "WFCTL_STORE", "the store file of the embedded engine", path=True, free=Free.INSIDE),
    Key(
        "grpc_endpoint",
        "WFCTL_GRPC_ENDPOINT",
        "the sidecar's gRPC address, if not port 50001 beside HTTP",
        bound=True,
        free=Free.HERE,
    ),
    Key(
        "api_version",
        "WFCTL_API_VERSION",
        "the HTTP workflow API to speak",
        choices=API_VERSIONS,
        bound=True,
        free=Free.ALWAYS,
    ),
    Key("app_id", "WFCTL_APP_ID", "the Dapr app to use", bound=True),
    Key("token", "WFCTL_TOKEN", "the sidecar's API token", secret=True, file=False),
    Key("token_env", "WFCTL_TOKEN_ENV", "the environment variable that holds the API token", bound=True),
    Key("token_file", "WFCTL_TOKEN_FILE", "the file that holds the API token", path=True, bound=True),
    Key("ca_file", "WFCTL_CA_FILE", "certificates to trust besides the system's", path=True),
    Key(
        "request_timeout",
        "WFCTL_REQUEST_TIMEOUT",
        "how long one request to a sidecar may take, as 30s",
        free=Free.ALWAYS,
    ),
    Key("kube_context", "WFCTL_KUBE_CONTEXT", "the kubectl context", bound=True),
    Key("namespace", "WFCTL_NAMESPACE", "the Kubernetes namespace", bound=True),
    Key("pod", "WFCTL_POD", "the pod of the sidecar", bound=True),
    Key(
        PROTECTED,
        "",
        "in a profile, true: whatever changes instances there asks for the profile's name",
        choices=("true", "false"),
        flag=True,
        free=Free.ALWAYS,
    ),
    Key("retain", "WFCTL_RETAIN", "how long serve keeps what has ended, as completed=7d,failed=30d,any=90d"),
    Key("color", "WFCTL_COLOR", "colours", choices=("auto", "always", "never"), free=Free.ALWAYS),
    Key(
        "format",
        "WFCTL_FORMAT",
        "the output format",
        choices=("table", "wide", "json", "jsonl", "yaml", "id"),
        free=Free.ALWAYS,
    ),
    Key(
        "log_level",
        "WFCTL_LOG_LEVEL",
        "from which level on a command shows what the app logs while it runs it",
        choices=("debug", "info", "warning", "error", "off"),
        free=Free.ALWAYS,
    ),
)

BY_NAME = {key.name: key for key in KEYS}
IN_FILES = tuple(key.name for key in KEYS if key.file)
# Not allowed in a profile: they concern this terminal, not a target.
NOT_IN_PROFILES = frozenset({"color", "format", "log_level"})
ONLY_IN_PROFILES = frozenset({PROTECTED})
