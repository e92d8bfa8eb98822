"""What an author can import is documented: `help()` names every argument, result and error."""

from __future__ import annotations

import ast
import dataclasses
import enum
import importlib
import inspect
import pydoc
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

import wfctl.workflow as wf
from wfctl.workflow.loading.import_hook import MODULES

NO_IMPERATIVES = ("Whether", "What", "How", "Why", "The", "A", "An", "All", "Those", "Each", "Every", "Nothing", "None")


def public() -> Iterator[tuple[str, Any]]:
    """Yield the public classes and functions of the modules that the import hook shows, with their members."""
    seen: set[int] = set()
    for module in sorted(set(MODULES.values())):
        for name, value in vars(importlib.import_module(module)).items():
            home = getattr(value, "__module__", "")
            if name.startswith("_") or home not in MODULES.values() or id(value) in seen:
                continue
            if inspect.isclass(value) or inspect.isfunction(value):
                seen.add(id(value))
                yield value.__qualname__, value
            if inspect.isclass(value):
                yield from ((f"{name}.{member}", found) for member, found in members(value))


def members(cls: type) -> Iterator[tuple[str, Any]]:
    for name, value in vars(cls).items():
        plain = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
        if not name.startswith("_") and (inspect.isfunction(plain) or isinstance(plain, property)):
            yield name, plain


NAMES = list(public())
CALLABLES = [(name, value) for name, value in NAMES if inspect.isfunction(value)]
CLASSES = [(name, value) for name, value in NAMES if inspect.isclass(value)]


def doc_of(value: Any) -> str:
    """Return the docstring; a method may have its base's, a class needs its own."""
    return inspect.cleandoc(vars(value)["__doc__"] or "") if inspect.isclass(value) else inspect.getdoc(value) or ""


def section(doc: str, title: str) -> str:
    """Return the lines under `title`, up to the next section; "" where there is none."""
    lines = doc.splitlines()
    if title not in lines:
        return ""
    rest = lines[lines.index(title) + 1 :]
    end = next((at for at, line in enumerate(rest) if line and not line.startswith(" ")), len(rest))
    return "\n".join(rest[:end])


def parameters(value: Any) -> set[str]:
    found = inspect.signature(value).parameters.values()
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {p.name for p in found if p.kind not in kinds and p.name not in ("self", "cls") and p.name[:1] != "_"}


def raised(value: Any) -> set[str]:
    """Return the names of the exceptions that the function's own code raises."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(value))))
    calls = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    return {call.func.id for call in calls if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)} - {
        "_no_servers"
    }


def test_the_names_are_found() -> None:
    names = {name for name, _ in NAMES}
    assert {"DaprWorkflowContext.call_activity", "WorkflowRuntime", "Task.get_result", "PropagatedHistory"} <= names
    assert all(any(name == top for name in names) for top in wf.__all__ if top != "UNSET")


@pytest.mark.parametrize(("name", "value"), NAMES, ids=[name for name, _ in NAMES])
def test_has_a_docstring(name: str, value: Any) -> None:
    # A dataclass without one gets its signature, which says nothing that help() does not show already.
    first = doc_of(value).partition("\n")[0]
    assert first.endswith("."), f"{name}: a first line that is a sentence"
    assert not first.startswith(f"{getattr(value, '__name__', '')}("), f"{name}: a docstring of its own"
    if not inspect.isclass(value):
        assert first.split()[0] not in NO_IMPERATIVES, f"{name}: an imperative first line, not {first!r}"


@pytest.mark.parametrize(("name", "value"), CALLABLES, ids=[name for name, _ in CALLABLES])
def test_names_arguments_result_and_errors(name: str, value: Any) -> None:
    doc = doc_of(value)
    told = section(doc, "Args:")
    assert [each for each in parameters(value) if f"    {each}: " not in told] == [], f"{name}: arguments"
    returned = inspect.signature(value).return_annotation
    assert returned in ("None", None) or section(doc, "Returns:") or section(doc, "Yields:"), f"{name}: result"
    assert [each for each in raised(value) if f"    {each}: " not in section(doc, "Raises:")] == [], f"{name}: errors"


@pytest.mark.parametrize(("name", "cls"), CLASSES, ids=[name for name, _ in CLASSES])
def test_a_class_names_its_arguments_and_fields(name: str, cls: type) -> None:
    doc = doc_of(cls)
    if dataclasses.is_dataclass(cls):
        wanted = {field.name for field in dataclasses.fields(cls) if not field.name.startswith("_")}
        assert [each for each in wanted if f"    {each}: " not in section(doc, "Attributes:")] == []
    elif "__init__" in vars(cls) and not issubclass(cls, enum.Enum):
        told = section(doc, "Args:")
        assert [each for each in parameters(vars(cls)["__init__"]) if f"    {each}: " not in told] == []


def test_help_serves_an_author() -> None:
    text = pydoc.render_doc(wf.DaprWorkflowContext.call_activity, renderer=pydoc.plaintext)  # type: ignore[attr-defined]
    for fact in ("retry_policy: ", "at least once", "TaskFailedError", "JSON"):
        assert fact in text
