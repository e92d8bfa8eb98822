"""Find candidates for the value of an argument or option by its metavar, which says what kind of value it is.

Instances, workflows, events and steps are asked for at the target: see `complete_ask`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wfctl.cli.command_table import CHANGING, COMMANDS
from wfctl.cli.complete.query import MOST, Candidate, Question, asked
from wfctl.cli.options.choices import BY_METAVAR
from wfctl.cli.options.common import Flags
from wfctl.cli.options.filters import FILTER_OPTIONS
from wfctl.cli.parsing.condition import WORDS
from wfctl.model.instance import Filter, Instance, Sort
from wfctl.model.status import LIVE, TERMINAL, Status

if TYPE_CHECKING:
    from wfctl.cli.complete.query import CompletionReader
    from wfctl.client.connect import Embedded
    from wfctl.config.settings import Settings

FILES: list[Candidate] = [Candidate(":files")]  # the shell knows better
_FILES = ("FILE", "BUNDLE", "FOLDER", "PATH", "FILE|FOLDER", "FILE|MODULE", "FILE|-")
_RUNS = ("A", "B")  # an ID or, with a dot or a slash in it, a file
_NEW = frozenset({"id", "new_id"})  # these name what is not there yet

# Of the commands that change nothing; the verbs say for themselves which instances they act on.
_STATUSES_FOR = {"wait": LIVE, "result": TERMINAL}


def candidates(ctx: Any, param: Any, incomplete: str) -> list[Candidate]:
    """Return the candidates that begin with `incomplete`, in the order to show them."""
    metavar = str(param.metavar or "").removesuffix("...")
    if metavar in _FILES or (metavar in _RUNS and ("." in incomplete or "/" in incomplete)):
        return FILES
    complete = _VALUES.get(metavar)
    if complete is None or param.name in _NEW:
        return []
    found = {one.value: one for one in complete(_Line(ctx), incomplete) if one.value.startswith(incomplete)}
    return list(found.values())[:MOST]


class _Line:
    """Hold what is on the command line already."""

    def __init__(self, ctx: Any) -> None:
        self.command = str(ctx.info_name)
        self.params: dict[str, Any] = dict(ctx.params)
        self._root: dict[str, Any] = dict(ctx.find_root().params)

    @property
    def ids(self) -> list[str]:
        given = self.params.get("instance_ids") or self.params.get("instance_id") or ()
        return [given] if isinstance(given, str) else list(given)

    def settings(self) -> Settings:
        from wfctl.config.settings import resolve

        names = Flags.__dataclass_fields__
        given: dict[str, Any] = {name: self.params.get(name) or self._root.get(name) for name in names}
        return resolve(Flags(**given).settings(), os.environ, Path.cwd())


# --- from the target -------------------------------------------------------------------------------------------------


def _ids(line: _Line, incomplete: str) -> list[Candidate]:
    return asked(line.settings(), _ids_of(line, incomplete))


def _ids_of(line: _Line, incomplete: str) -> Question:
    statuses = frozenset() if line.params.get("force") else _statuses_for(line.command)
    filter = Filter(statuses=statuses, limit=MOST)
    if incomplete:
        filter = replace(filter, id_prefix=incomplete, sort=Sort.ID)
    given = set(line.ids)
    key = f"ids {sorted(statuses)} {sorted(given)}"
    return Question(key, lambda at: (_candidate(one) for one in at.first(filter) if one.id not in given))


def _statuses_for(command: str) -> frozenset[Status]:
    """Return the statuses in which an instance is worth proposing; none where any status is."""
    entry = COMMANDS.get(command)
    if entry is None or entry.panel != CHANGING:
        return _STATUSES_FOR.get(command, frozenset())
    from wfctl.cli.batch.verbs import BY_WORD

    word = entry.module.rpartition(".")[2].replace("_", "-")  # the name of the command, also by an alias
    verb = BY_WORD.get(word)
    return verb.able or frozenset() if verb is not None else frozenset()


def _candidate(one: Instance) -> Candidate:
    return Candidate(one.id, " ".join(word for word in (one.name, one.status.name) if word))


def _apps(line: _Line, incomplete: str) -> list[Candidate]:
    """Return the apps that the settings name, and those whose instances a store has."""
    settings = line.settings()
    named = [Candidate(app_id, app.value) for app_id, app in settings.apps.items()]
    return named + asked(settings, Question("apps", lambda at: (Candidate(app_id) for app_id in at.app_ids())))


def _workflows(line: _Line, incomplete: str) -> list[Candidate]:
    """Return the workflows that ran, and those that the app's source registers; the app itself is not run."""
    from wfctl.cli.target import choose

    embedded = choose(line.settings()).embedded
    declared = [] if embedded is None else [Candidate(name) for name in _declared(embedded)]

    def seen(at: CompletionReader) -> Iterator[Candidate]:
        yield from (Candidate(name) for name in at.workflow_names() if name)

    return declared + asked(line.settings(), Question("workflows", seen))


