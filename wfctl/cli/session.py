"""Hold what a command works with: settings, streams and the target, each made when first used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from wfctl.cli.options.choices import COLOR, FORMAT
from wfctl.cli.options.common import Flags
from wfctl.cli.stdout_guard import app_prints_to_stderr
from wfctl.errors import InvalidInput, NotTrusted, Unsupported, WfctlError
from wfctl.render.console import Console
from wfctl.render.printer import Format, Printer

if TYPE_CHECKING:
    from wfctl.cli.app_sidecar import LazySidecar
    from wfctl.client.connect import Embedded
    from wfctl.client.embedded.app_host import AppLogs
    from wfctl.client.embedded.workflows import EmbeddedWorkflows
    from wfctl.client.port import Host, Target, Workflows
    from wfctl.config.settings import Settings, Value


class Session:
    def __init__(self, stdin: TextIO, stdout: TextIO, stderr: TextIO, environ: Mapping[str, str]) -> None:
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.environ = environ
        self.flags = Flags()
        self.argv: Sequence[str] = ()
        # When Ctrl-C or a signal stops the command: how far it came, and what to try.
        self.stopped: Callable[[], str] = lambda: "interrupted"
        self.going_on: Callable[[], str | None] = lambda: None
        self.seen_enough: Callable[[], int] = lambda: 0  # the exit status if the reader of stdout leaves early
        self.acting = False  # part of what the command was to do is done: to be stopped is a failure then
        self.may_drive = False  # workflow code may run in this process
        self.log_level: str | None = None  # that of --log-level, where a command has it
        self.store_told = False  # the user knows already where was looked
        self.recorded: Sequence[str] = ()  # the instances that have got what the command was to do, and are to go on

    def add_flags(self, flags: Flags) -> None:
        """Options that stand after others hold over them. To be called before anything below is asked for."""
        self.flags = flags.over(self.flags)

    @property
    def here(self) -> Path:
        try:
            return Path.cwd()
        except FileNotFoundError:
            raise InvalidInput("the current folder does not exist any more", hint="cd to one that does") from None

    @cached_property
    def settings(self) -> Settings:
        """Raises NotTrusted: the project's file says something that it may not."""
        return self.surveyed.checked()

    @cached_property
    def surveyed(self) -> Settings:
        """Return the settings even if the project's file is not trusted with them. Only to be shown."""
        from wfctl.config.settings import survey

        return survey(self.flags.settings(), self.environ, self.here)

    def file_format(self) -> str | None:
        """Return the output format in the settings, if the project's file is readable at all."""
        try:
            return self.surveyed.get("format")
        except NotTrusted:
            return None

    @cached_property
    def console(self) -> Console:
        color = COLOR.parse(self.flags.color or self.environ.get("WFCTL_COLOR") or "auto", "--color")
        return Console(self.stdout, self.stderr, color=color, quiet=self.flags.quiet, environ=self.environ)

    @cached_property
    def format(self) -> Format:
        return self.format_or(Format.TABLE)

    def format_or(self, default: Format) -> Format:
        """Return the output format that was asked for, or a command's own default. Raises InvalidInput."""
        name = self.flags.format or self.file_format()
        return default if name is None else Format(FORMAT.parse(name, "-o"))

    @property
    def format_given(self) -> bool:
        return self.flags.format is not None or self.file_format() is not None

    @cached_property
    def printer(self) -> Printer:
        return Printer(self.console, self.format)

    def error_text(self, error: WfctlError) -> str:
        """Return the line about one of several errors; the command ends with another, which sums them up."""
        from wfctl.render.errors import fault_text

        return fault_text(error, color=self.console.err_color)

    @property
    def debug(self) -> bool:
        return self.flags.debug or self.environ.get("WFCTL_DEBUG", "") not in ("", "0")

    @cached_property
    def target(self) -> Target:
        from wfctl.cli.target import choose

        return choose(self.settings, self.chosen)

    @cached_property
    def chosen(self) -> Value:
        """The target by its name, with the reason why it is this one."""
        from wfctl.cli.target import effective_target

        return effective_target(self.settings)

    def embedded_target(self, unsupported: str, hint: str) -> Embedded:
        """Return the embedded target. Raises Unsupported, in these words, where the target is a sidecar."""
        if self.target.embedded is None:
            raise Unsupported(unsupported, hint=hint)
        return self.target.embedded

    @contextmanager
    def workflows(self, *, deadline: float | None = None) -> Iterator[Workflows]:
        """The target, open. `deadline`: the moment of `time.monotonic()` at which the command gives up, which no
        request to a sidecar outlasts by much."""
        with self.host(deadline) as host:
            target = self.target.open(host)
            with _closing(target):
                yield target

    @contextmanager
    def embedded(self, target: Embedded) -> Iterator[EmbeddedWorkflows]:
        """Open the embedded engine, for what only that can do. The app may be imported, and its code run."""
        self.may_drive = True
        with self.host() as host:
            workflows = target.open(host)
            with _closing(workflows):
                yield workflows

    @contextmanager
    def host(self, deadline: float | None = None) -> Iterator[Host]:
        """Yield what this command offers to the target that it opens. What an app prints here goes to stderr."""
        from wfctl.client.port import Host

        note = self.console.note
        if self.may_drive:
            with self.app_apart():
                yield Host(note, True, deadline, self._app_logs(), self._sidecar())
        else:
            yield Host(note, deadline=deadline)
        self._name_shared_store()

    def _name_shared_store(self) -> None:
        """Name the store that is not of this folder alone to the person who may think so."""
        if self.console.err_tty and not self.console.quiet and not self.store_told:
            from wfctl.cli.empty import shared_store, short_path

            if shared_store(self):
                store = short_path(Path(self.settings.store.value))
                self.console.note(f"store: {store}, for all folders without a wfctl.toml")

    def _sidecar(self) -> LazySidecar:
        from wfctl.cli.app_sidecar import LazySidecar

        return LazySidecar(self.console.note, self.environ)

    def _app_logs(self) -> AppLogs:
        """Return what becomes of what the app logs, besides that it is kept: it is shown on stderr."""
        from wfctl.cli.options.logs import show, shown_from
        from wfctl.client.embedded.app_host import AppLogs

        level = self.log_level or self.surveyed.get("log_level")
        return AppLogs(shown_from(level), lambda logged: show(self.console, logged))

    @contextmanager
    def app_apart(self) -> Iterator[None]:
        """Redirect what the app prints to stderr: it is not this command's data."""
        console = self.console
        with app_prints_to_stderr(self.stdout, self.stderr) as data:
            console.out = data
            try:
                yield
            finally:
                console.out = self.stdout


@contextmanager
def _closing(workflows: Workflows) -> Iterator[None]:
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        workflows.abandon()
        raise
    except BaseException:
        with suppress(WfctlError):  # the first error counts
            workflows.close()
        raise
    workflows.close()
