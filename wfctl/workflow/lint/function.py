"""Read one function of workflow code."""

from __future__ import annotations

import ast
import difflib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

from wfctl.model.code_warning import CodeWarning
from wfctl.model.fit import Place
from wfctl.workflow.lint.rules import is_judged, rule_of
from wfctl.workflow.lint.source import Function, Source, full_name, imports
from wfctl.workflow.registry import Registry, name_of

_STEPS = {
    "call_activity": "activity",
    "call_child_workflow": "child workflow",
    "create_timer": "timer",
    "wait_for_external_event": "event",
}
_TOGETHER = ("when_all", "when_any")
_SDKS = ("dapr.ext.workflow", "wfctl.workflow")
_TASK = frozenset({"is_complete", "is_failed", "get_result", "get_exception"})
# What a replay never runs, as far as it goes by what the history says.
_LIVE_ONLY = frozenset({"clock", "random", "io", "environment", "sleep", "threads"})


@dataclass(frozen=True)
class Called:
    """A function that the code calls, and the names of its parameters that get the context."""

    function: FunctionType
    contexts: frozenset[str]


class Reader:
    """Reads a function, and collects warnings and the functions that it calls.

    `contexts` are the names of the context in it, `own` those of its module; `whole`: it is the workflow itself.
    """

    def __init__(
        self,
        source: Source,
        function: Function,
        contexts: frozenset[str],
        own: Mapping[str, Any],
        registry: Registry,
        workflow: str,
        *,
        whole: bool,
    ) -> None:
        self._source = source
        self._function = function
        self._contexts = contexts
        self._own = own
        self._registry = registry
        self._workflow = workflow
        self._whole = whole
        self._body: list[ast.stmt] = function.body if isinstance(function.body, list) else [ast.Expr(function.body)]
        self._parents = {child: node for node in ast.walk(function) for child in ast.iter_child_nodes(node)}
        self._local = _assigned(function)
        self._names = {**source.names, **dict.fromkeys(self._local, ""), **imports(self._body, renamed=False)}
        self.warnings: list[CodeWarning] = []
        self.called: list[Called] = []

    def read(self) -> None:
        if isinstance(self._function, ast.AsyncFunctionDef):
            self._warn(self._function, "async", "a workflow is no async function", "def, and yield in place of await")
        for statement in self._body:
            for node in ast.walk(statement):
                self._node(node)

    def _node(self, node: ast.AST) -> None:
        if isinstance(node, ast.Call):
            self._call(node)
        elif isinstance(node, (ast.Attribute, ast.Subscript)):
            self._environment(node)
        elif isinstance(node, ast.Global):
            text = f"{', '.join(node.names)} is changed outside of the workflow: a replay changes it again"
            self._warn(node, "state", text, "keep it in the workflow's own variables, or change it in an activity")
        elif isinstance(node, (ast.For, ast.comprehension)) and _unordered(node.iter):
            body = node if isinstance(node, ast.For) else self._parents.get(node, node)
            if any(self._step(one) is not None for one in ast.walk(body)):
                text = "the steps begin in the order of a set, which is another one in each process"
                self._warn(node.iter, "order", text, "sorted(...)")
        elif isinstance(node, ast.While):
            self._endless(node)

    # --- calls -----------------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call) -> None:
        step = self._step(node)
        if step is not None:
            self._yielded(node, f"{step}() makes a task")
            self._registered(node)
            if self._guarded(node):
                text = f"{step}() is called where the code is not replaying: a replay does not ask for it"
                self._warn(node, "replaying", text, "ask for the same steps in every replay")
            return
        name = full_name(node.func, self._names)
        if name is not None and not self._judged_inside(node.func):
            if name.startswith(_SDKS) and name.rpartition(".")[2] in _TOGETHER:
                self._yielded(node, f"{name.rpartition('.')[2]}() makes a task")
                return
            rule = rule_of(name, arguments=bool(node.args or node.keywords))
            if rule is not None and not (rule.name in _LIVE_ONLY and self._guarded(node)):
                self._warn(node, rule.name, f"{ast.unparse(node.func)}() {rule.why}", rule.instead)
                return
        self._follow(node)

    def _judged_inside(self, node: ast.expr) -> bool:
        """Return True for a method of what a call returns, as `open(...).read`, where that call was judged itself."""
        while isinstance(node, ast.Attribute):
            node = node.value
        inner = full_name(node.func, self._names) if isinstance(node, ast.Call) else None
        return inner is not None and is_judged(inner)

    def _step(self, node: ast.AST) -> str | None:
        """Return the method of the context that a node calls for a step."""
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _STEPS):
            return None
        return node.func.attr if self._is_context(node.func.value) else None

    def _is_context(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id in self._contexts

    def _yielded(self, node: ast.Call, what: str) -> None:
        """Warn of a task that cannot come to be yielded."""
        parent = self._parents.get(node)
        if isinstance(parent, ast.Await):
            self._warn(node, "yield", f"{what}, which is awaited", "yield in place of await")
        elif isinstance(parent, ast.Expr):
            self._warn(node, "yield", f"{what} that nothing yields", f"yield {_shown(node)}")
        elif isinstance(parent, ast.Return):
            if self._whole:
                self._warn(node, "yield", f"{what}, which is returned in place of its result", "return (yield ...)")
        elif _as_result(parent, node):
            self._warn(node, "yield", f"{what}, which is used as if it were the result", f"(yield {_shown(node)})")
        else:
            target = _target(parent)
            if target is not None and not self._used(target):
                self._warn(node, "yield", f"{what} that nothing yields: {target} is not used", f"yield {_shown(node)}")

    def _used(self, name: str) -> bool:
        nodes = (node for node in ast.walk(self._function) if isinstance(node, ast.Name) and node.id == name)
        return any(isinstance(node.ctx, ast.Load) for node in nodes)

    def _registered(self, node: ast.Call) -> None:
        """Warn of an activity or a child workflow that nothing registers."""
        assert isinstance(node.func, ast.Attribute)
        kind = node.func.attr
        if kind not in ("call_activity", "call_child_workflow") or any(
            one.arg in ("app_id", None) for one in node.keywords
        ):
            return
        named = next((one.value for one in node.keywords if one.arg in ("activity", "workflow", "orchestrator")), None)
        named = node.args[0] if node.args else named
        name = None if named is None else self._name_of(named)
        activity = kind == "call_activity"
        known = self._registry.activity_names() if activity else self._registry.workflow_names()
        if name is None or name in known:
            return
        near = difflib.get_close_matches(name, known, 1, 0.5)
        what = "activity" if activity else "workflow"
        hint = f"did you mean {near[0]}?" if near else f"register it, or one of: {', '.join(known) or 'none'}"
        self._warn(node, "unregistered", f"no {what} {name!r} is registered", hint)

    def _name_of(self, node: ast.expr) -> str | None:
        value = node.value if isinstance(node, ast.Constant) else self._value(node)
        if not isinstance(value, (str, FunctionType)) and not hasattr(value, "_dapr_alternate_name"):
            return None
        try:
            return name_of(value)
        except TypeError:
            return None

    def _value(self, node: ast.expr) -> Any:
        """Return what a name of the module stands for, now that it is imported; None if that is not known."""
        if isinstance(node, ast.Name):
            return None if node.id in self._local else self._own.get(node.id)
        if isinstance(node, ast.Attribute):
            base = self._value(node.value)
            return getattr(base, node.attr, None) if isinstance(base, ModuleType) else None
        return None

    def _follow(self, node: ast.Call) -> None:
        """Note a function of the user's that is called, with what gets the context."""
        function = self._value(node.func)
        if not isinstance(function, FunctionType):
            return
        generator = inspect.isgeneratorfunction(function)
        parent = self._parents.get(node)
        if generator and isinstance(parent, (ast.Expr, ast.Yield)):
            self._warn(
                node,
                "yield",
                f"{function.__name__}() is a generator, which does not run so",
                f"yield from {_shown(node)}",
            )
        parameters = list(inspect.signature(function).parameters)
        given = [*zip(parameters, node.args, strict=False), *((one.arg, one.value) for one in node.keywords)]
        contexts = frozenset(name for name, value in given if name is not None and self._is_context(value))
        self.called.append(Called(function, contexts))

    # --- the rest ----------------------------------------------------------------------------------------------------

    def _environment(self, node: ast.Attribute | ast.Subscript) -> None:
        """Warn of `os.environ[...]`; a call of one of its methods is warned of as a call."""
        if isinstance(node, ast.Subscript) and full_name(node.value, self._names) == "os.environ":
            rule = rule_of("os.environ", arguments=True)
            if rule is not None and not self._guarded(node):
                self._warn(node, rule.name, f"os.environ {rule.why}", rule.instead)

    def _endless(self, node: ast.While) -> None:
        if not (isinstance(node.test, ast.Constant) and node.test.value):
            return
        inside = list(_inside(node))
        again = any(isinstance(one, ast.Attribute) and one.attr == "continue_as_new" for one in inside)
        ends = any(isinstance(one, (ast.Break, ast.Return, ast.Raise)) for one in inside)
        if not again and not ends and any(self._step(one) is not None for one in inside):
            text = "a loop without end makes the history longer and longer"
            self._warn(node, "endless", text, "ctx.continue_as_new(...) after some rounds")

    def _guarded(self, node: ast.AST) -> bool:
        """Return True for what runs only where the code is not replaying."""
        child, parent = node, self._parents.get(node)
        while parent is not None:
            if isinstance(parent, ast.If) and child is not parent.test:
                live = _says_replaying(parent.test, self._is_context)
                if live is not None and live == (child in parent.body):
                    return True
            child, parent = parent, self._parents.get(parent)
        return False

    def _warn(self, node: ast.AST, rule: str, text: str, hint: str) -> None:
        line = getattr(node, "lineno", 1)
        statement: ast.AST | None = node
        while statement is not None and not isinstance(statement, ast.stmt):
            statement = self._parents.get(statement)
        last = getattr(node, "end_lineno", None) or line
        lines = range(min(line, getattr(statement, "lineno", line)), last + 1)
        head = self._function.lineno
        if isinstance(statement, (ast.While, ast.For, ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = range(line, line + 1)
        if self._source.silences(rule, lines) or self._source.silences(rule, range(head, head + 1)):
            return
        self.warnings.append(CodeWarning(rule, self._workflow, Place(self._source.file, line), text, hint))


def _assigned(function: Function) -> frozenset[str]:
    """Return the names that belong to the function: its parameters, and what it assigns."""
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    outside: set[str] = set()
    found = {one.arg for one in every}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node is not function:
            found.add(node.name)
        elif isinstance(node, ast.Global):
            outside.update(node.names)
    return frozenset(found - outside)


def _as_result(parent: ast.AST | None, node: ast.expr) -> bool:
    if isinstance(parent, ast.Attribute):
        return parent.attr not in _TASK
    if isinstance(parent, (ast.If, ast.While, ast.IfExp)):
        return parent.test is node
    if isinstance(parent, ast.Subscript):
        return parent.value is node
    return isinstance(parent, (ast.BinOp, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.FormattedValue))


def _target(parent: ast.AST | None) -> str | None:
    if isinstance(parent, ast.Assign) and len(parent.targets) == 1 and isinstance(parent.targets[0], ast.Name):
        return parent.targets[0].id
    if isinstance(parent, (ast.AnnAssign, ast.NamedExpr)) and isinstance(parent.target, ast.Name):
        return parent.target.id
    return None


def _unordered(node: ast.expr) -> bool:
    if isinstance(node, (ast.Set, ast.SetComp)):
        return True
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset")


def _says_replaying(test: ast.expr, is_context: Callable[[ast.AST], bool]) -> bool | None:
    """Return True for `not ctx.is_replaying`, False for `ctx.is_replaying`, None for any other condition."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = _says_replaying(test.operand, is_context)
        return None if inner is None else not inner
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return True if any(_says_replaying(one, is_context) for one in test.values) else None
    if isinstance(test, ast.Attribute) and test.attr == "is_replaying" and is_context(test.value):
        return False
    return None


def _inside(node: ast.While) -> Iterator[ast.AST]:
    """Yield what is in a loop, but not what is in functions and in loops of its own."""
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        one = waiting.pop()
        yield one
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        for child in ast.iter_child_nodes(one):
            if not (isinstance(one, (ast.While, ast.For)) and isinstance(child, ast.Break)):
                waiting.append(child)


def _shown(node: ast.expr) -> str:
    text = ast.unparse(node)
    return (
        text if len(text) <= 50 else ast.unparse(node.func) + "(...)" if isinstance(node, ast.Call) else text[:49] + "…"
    )
