"""What the user may have meant."""

from __future__ import annotations

from difflib import get_close_matches

from wfctl.cli.command_table import COMMANDS
from wfctl.errors import InvalidInput
from wfctl.render.text import clean

# What other workflow tools call it.
_OTHER_NAMES = {
    "describe": "get",
    "show": "get",
    "status": "get",
    "inspect": "get",
    "signal": "raise-event",
    "send-event": "raise-event",
    "raise": "raise-event",
    "event": "raise-event",
    "cancel": "terminate",
    "kill": "terminate",
    "stop": "terminate",
    "delete": "purge",
    "rm": "purge",
    "retry": "rerun",
    "reset": "rerun",
    "restart": "rerun",
    "new": "start",
    "submit": "start",
    "execute": "start",
    "schedule": "start",
    "unpause": "resume",
    "events": "history",
    "trace": "steps",
    "output": "result",
}


def no_such_command(name: str) -> InvalidInput:
    near = _OTHER_NAMES.get(name.lower())
    if near is None:
        visible = [command for command, entry in COMMANDS.items() if not entry.hidden]
        near = next(iter(get_close_matches(name.lower(), visible, n=1)), None)
    return InvalidInput(
        f"there is no command {clean(name)!r}",
        hint=f"did you mean `wfctl {near}`?" if near else "wfctl --help",
    )


def no_such_topic(name: str, topics: list[str]) -> InvalidInput:
    known = [*topics, *(command for command, entry in COMMANDS.items() if not entry.hidden)]
    near = next(iter(get_close_matches(name.lower(), known, n=1)), None)
    return InvalidInput(
        f"there is no command or topic {clean(name)!r}",
        hint=f"did you mean `wfctl help {near}`?" if near else "the topics are " + ", ".join(topics),
    )
