"""Help pages: usage, summary, examples first, then options in groups. Plain text, the same under every Typer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from wfctl.cli.command_table import COMMANDS, DAILY

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
OPTIONS = "Options"
ARGUMENTS = "Arguments"
EVERYWHERE = "Options of every command"
TARGETS = "Sidecar options of every command"


class Doc(NamedTuple):
    """A command's docstring in its parts: lines that begin with `$ ` are examples."""

    summary: str
    examples: list[str]
    prose: list[str]


def parse_doc(text: str) -> Doc:
    summary, *paragraphs = inspect.cleandoc(text).split("\n\n")
    examples: list[str] = []
    prose: list[str] = []
    for paragraph in paragraphs:
        if paragraph.startswith("$ "):
            examples += paragraph.split("\n")
        else:
            prose.append(" ".join(paragraph.split("\n")))
    return Doc(" ".join(summary.split("\n")), examples, prose)


class Row(NamedTuple):
    panel: str
    left: str
    help: str


def rows(params: Iterable[Any]) -> Iterator[Row]:
    """Arguments and options as help shows them; the panel that belongs to every command comes last."""
    everywhere: list[Row] = []
    sidecar: list[str] = []
    for param in params:
        if getattr(param, "hidden", False):
            continue
        if getattr(param, "rich_help_panel", None) == TARGETS:
            sidecar.append(param.opts[0])
            continue
        if param.param_type_name == "argument":
            yield Row(ARGUMENTS, _argument(param), param.help or "")
            continue
        panel = getattr(param, "rich_help_panel", None) or OPTIONS
        row = Row(panel, _option(param), param.help or "")
        if panel == EVERYWHERE or "--help" in param.opts:
            everywhere.append(row._replace(panel=EVERYWHERE, help=row.help.rstrip(".").replace("and exit", "")))
        else:
            yield row
    yield from everywhere
    if sidecar:
        yield Row(EVERYWHERE, f"{sidecar[0]}, ...", "For a sidecar: wfctl help targets has them all")


def _argument(param: Any) -> str:
    name = str(param.metavar or param.name.upper())
    name += "..." if param.nargs == -1 and not name.endswith("...") else ""
    return name if param.required else f"[{name}]"


def _option(param: Any) -> str:
    short = sorted((opt for opt in param.opts if not opt.startswith("--")), key=len)
    words = ", ".join([*short, *(opt for opt in param.opts if opt.startswith("--"))])
    if param.secondary_opts:
        words += " / " + ", ".join(param.secondary_opts)
    return words if param.is_flag else f"{words} {param.metavar or 'TEXT'}"


class _Plain:
    """Takes what the parser found as it is, where text, a list of texts or a flag is wanted: it is that already.

    Typer would build a Pydantic adapter for each option, which takes longer than all the rest of a light command. What
    else a Typer asks of this object is answered by that adapter.
    """

    def __init__(self, param: Any, adapter: Callable[[], Any]) -> None:
        self._param = param
        self._adapter = adapter

    def coerce(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return () if value is None and (self._param.multiple or self._param.nargs == -1) else value

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter(), name)


def _take_plain_values(params: list[Any]) -> list[Any]:
    for param in params:
        wanted = getattr(getattr(param, "type_descriptor", None), "annotation", None)
        adapter = getattr(param, "get_runtime_param", None)
        if wanted in (str, bool, list[str]) and adapter is not None and not isinstance(adapter, partial):
            param.get_runtime_param = partial(_Plain, param, adapter)
    return params


def _write_page(command: Any, ctx: typer.Context, formatter: Any) -> None:
    command.format_usage(ctx, formatter)
    doc = parse_doc(command.help or "")
    _write_prose(formatter, [doc.summary])
    _write_examples(formatter, doc)
    _write_prose(formatter, doc.prose)
    _write_options(command, ctx, formatter)


def _write_options(command: Any, ctx: typer.Context, formatter: Any) -> None:
    by_panel: dict[str, list[tuple[str, str]]] = {}
    for row in rows(command.get_params(ctx)):
        by_panel.setdefault(row.panel, []).append((row.left, row.help))
    for panel, entries in by_panel.items():
        with formatter.section(panel):
            formatter.write_dl(entries, col_max=34)


def _write_examples(formatter: Any, doc: Doc) -> None:
    if doc.examples:
        with formatter.section("Examples"):
            for line in doc.examples:
                formatter.write(f"  {line}\n")


def _write_prose(formatter: Any, paragraphs: list[str]) -> None:
    for paragraph in paragraphs:
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(paragraph)


