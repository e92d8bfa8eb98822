"""Write docs/commands.md from the help of the commands: `python docs/make_commands.py`. A test sees to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wfctl.cli.command_table import CHANGING, COMMANDS, LOOKING, RUNNING, SETTING_UP
from wfctl.cli.help_pages import EVERYWHERE, parse_doc, rows
from wfctl.cli.root import root_command
from wfctl.cli.topic_texts import TOPICS

PAGE = Path(__file__).parent / "commands.md"
HEAD = "# Commands\n\n<!-- Made by docs/make_commands.py from the commands' own help. -->\n"


def page() -> str:
    return "\n".join([HEAD, *_commands(), *_topics()]).rstrip() + "\n"


def _commands() -> Iterator[str]:
    group = root_command()
    ctx = group.make_context("wfctl", ["help"], resilient_parsing=True)
    yield from _options("Options of every command", [r for r in rows(group.get_params(ctx)) if r.panel == EVERYWHERE])
    for panel in (RUNNING, LOOKING, CHANGING, SETTING_UP):
        yield f"## {panel}\n"
        for name, entry in COMMANDS.items():
            if entry.panel == panel and not entry.hidden:
                yield from _command(ctx, name, group.get_command(ctx, name))


def _command(parent: Any, name: str, command: Any) -> Iterator[str]:
    ctx = command.make_context(name, [], parent=parent, resilient_parsing=True)
    yield f"### wfctl {name}\n"
    module = COMMANDS[name].module if name in COMMANDS else None
    aliases = [alias for alias, entry in COMMANDS.items() if entry.hidden and entry.module == module]
    doc = parse_doc(command.help or "")
    yield doc.summary + (f" Also: `{'`, `'.join(aliases)}`." if aliases else "") + "\n"
    if doc.examples:
        yield "```console\n" + "\n".join(doc.examples) + "\n```\n"
    for paragraph in doc.prose:
        yield paragraph + "\n"
    own = [row for row in rows(command.get_params(ctx)) if row.panel != EVERYWHERE]
    for title in dict.fromkeys(row.panel for row in own):
        yield from _options(title, [row for row in own if row.panel == title])
    if hasattr(command, "list_commands"):
        for sub in command.list_commands(ctx):
            yield from _command(ctx, f"{name} {sub}", command.get_command(ctx, sub))


def _options(title: str, entries: list[Any]) -> Iterator[str]:
    if entries:
        yield f"**{title}**\n"
        yield "\n".join(f"- `{row.left}`: {row.help}".rstrip(": ") for row in entries) + "\n"


def _topics() -> Iterator[str]:
    for name, text in TOPICS.items():
        title, _, body = text.partition("\n")
        yield f"## {title} (`wfctl help {name}`)\n"
        yield "```text\n" + body.strip("\n") + "\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