def _declared(target: Embedded) -> list[str]:
    """Return the names in the decorators of the app, if it is a file."""
    if target.app is None or not target.app.endswith(".py"):
        return []
    import ast

    from wfctl.config.permissions import read_file

    try:
        found = read_file(Path(target.app))  # never what has no end, such as a pipe
        tree = ast.parse(found.content if found else b"")
    except (OSError, SyntaxError, ValueError):
        return []
    names = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            names += [name for mark in node.decorator_list if (name := _registered(mark, node.name)) is not None]
    return names


def _registered(mark: Any, function: str) -> str | None:
    """Return the name under which `@runtime.workflow(name=...)` registers a function; None for other decorators."""
    import ast

    call = mark.func if isinstance(mark, ast.Call) else mark
    if not (isinstance(call, ast.Attribute) and call.attr in ("workflow", "versioned_workflow")):
        return None
    for keyword in mark.keywords if isinstance(mark, ast.Call) else ():
        if keyword.arg == "name" and isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str):
            return keyword.value.value
    return function


def _events(line: _Line, incomplete: str) -> list[Candidate]:
    return asked(line.settings(), _events_of(line))


def _events_of(line: _Line) -> Question:
    """Ask for the events that live instances wait for: the one that is named, or any."""
    ids = line.ids

    def names(at: CompletionReader) -> Iterator[Candidate]:
        live = Filter(statuses=LIVE, limit=MOST)
        for one in [at.get(ids[-1])] if ids else at.list(live):
            for waiting in one.waiting_for:
                if waiting.kind == "event" and waiting.name:
                    yield Candidate(waiting.name, f"{one.id} waits for it")

    return Question(f"events {ids[-1:]}", names)


def _ids_then_event(line: _Line, incomplete: str) -> list[Candidate]:
    if any(line.params.get(name) for name in FILTER_OPTIONS):
        return _events(line, incomplete)
    return asked(line.settings(), *([_events_of(line)] if line.ids else ()), _ids_of(line, incomplete))


def _steps_seen(at: CompletionReader) -> Iterator[Candidate]:
    """The steps at which instances failed or are now, for a filter."""
    from wfctl.model.matching import STEPS

    for one in at.list(Filter(statuses=LIVE | {Status.FAILED}, limit=MOST)):
        if one.failed_step is not None and one.failed_step.name:
            yield Candidate(one.failed_step.name, f"{one.id} failed at it")
        for waiting in one.waiting_for:
            if waiting.name and waiting.kind in STEPS:
                yield Candidate(waiting.name, f"{one.id} waits for it")


def _steps(line: _Line, incomplete: str) -> list[Candidate]:
    from wfctl.model.steps import steps_of

    if not line.ids:
        return asked(line.settings(), Question("steps", _steps_seen))

    def names(at: CompletionReader) -> Iterator[Candidate]:
        for step in steps_of(at.history(line.ids[0])):
            if step.name and step.event_id >= 0:
                yield Candidate(step.name, f"{step.kind} {step.status.value}")

    return asked(line.settings(), Question(f"steps {line.ids[0]}", names))