def _usage(command: Any, ctx: typer.Context) -> list[str]:
    return [_argument(param) for param in command.get_params(ctx) if _is_shown_argument(param)]


def _without_markup(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments with which a command does not load Rich for its help."""
    return {**kwargs, "rich_markup_mode": None} if "rich_markup_mode" in kwargs else kwargs


def _own_page(write: Callable[[Any, Any], None], typers: Callable[[Any, Any], None], ctx: Any, formatter: Any) -> None:
    """Write our help page; Typer's where this Typer does not let us."""
    own = ctx.make_formatter()
    try:
        write(ctx, own)
    except (AttributeError, TypeError, ImportError):
        typers(ctx, formatter)
    else:
        formatter.write(own.getvalue())


def _is_shown_argument(param: Any) -> bool:
    return param.param_type_name == "argument" and not getattr(param, "hidden", False)


class Command(TyperCommand):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **_without_markup(kwargs))

    def get_params(self, ctx: Any) -> Any:
        return _take_plain_values(super().get_params(ctx))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [*_usage(self, ctx), "[OPTIONS]"]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _own_page(partial(_write_page, self), super().format_help, ctx, formatter)


class Group(TyperGroup):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **_without_markup(kwargs))

    def get_params(self, ctx: Any) -> Any:
        return _take_plain_values(super().get_params(ctx))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return ["COMMAND [ARGUMENTS] [OPTIONS]"]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _own_page(self.write_page, super().format_help, ctx, formatter)

    def write_page(self, ctx: Any, formatter: Any) -> None:
        _write_page(self, ctx, formatter)
        self._write_panels(ctx, formatter)

    def _write_panels(self, ctx: Any, formatter: Any) -> None:
        for panel, entries in self.panels(ctx).items():
            with formatter.section(panel):
                formatter.write_dl(entries, col_max=34)

    def panels(self, ctx: Any) -> dict[str, list[tuple[str, str]]]:
        """Return the subcommands and their summaries, by panel."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        return {"Commands": [(name, parse_doc(one.help or "").summary) for name, one in found if one is not None]}


_MORE = [
    ("wfctl help", "All commands, and the options of every command"),
    ("wfctl help COMMAND", "One command, with examples; also COMMAND --help"),
    ("wfctl help TOPIC", "targets, trust, json, batch or exit-codes"),
]


class LazyGroup(Group):
    """The root: knows its commands by name and summary, and imports only the one that is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        from importlib import import_module

        from typer.main import get_command

        command = get_command(import_module(entry.module).app)
        command.name = cmd_name
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            from wfctl.cli.suggestions import no_such_command

            raise no_such_command(args[0], args[1:])
        return super().resolve_command(ctx, args)

    def write_page(self, ctx: Any, formatter: Any) -> None:
        """Write the first page, which fits a small terminal: `wfctl help` has the rest."""
        self.format_usage(ctx, formatter)
        doc = parse_doc(self.help or "")
        _write_prose(formatter, [doc.summary])
        _write_examples(formatter, doc)
        with formatter.section("Commands for every day"):
            formatter.write_dl([(name, COMMANDS[name].summary) for name in DAILY], col_max=34)
        with formatter.section("More"):
            formatter.write_dl(_MORE, col_max=34)

    def write_all(self, ctx: Any, formatter: Any) -> None:
        """Write the page of `wfctl help`: all commands, and the options of every command."""
        self.format_usage(ctx, formatter)
        self._write_panels(ctx, formatter)
        _write_options(self, ctx, formatter)

    def panels(self, ctx: Any) -> dict[str, list[tuple[str, str]]]:
        found: dict[str, list[tuple[str, str]]] = {}
        for name, entry in COMMANDS.items():
            if not entry.hidden:
                found.setdefault(entry.panel, []).append((name, entry.summary))
        return {panel: found[panel] for panel in sorted(found, key=_panel_order)}

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """As Typer's, from the table: the command that the user begins to type needs no import."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        item = _completion_item()
        visible = (pair for pair in COMMANDS.items() if not pair[1].hidden and pair[0].startswith(incomplete))
        return [item(name, help=entry.summary) for name, entry in visible]


def _panel_order(panel: str) -> int:
    from wfctl.cli.command_table import CHANGING, LOOKING, RUNNING, SETTING_UP

    return (RUNNING, LOOKING, CHANGING, SETTING_UP).index(panel)


def _completion_item() -> Any:
    from importlib import import_module

    for module in ("typer._click.shell_completion", "click.shell_completion"):
        try:
            return import_module(module).CompletionItem
        except ImportError:
            continue
    raise ImportError("no CompletionItem")
