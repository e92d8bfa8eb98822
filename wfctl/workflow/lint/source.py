"""A file of user code: its functions, what its imports call things, and the comments that silence warnings."""

from __future__ import annotations

import ast
import builtins
import io
import re
import tokenize
from functools import cached_property
from types import CodeType

from wfctl.workflow.lint.rules import RULES

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_SILENCED = re.compile(r"\bwfctl:\s*ok\b(?P<rules>[\w\s,]*)", re.IGNORECASE)
_BUILTINS = frozenset(dir(builtins))


class Source:
    """Raises OSError, and SyntaxError or ValueError for what is no Python."""

    def __init__(self, file: str) -> None:
        with tokenize.open(file) as stream:
            self._text = stream.read()
        self.file = file
        self.tree = ast.parse(self._text)
        self.names = imports(self.tree.body)

    def function(self, code: CodeType) -> Function | None:
        """Return the function of this code, by its first line, which is that of its first decorator."""
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
                first = min([node.lineno, *(one.lineno for one in decorators)])
                name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
                if (first, name) == (code.co_firstlineno, code.co_name):
                    return node
        return None

    @cached_property
    def _silenced(self) -> dict[int, frozenset[str]]:
        """The rules that each line silences; none: all."""
        found: dict[int, frozenset[str]] = {}
        for token in tokenize.generate_tokens(io.StringIO(self._text).readline):
            if token.type == tokenize.COMMENT and (match := _SILENCED.search(token.string)) is not None:
                found[token.start[0]] = RULES.intersection(re.findall(r"\w+", match["rules"]))
        return found

    def silences(self, rule: str, lines: range) -> bool:
        """Return True if a comment on one of the lines says that this is all right."""
        for line in lines:
            rules = self._silenced.get(line)
            if rules is not None and (not rules or rule in rules):
                return True
        return False


def imports(body: list[ast.stmt], *, renamed: bool = True) -> dict[str, str]:
    """Return the full names of what the statements import; if `renamed`, also of what they give another name.

    An empty name is something else. What is inside functions is left out.
    """
    found: dict[str, str] = {}
    for node in _statements(body):
        if isinstance(node, ast.Import):
            for one in node.names:
                found[one.asname or one.name.partition(".")[0]] = one.name if one.asname else one.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for one in node.names:
                found[one.asname or one.name] = f"{module}.{one.name}"
        elif (
            renamed
            and isinstance(node, ast.Assign)
            and len(node.targets) == 1
            and isinstance(node.targets[0], ast.Name)
        ):
            found[node.targets[0].id] = full_name(node.value, found) or ""
    return found


def full_name(node: ast.expr, names: dict[str, str]) -> str | None:
    """Return what an expression names, as `datetime.datetime.now`; what a call returns has the name of what is called.

    None for what is neither imported nor built in.
    """
    if isinstance(node, ast.Name):
        known = names.get(node.id)
        return (known or None) if known is not None else node.id if node.id in _BUILTINS else None
    if isinstance(node, ast.Attribute):
        base = full_name(node.value, names)
        return None if base is None else f"{base}.{node.attr}"
    return full_name(node.func, names) if isinstance(node, ast.Call) else None


def _statements(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the statements, also those in `if`, `try` and `with`, but not those of functions and classes."""
    found: list[ast.stmt] = []
    for node in body:
        found.append(node)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        for part in ("body", "orelse", "finalbody"):
            found += _statements(getattr(node, part, []))
        for handler in getattr(node, "handlers", []):
            found += _statements(handler.body)
    return found
