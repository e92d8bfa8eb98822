"""What wfctl bends in Typer gives way where a new Typer is built differently: then Typer's own way holds.

Each test breaks what one of them relies on. See "Where wfctl bends Typer" in docs/design.md.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from harness import Cli
from typer import core

from wfctl.cli import main as main_module
from wfctl.cli.complete import protocol


@pytest.fixture(params=["renamed", "other arguments", "no such hook"])
def other_coercion(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Typer that converts the values of options by other names, or with other arguments, than the one we know."""
    bases = [base for base in core.TyperOption.__mro__ if "get_runtime_param" in vars(base)]
    if not bases:
        pytest.skip("this Typer converts values in another way already")
    known = bases[0]
    adapter: Callable[..., Any] = known.get_runtime_param  # type: ignore[attr-defined]

    class Other:
        def __init__(self, param: Any) -> None:
            self.param = param

        def convert(self, value: Any, ctx: Any) -> Any:
            return adapter(self.param).coerce(value, param=self.param, ctx=ctx)

    def process_value(self: Any, ctx: Any, value: Any) -> Any:
        if request.param == "renamed":
            return self.get_runtime_param().convert(value, ctx)
        if request.param == "other arguments":
            return self.get_runtime_param().coerce(value, ctx=ctx, strict=False)
        return Other(self).convert(value, ctx)

    monkeypatch.setattr(known, "process_value", process_value)
    if request.param == "renamed":
        monkeypatch.setattr(known, "get_runtime_param", lambda self: Other(self))
    elif request.param == "no such hook":
        monkeypatch.delattr(known, "get_runtime_param")


@pytest.mark.usefixtures("other_coercion")
def test_values_of_options(cli: Cli, app: Path) -> None:
    result = cli("start", "Echo", "--id", "one", "--input", "1", "--no-drive", "-o", "json")
    assert result.status == 0, result.err
    assert result.json["instanceID"] == "one"
    assert cli("list", "--status", "PENDING", "--status", "RUNNING", "-o", "id").out == "one\n"
    assert cli("list", "--status", "FAILED", "-o", "id").out == ""


def test_help(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_dl(self: Any, rows: Any) -> None:
        for left, right in rows:
            self.write(f"{left} <- {right}\n")

    formatter = core._click.HelpFormatter if hasattr(core, "_click") else None
    if formatter is None:
        pytest.skip("this Typer has the Click of the package index")
    monkeypatch.setattr(formatter, "write_dl", write_dl)
    for argv in (["--help"], ["get", "--help"], ["help", "start"]):
        result = cli(*argv)
        assert (result.status, "Usage: wfctl" in result.out) == (0, True), result.err
        assert " <- " in result.out, "Typer's own page"


def test_arguments_of_a_command(cli: Cli, app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`rich_markup_mode` keeps Rich from being loaded; a Typer without it does not get it."""
    before = core.TyperCommand.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        assert kwargs.pop("rich_markup_mode", None) is None
        before(self, *args, **kwargs)

    monkeypatch.setattr(core.TyperCommand, "__init__", init)
    assert cli("list").status == 0


def test_usage_errors(cli: Cli) -> None:
    assert issubclass(typer.BadParameter, main_module.ClickException)
    assert cli("get").status == 2


def test_completion(cli: Cli, app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    click = protocol._shell_completion()
    resolve = click._resolve_context

    def get_completions(self: Any, args: list[str], incomplete: str) -> Any:
        ctx = resolve(self.cli, self.ctx_args, self.prog_name, args)
        what, incomplete = click._resolve_incomplete(ctx, args, incomplete)
        return what.shell_complete(ctx, incomplete)

    monkeypatch.delattr(click, "_resolve_context")
    monkeypatch.setattr(click.ShellComplete, "get_completions", get_completions)
    assert [one.value for one in protocol.complete([], "rer")] == ["rerun"]
    assert "--from-failed" in [one.value for one in protocol.complete(["rerun"], "--from")]
