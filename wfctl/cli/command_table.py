"""Every command: its name, its module, its summary. A table, so that help and completion import none of them."""

from __future__ import annotations

from typing import NamedTuple

RUNNING = "Start and finish"
LOOKING = "Look"
CHANGING = "Change"
SETTING_UP = "Set up"


class Entry(NamedTuple):
    module: str
    summary: str
    panel: str
    hidden: bool = False


_PACKAGE = "wfctl.cli.commands"

COMMANDS: dict[str, Entry] = {
    "init": Entry(f"{_PACKAGE}.init", "Write a sample app and a wfctl.toml to begin with", SETTING_UP),
    "start": Entry(f"{_PACKAGE}.start", "Start a workflow instance", RUNNING),
    "wait": Entry(f"{_PACKAGE}.wait", "Wait until instances finish, or until a condition holds", RUNNING),
    "result": Entry(f"{_PACKAGE}.result", "Print the output of a finished instance, and only that", RUNNING),
    "run": Entry(f"{_PACKAGE}.run", "Drive every instance in the store until nothing is due", RUNNING),
    "serve": Entry(
        f"{_PACKAGE}.serve", "Serve Dapr's workflow APIs over the store: a sidecar for workflows, without Dapr", RUNNING
    ),
    "get": Entry(f"{_PACKAGE}.get", "Show one instance, and what it waits for", LOOKING),
    "list": Entry(f"{_PACKAGE}.list", "List instances", LOOKING),
    "ls": Entry(f"{_PACKAGE}.list", "List instances", LOOKING, hidden=True),
    "count": Entry(f"{_PACKAGE}.count", "Count instances by status and workflow", LOOKING),
    "steps": Entry(f"{_PACKAGE}.steps", "Show what an instance did: activities, timers, events, children", LOOKING),
    "tree": Entry(f"{_PACKAGE}.tree", "Show an instance and its descendants, each with its status", LOOKING),
    "watch": Entry(
        f"{_PACKAGE}.watch", "Watch instances until they end: their status, what they wait for, their steps", LOOKING
    ),
    "history": Entry(f"{_PACKAGE}.history", "Show the events of an instance as they were committed", LOOKING),
    "raise-event": Entry(f"{_PACKAGE}.raise_event", "Send an external event to an instance", CHANGING),
    "pause": Entry(f"{_PACKAGE}.pause", "Suspend instances", CHANGING),
    "suspend": Entry(f"{_PACKAGE}.pause", "Suspend instances", CHANGING, hidden=True),
    "resume": Entry(f"{_PACKAGE}.resume", "Let suspended instances go on", CHANGING),
    "terminate": Entry(f"{_PACKAGE}.terminate", "End instances now, with their children", CHANGING),
    "rerun": Entry(f"{_PACKAGE}.rerun", "Run a finished instance again from one of its steps", CHANGING),
    "purge": Entry(f"{_PACKAGE}.purge", "Delete finished instances and their histories", CHANGING),
    "workflows": Entry(f"{_PACKAGE}.workflows", "List the workflows and activities that the app registers", SETTING_UP),
    "doctor": Entry(
        f"{_PACKAGE}.doctor", "Check the target: what works, what does not, and what to do about it", SETTING_UP
    ),
    "backup": Entry(f"{_PACKAGE}.backup", "Copy the store to a file, also while others write to it", SETTING_UP),
    "restore": Entry(f"{_PACKAGE}.restore", "Put a backup in the place of the store", SETTING_UP),
    "config": Entry(
        f"{_PACKAGE}.config",
        "Show the settings and where each of them came from; trust a project's file",
        SETTING_UP,
    ),
    "completion": Entry(f"{_PACKAGE}.completion", "Install the completion for your shell, or show it", SETTING_UP),
    "help": Entry(
        f"{_PACKAGE}.help", "Explain a command or a topic: exit-codes, json, targets, trust, batch", SETTING_UP
    ),
    "version": Entry(f"{_PACKAGE}.version", "Show the version of wfctl and of what it runs on", SETTING_UP),
}
