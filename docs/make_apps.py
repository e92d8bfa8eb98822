"""Write docs/apps.md from the list in tests/apps_of_others and what of it has passed: `python docs/make_apps.py`."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent / "apps.md"
LIST = PAGE.parents[1] / "tests" / "apps_of_others"
HEAD = """\
# Apps as they come

<!-- Made by docs/make_apps.py from tests/apps_of_others. -->

Every workflow app of Dapr's [quickstarts](https://github.com/dapr/quickstarts), every workflow example of its Python,
Go and Java SDKs, some of JavaScript's, and the durable agents of dapr-agents: taken from their repositories, not
changed, and run in three ways.

| | how |
|---|---|
| embedded | `wfctl start WORKFLOW --app FILE --python ENVIRONMENT`, events by `wfctl raise-event`; Python only |
| `serve` | `wfctl serve -f dapr.yaml` where the app has one, else `wfctl serve -- COMMAND` for `dapr run -- COMMAND` |
| Dapr | beside a real `daprd` {dapr} with Dapr's placement and scheduler, one for each app |

"yes" has been run and did what its README says; "as beside Dapr": it fails there as it does here. "not run" says
nothing about the app, and "-" is no way to run it. Language models are played by a program on loopback. Java's, Go's
and JavaScript's apps were built as their READMEs say, Java's SDK from its repository, in the versions that they name.
"""
TAIL = """\
## Not in the list

* **C#**: `workflows/csharp` and `tutorials/workflow/csharp` are out, since no .NET SDK was there to build them.
* Fragments that no program runs: `challenges-tips` in the tutorials of each language.

## Run it yourself

Set the checkouts, an environment for the Python apps, and, for the last column, Dapr's programs; what is not set is
skipped:

```console
$ export WFCTL_QUICKSTARTS=~/quickstarts WFCTL_QUICKSTARTS_PYTHON=~/quickstarts/.venv/bin/python
$ WFCTL_DAPR_BIN=~/dapr/bin .venv/bin/python -m pytest -n 0 -rs tests/apps_of_others
```

The head of `tests/apps_of_others/test_apps.py` names all variables. The apps use the ports that they name, so run the
list where these are free.
"""


def page() -> str:
    sys.path.insert(0, str(LIST))
    try:
        apps = importlib.import_module("apps")
    finally:
        sys.path.remove(str(LIST))
    known = json.loads((LIST / "outcomes.json").read_text(encoding="utf-8"))
    parts = [HEAD.format(dapr=known.get("dapr", ""))]
    for repository in apps.REPOSITORIES:
        rows = [app for app in apps.APPS if app.repository == repository]
        parts.append("\n".join(_section(repository.name, rows, known)))
    return "\n".join([*parts, TAIL])


def _section(name: str, rows: list[Any], known: dict[str, Any]) -> Iterator[str]:
    commit = known["commits"].get(name)
    at = f"at [`{commit[:8]}`](https://github.com/{name}/tree/{commit})" if commit else "not run"
    dates = sorted({day for app in rows for day in known["passed"].get(app.id, {}).values()})
    yield f"## {name}\n"
    when = f", run on {' to '.join(dict.fromkeys((dates[0], dates[-1])))}" if dates else ""
    yield f"{at[0].upper()}{at[1:]}{when}.\n"
    yield "| app | language | embedded | `serve` | Dapr | what to change |"
    yield "|---|---|---|---|---|---|"
    for app in rows:
        passed = known["passed"].get(app.id, {})
        cells = [_cell(app, way, passed) for way in ("embedded", "serve", "dapr")]
        broken = f"does not work at this commit, on Dapr either: {app.broken}" if app.broken else ""
        told = (broken or app.changes, app.note.rstrip("."))
        last = app.left_out or "; ".join(each for each in told if each)
        yield f"| `{app.id.partition('/')[2]}` | {app.language} | {' | '.join(cells)} | {last} |"
    yield ""


def _cell(app: Any, way: str, passed: dict[str, str]) -> str:
    if app.left_out:
        return "-"
    if way == "embedded" and isinstance(app.embedded, str):
        return "-" if app.language != "Python" else f"no: {app.embedded}"
    if way in app.not_on:
        why = app.not_on[way]
        return why if why == "not run" else f"no: {why}" if why else "-"
    if way not in passed:
        return "not run"
    return "as beside Dapr" if app.broken else "yes"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
