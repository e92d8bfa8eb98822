"""The errors of an app that does not load: the cause, the place in the user's code, and what to try."""

from __future__ import annotations

import ast
import difflib
import os
import sys
import traceback
from pathlib import Path

from wfctl.errors import AppError, WfctlError
from wfctl.install import installed_as_tool, of_poetry
from wfctl.workflow.failures import text_of, user_frames
from wfctl.workflow.registry import Registry

_SDK = "dapr.ext.workflow"
_REGISTERING = frozenset(
    {
        "workflow",
        "versioned_workflow",
        "activity",
        "register_workflow",
        "register_versioned_workflow",
        "register_activity",
    }
)


def missing_file(spec: str, path: Path) -> AppError:
    """Return the error for an app file that does not exist, with the names nearest to it."""
    if os.path.isdir(path):
        return AppError(f"app {spec} is a folder", hint=f"name a file in it: {_near('app.py', path)}")
    near = _near(path.name, path.parent)
    hint = f"did you mean {near}?" if near else "name a Python file, or a module as in --app pkg.module"
    return AppError(f"app file {spec} does not exist", hint=hint)


def missing_module(spec: str, folder: Path) -> AppError:
    """Return the error for a module that is not found, with the names nearest to it."""
    near = _near(spec.rpartition(".")[2] + ".py", folder.joinpath(*spec.split(".")[:-1]))
    hint = f"did you mean {near}?" if near else "name a file as in --app orders.py, or a module"
    return AppError(f"no module named {spec!r} (looked in {folder} and in {sys.executable})", hint=hint)


def import_failure(spec: str, path: Path | None, error: BaseException) -> AppError:
    """Return the error for an exception that the import of the app raised."""
    if isinstance(error, SystemExit):
        return AppError(
            f"app {spec} ended the program while it was imported: sys.exit({error.code!r})",
            hint='put what is to run only as a script under `if __name__ == "__main__":`',
            detail=_detail(error),
        )
    if isinstance(error, SyntaxError):
        where = f"{error.filename or spec}, line {error.lineno}"
        detail = "".join(traceback.format_exception_only(type(error), error)).rstrip()
        return AppError(f"app {spec} has a syntax error: {error.msg} ({where})", detail=detail)
    frames = user_frames(error)
    where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    if isinstance(error, ModuleNotFoundError) and error.name is not None and not error.name.startswith(_SDK):
        return AppError(
            f"app {spec} imports {error.name!r}, which is not installed in the Python that runs it, "
            f"{sys.executable}{where}",
            hint=_install(error.name.partition(".")[0]),
            detail=_detail(error),
        )
    hint = error.hint if isinstance(error, WfctlError) else None
    if isinstance(error, ImportError) and "relative import" in text_of(error):
        hint = "name the app as a module of its package: --app pkg.module"
    return AppError(
        f"app {spec} does not import: {type(error).__name__}: {text_of(error)}{where}", hint=hint, detail=_detail(error)
    )


def _install(module: str) -> str:
    """Return the command that installs a module in this Python, by the tool that made its environment."""
    prefix = Path(sys.prefix)
    if installed_as_tool():
        here = Path.cwd()
        if any((folder / "poetry.lock").exists() for folder in (here, *here.parents)):
            return "this is wfctl's own Python: poetry run wfctl … takes the project's, or name it: --python PATH"
        return (
            f"this is wfctl's own Python: make an environment with {module} beside the app "
            f"(python -m venv .venv, or uv venv), or name the app's: --python PATH"
        )
    folder = prefix.parent
    if (folder / "uv.lock").exists():
        return f"uv add {module}"
    if of_poetry(prefix):
        return f"poetry add {module}"
    if (prefix / "conda-meta").is_dir():
        return f"conda install --prefix {prefix} {module}"
    if _made_by_uv(prefix):
        return f"uv pip install --python {prefix} {module}"
    return f"{sys.executable} -m pip install {module}, or name the app's environment: --python PATH"


def _made_by_uv(prefix: Path) -> bool:
    try:
        return any(line.startswith("uv =") for line in (prefix / "pyvenv.cfg").read_text(encoding="utf-8").splitlines())
    except OSError:
        return False


def no_workflows(spec: str, path: Path | None, registry: Registry) -> AppError:
    """Return the error for an app that registers no workflow, with the lines that an import does not run."""
    activities = registry.activity_names()
    what = f"no workflows (only the activities {', '.join(activities)})" if activities else "nothing"
    hidden = _hidden_registrations(path) if path is not None else []
    if hidden:
        places = ", ".join(f"line {line} {why}" for line, why in hidden[:3])
        hint = f"wfctl imports the app and does not run it: register at the top level of the module ({places})"
    else:
        hint = "register with @wfr.workflow and @wfr.activity, where wfr = dapr.ext.workflow.WorkflowRuntime()"
    return AppError(f"app {spec} registers {what}", hint=hint)


def _detail(error: BaseException) -> str:
    """Return a traceback of the user's own frames."""
    frames = traceback.format_list(user_frames(error))
    return "".join([*frames, *traceback.format_exception_only(type(error), error)]).rstrip()


def _near(name: str, folder: Path) -> str:
    if not folder.is_dir():
        return ""
    files = sorted(entry.name for entry in folder.glob("*.py"))
    near = difflib.get_close_matches(name, files, n=3, cutoff=0.5) or files[:3]
    return ", ".join(near)


def _hidden_registrations(path: Path) -> list[tuple[int, str]]:
    """Return the lines that register something and that an import does not run, with the reason."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []
    found: list[tuple[int, str]] = []
    for node in tree.body:
        if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
            found += [(line, 'is under `if __name__ == "__main__"`') for line in _registrations(node.body)]
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found += [(line, f"is inside {node.name}()") for line in _registrations(node.body)]
    return found


def _registrations(body: list[ast.stmt]) -> list[int]:
    return sorted(
        {
            node.lineno
            for statement in body
            for node in ast.walk(statement)
            if isinstance(node, ast.Attribute) and node.attr in _REGISTERING
        }
    )
