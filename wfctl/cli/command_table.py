"""Every command: its name, its module, its summary. A table, so that help and completion import none of them."""

from __future__ import annotations

from typing import NamedTuple

RUNNING = "Start and finish"
LOOKING = "Inspect"
CHANGING = "Manage"
SETTING_UP = "Set up"


class Entry(NamedTuple):
    module: str
    summary: str
    panel: str
    hidden: bool = False


DAILY = ("start", "list", "get", "steps", "raise-event", "rerun")  # on the first page of help

_PACKAGE = "wfctl.cli.commands"

COMMANDS: dict[str, Entry] = {
    "init": Entry(f"{_PACKAGE}.init", "Write a sample app, tests of it, and a wfctl.toml", SETTING_UP),
    "start": Entry(f"{_PACKAGE}.start", "Start a workflow instance", RUNNING),
    "wait": Entry(f"{_PACKAGE}.wait", "Wait until instances finish, or until a condition holds", RUNNING),
    "result": Entry(f"{_PACKAGE}.result", "Print only the output of a finished instance", RUNNING),
    "run": Entry(f"{_PACKAGE}.run", "Execute all instances in the store until nothing is due", RUNNING),
    "serve": Entry(f"{_PACKAGE}.serve", "Serve Dapr's workflow APIs over the store, without Dapr", RUNNING),
    "get": Entry(f"{_PACKAGE}.get", "Show instances, and what they wait for", LOOKING),
    "list": Entry(f"{_PACKAGE}.list", "List instances", LOOKING),
    "ls": Entry(f"{_PACKAGE}.list", "List instances", LOOKING, hidden=True),
    "count": Entry(f"{_PACKAGE}.count", "Count instances by status, workflow, step or error", LOOKING),
    "failures": Entry(f"{_PACKAGE}.failures", "Group failed instances by what went wrong", LOOKING),
    "waiting": Entry(f"{_PACKAGE}.waiting", "Show who waits for which event, and what has arrived unread", LOOKING),
    "workers": Entry(f"{_PACKAGE}.workers", "Show the workers, what they hold, and what waits for one", LOOKING),
    "steps": Entry(f"{_PACKAGE}.steps", "Show the steps of an instance, with their times and attempts", LOOKING),
    "tree": Entry(f"{_PACKAGE}.tree", "Show an instance and its descendants with their statuses", LOOKING),
    "ui": Entry(f"{_PACKAGE}.ui", "Look at instances and act on them, on one screen", LOOKING),
    "watch": Entry(f"{_PACKAGE}.watch", "Watch instances until they end: status, steps, what they wait for", LOOKING),
    "history": Entry(f"{_PACKAGE}.history", "Show the history events of an instance", LOOKING),
    "logs": Entry(f"{_PACKAGE}.logs", "Show what an instance's code logged", LOOKING),
    "check": Entry(f"{_PACKAGE}.check", "Check whether the app's code still fits the histories of instances", LOOKING),
    "diff": Entry(
        f"{_PACKAGE}.diff",
        "Compare two runs step by step: what is the same, what differs, and how long each took",
        LOOKING,
    ),
    "replay": Entry(
        f"{_PACKAGE}.replay", "Replay the history of an instance in the app's code, and see what that prints", LOOKING
    ),
    "raise-event": Entry(f"{_PACKAGE}.raise_event", "Send an external event to an instance", CHANGING),
    "pause": Entry(f"{_PACKAGE}.pause", "Suspend instances", CHANGING),
    "suspend": Entry(f"{_PACKAGE}.pause", "Suspend instances", CHANGING, hidden=True),
    "resume": Entry(f"{_PACKAGE}.resume", "Resume suspended instances", CHANGING),
    "terminate": Entry(f"{_PACKAGE}.terminate", "Terminate instances and their children", CHANGING),
    "rerun": Entry(f"{_PACKAGE}.rerun", "Run a finished instance again from one of its steps", CHANGING),
    "purge": Entry(f"{_PACKAGE}.purge", "Delete finished instances and their histories", CHANGING),
    "workflows": Entry(f"{_PACKAGE}.workflows", "List the workflows and activities of the app", SETTING_UP),
    "doctor": Entry(f"{_PACKAGE}.doctor", "Check the target: what works, what does not, what to do", SETTING_UP),
    "backup": Entry(f"{_PACKAGE}.backup", "Back up the store to a file, even while it is in use", SETTING_UP),
    "restore": Entry(f"{_PACKAGE}.restore", "Restore the store from a backup", SETTING_UP),
    "export": Entry(f"{_PACKAGE}.export", "Write instances with their histories into a bundle", SETTING_UP),
    "import": Entry(
        f"{_PACKAGE}.import_bundle", "Import a bundle: ended instances as they were, live ones paused", SETTING_UP
    ),
    "config": Entry(
        f"{_PACKAGE}.config",
        "Show and change settings; trust a project's file",
        SETTING_UP,
    ),
    "completion": Entry(f"{_PACKAGE}.completion", "Install or print the completion script for your shell", SETTING_UP),
    "help": Entry(f"{_PACKAGE}.help", "List all commands, or explain a command or a topic", SETTING_UP),
    "version": Entry(f"{_PACKAGE}.version", "Show the versions of wfctl, Python and SQLite", SETTING_UP),
}