def _json(line: _Line, incomplete: str) -> list[Candidate]:
    """Return the files and folders that `@` may name; JSON itself is the user's own."""
    from glob import escape, glob

    if not incomplete.startswith("@"):
        return []
    found = sorted(glob(escape(incomplete[1:]) + "*"))
    return [Candidate(f"@{path}/" if os.path.isdir(path) else f"@{path}") for path in found]


def _step_results(line: _Line, incomplete: str) -> list[Candidate]:
    """Return the steps with the sign behind which their result is written."""
    return [Candidate(f"{one.value}=", one.help) for one in _steps(line, incomplete)]


# --- what needs no target -------------------------------------------------------------------------------------------


def _words(words: Sequence[str]) -> Callable[[_Line, str], list[Candidate]]:
    return lambda line, incomplete: [Candidate(word) for word in words]


def _statuses(line: _Line, incomplete: str) -> list[Candidate]:
    """Return the statuses in the letter case that the user types, after what stands before the last comma."""
    head, comma, tail = incomplete.rpartition(",")
    names = [status.name.lower() if tail and tail == tail.lower() else status.name for status in Status]
    return [Candidate(head + comma + name) for name in names]


def _targets(line: _Line, incomplete: str) -> list[Candidate]:
    from wfctl.config.files import project_file, user_file

    found = [Candidate("embedded", "an engine in this process"), Candidate("sidecar", "on 127.0.0.1:3500")]
    found.append(Candidate("grpc", "a sidecar by gRPC alone"))
    for file in (project_file(Path.cwd(), os.environ), user_file(os.environ)):
        if file is not None:
            found += [Candidate(name, values.get("target", "profile")) for name, values in file.profiles.items()]
    return found


def _settings(line: _Line, incomplete: str) -> list[Candidate]:
    from wfctl.config.keys import KEYS, ONLY_IN_PROFILES

    return [Candidate(key.name, key.help) for key in KEYS if key.file and key.name not in ONLY_IN_PROFILES]


def _columns(line: _Line, incomplete: str) -> list[Candidate]:
    """Return the columns of a list, after those before the last comma."""
    from wfctl.cli.parsing.columns import names
    from wfctl.render.views.instances import instance_view
    from wfctl.render.views.waiting import utc_now

    head, comma, _ = incomplete.rpartition(",")
    return [Candidate(head + comma + name) for name in names(instance_view(utc_now()).columns)]


def _conditions(line: _Line, incomplete: str) -> list[Candidate]:
    kind, equals, _ = incomplete.partition("=")
    if kind == "event" and equals:
        return [Candidate(f"event={one.value}", one.help) for one in _events(line, "")]
    return [Candidate(word) for word in WORDS]


def _topics(line: _Line, incomplete: str) -> list[Candidate]:
    from wfctl.cli.topic_texts import TOPICS

    commands = [Candidate(name, entry.summary) for name, entry in COMMANDS.items() if not entry.hidden]
    return [*(Candidate(topic) for topic in TOPICS), *commands]


_VALUES: dict[str, Callable[[_Line, str], list[Candidate]]] = {
    "ID": _ids,
    "ID|BUNDLE": _ids,
    "APP": _apps,
    "ID... EVENT": _ids_then_event,
    **dict.fromkeys(_RUNS, _ids),
    "EVENT": _events,
    "WORKFLOW": _workflows,
    "STEP": _steps,
    "STEP=JSON": _step_results,
    "STATUS": _statuses,
    "TARGET": _targets,
    "CONDITION": _conditions,
    "COLUMNS": _columns,
    "SETTING": _settings,
    "JSON|-|@FILE": _json,
    "COMMAND|TOPIC": _topics,
    **{metavar: _words(choice.words) for metavar, choice in BY_METAVAR.items()},
}
