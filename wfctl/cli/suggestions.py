"""Suggest what the user may have meant."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from wfctl.cli.command_table import COMMANDS
from wfctl.cli.quoting import quoted
from wfctl.errors import InvalidInput
from wfctl.render.text import clean

# What the users of dapr, temporal, kubectl, docker, systemctl and git type.
_OTHER_NAMES = {
    "describe": "get",
    "show": "get",
    "status": "get",
    "inspect": "get",
    "info": "get",
    "query": "get",
    "state": "get",
    "ps": "list",
    "find": "list",
    "search": "list",
    "instances": "list",
    "executions": "list",
    "failed": "list --status FAILED",
    "running": "list --status RUNNING",
    "signal": "raise-event",
    "send-event": "raise-event",
    "raise": "raise-event",
    "event": "raise-event",
    "emit": "raise-event",
    "approve": "raise-event",
    "cancel": "terminate",
    "kill": "terminate",
    "stop": "terminate",
    "abort": "terminate",
    "delete": "purge",
    "rm": "purge",
    "remove": "purge",
    "prune": "purge",
    "clean": "purge",
    "retry": "rerun",
    "reset": "rerun",
    "restart": "rerun",
    "redrive": "rerun",
    "replay": "rerun",
    "new": "start",
    "create": "start",
    "submit": "start",
    "execute": "start",
    "exec": "start",
    "schedule": "start",
    "invoke": "start",
    "trigger": "start",
    "unpause": "resume",
    "unsuspend": "resume",
    "continue": "resume",
    "hold": "pause",
    "events": "history",
    "log": "history",
    "trace": "steps",
    "activities": "steps",
    "tasks": "steps",
    "timeline": "steps --timeline",
    "graph": "steps --timeline",
    "children": "tree",
    "top": "list --watch",
    "tail": "watch",
    "follow": "watch",
    "attach": "watch",
    "output": "result",
    "logs": "steps",
    "stats": "count",
    "server": "serve",
    "dev": "serve",
    "up": "serve",
    "work": "run",
    "drive": "run",
    "worker": "workers",
    "streams": "workers",
    "pending": "waiting",
    "waits": "waiting",
    "approvals": "waiting",
    "check": "doctor",
    "health": "doctor",
    "diagnose": "doctor",
    "settings": "config show",
    "context": "config show",
    "use": "config use",
    "env": "config show",
    "dump": "backup",
    "export": "backup",
    "import": "restore",
    "types": "workflows",
    "autocomplete": "completion",
    "man": "help",
    "setup": "init",
}
_NOUNS = frozenset({"workflow", "wf", "instance", "activity"})  # as in `dapr workflow list`
_MOST_WORDS = 60  # characters of a suggestion: beyond that it is the command alone


def no_such_command(name: str, rest: Sequence[str] = ()) -> InvalidInput:
    """Return the error for a command that there is not, with the line that the user may have meant."""
    words = [name, *rest]
    if name.lower() in _NOUNS and rest:
        words = list(rest)
    near = _nearest(words[0].lower())
    if near is None:
        return InvalidInput(f"there is no command {clean(name)!r}", hint="wfctl help lists the commands")
    line = " ".join(["wfctl", near, *map(quoted, words[1:])])
    return InvalidInput(
        f"there is no command {clean(name)!r}",
        hint=f"did you mean `{line if len(line) <= _MOST_WORDS else f'wfctl {near}'}`?",
    )


def _nearest(name: str) -> str | None:
    visible = [command for command, entry in COMMANDS.items() if not entry.hidden]
    if name in COMMANDS:
        return name
    if (other := _OTHER_NAMES.get(name)) is not None:
        return other
    return next(iter(get_close_matches(name, visible, n=1)), None)


def no_such_topic(name: str, topics: list[str]) -> InvalidInput:
    known = [*topics, *(command for command, entry in COMMANDS.items() if not entry.hidden)]
    near = next(iter(get_close_matches(name.lower(), known, n=1)), None)
    return InvalidInput(
        f"there is no command or topic {clean(name)!r}",
        hint=f"did you mean `wfctl help {near}`?" if near else "the topics are " + ", ".join(topics),
    )
