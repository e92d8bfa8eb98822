"""Loading apps, and what is said when one does not load."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from wfctl.errors import AppError
from wfctl.workflow.loading import app as app_module
from wfctl.workflow.loading.app import load_app

GOOD = """
    import dapr.ext.workflow as wf

    wfr = wf.WorkflowRuntime()

    @wfr.workflow
    def order(ctx):
        yield ctx.call_activity(pay)

    @wfr.activity
    def pay(ctx):
        from dapr.ext.workflow import DaprWorkflowClient
        return DaprWorkflowClient.__module__

    if __name__ == "__main__":
        raise SystemExit("must not run")
"""


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Write]:
    """Writes a file of the project, and takes back what loading it does to the process."""
    modules, path = set(sys.modules), list(sys.path)
    loaded = dict(app_module._loaded)

    def write(name: str, text: str) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text))
        return file

    yield write
    for name in set(sys.modules) - modules:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
    sys.path[:] = path
    app_module._loaded.clear()
    app_module._loaded.update(loaded)
    sys.path_importer_cache.clear()


def error(spec: str, base: Path) -> AppError:
    with pytest.raises(AppError) as caught:
        load_app(spec, base)
    assert caught.value.exit_status == 2
    return caught.value


@pytest.mark.parametrize("spec", ["orders_1.py", "./orders_1.py", "orders_1"])
def test_an_app_is_loaded_once(write: Write, tmp_path: Path, spec: str) -> None:
    file = write("orders_1.py", GOOD)
    app = load_app(spec, tmp_path)
    assert app.registry.workflow_names() == ["order"]
    assert app.registry.activity_names() == ["pay"]
    assert (app.module, app.path) == ("orders_1", file)
    assert load_app(spec, tmp_path) is app
    assert load_app(str(file)) is app
    pay = app.registry.activity("pay")
    assert pay is not None
    assert pay(None, None) == "wfctl.workflow.sdk.client"


def test_neighbours_and_packages(write: Write, tmp_path: Path) -> None:
    write("shop_a/__init__.py", "")
    write("shop_a/runtime.py", "import dapr.ext.workflow as wf\nwfr = wf.WorkflowRuntime()\n")
    write("shop_a/flows.py", "from .runtime import wfr\n@wfr.workflow\ndef sell(ctx): ...\n")
    write("neighbour_a.py", "import dapr.ext.workflow as wf\nwfr = wf.WorkflowRuntime()\n")
    write("sub_a/main_a.py", "from beside_a import wfr\n@wfr.workflow\ndef buy(ctx): ...\n")
    write("sub_a/beside_a.py", "from dapr.ext.workflow import WorkflowRuntime\nwfr = WorkflowRuntime()\n")
    assert load_app("shop_a.flows", tmp_path).registry.workflow_names() == ["sell"]
    assert load_app("sub_a/main_a.py", tmp_path).registry.workflow_names() == ["buy"]
    write("loose_a.py", "from .runtime import wfr\n")
    assert "--app pkg.module" in (error("loose_a.py", tmp_path).hint or "")


@pytest.mark.parametrize("spec", ["src/shop_b/flows/sell.py", "shop_b.flows.sell", "-m shop_b.flows.sell"])
def test_a_file_in_a_package_is_a_module_of_it(write: Write, tmp_path: Path, spec: str) -> None:
    """In a src layout, with relative imports, and a neighbour by its own name."""
    write("src/shop_b/__init__.py", "")
    write("src/shop_b/runtime.py", "import dapr.ext.workflow as wf\nwfr = wf.WorkflowRuntime()\n")
    write("src/shop_b/flows/__init__.py", "")
    write("src/shop_b/flows/prices_b.py", "price = 1\n")
    own = "" if "." in spec.removesuffix(".py") else "import prices_b\n"
    write("src/shop_b/flows/sell.py", f"from ..runtime import wfr\n{own}@wfr.workflow\ndef sell(ctx): ...\n")
    app = load_app(spec, tmp_path)
    assert (app.module, app.path) == ("shop_b.flows.sell", tmp_path / "src/shop_b/flows/sell.py")
    assert app.registry.workflow_names() == ["sell"]
    assert load_app(spec, tmp_path) is app


@pytest.mark.parametrize("spec", ["src/shop_c", "src/shop_c/", "shop_c", "src/shop_c/__init__.py"])
def test_a_package(write: Write, tmp_path: Path, spec: str) -> None:
    """One whose workflows its `__main__` registers, which `python -m` runs."""
    write("src/shop_c/__init__.py", "")
    main = "from .flows import sell\nif __name__ == '__main__':\n    raise SystemExit('must not run')\n"
    write("src/shop_c/__main__.py", main)
    flows = "import dapr.ext.workflow as wf\nwfr = wf.WorkflowRuntime()\n@wfr.workflow\ndef sell(ctx): ...\n"
    write("src/shop_c/flows.py", flows)
    assert load_app(spec, tmp_path).registry.workflow_names() == ["sell"]


def test_a_script_in_a_folder_with_an_init(write: Write, tmp_path: Path) -> None:
    write("app_d/__init__.py", "")
    write("app_d/helpers_d.py", "name = 'sold'\n")
    write("app_d/flows.py", f"import helpers_d\n{dedent(GOOD)}")
    assert load_app("app_d/flows.py", tmp_path).registry.workflow_names() == ["order"]
    write("no-package/__init__.py", "")
    write("no-package/flows_d.py", GOOD)
    assert load_app("no-package/flows_d.py", tmp_path).module == "flows_d"


def test_a_file_with_the_name_of_a_module_that_is_loaded(write: Write, tmp_path: Path) -> None:
    write("json.py", GOOD)
    app = load_app("json.py", tmp_path)
    assert app.module == "app_json"
    import json

    assert hasattr(json, "dumps")


def test_a_missing_file(write: Write, tmp_path: Path) -> None:
    write("orders_2.py", GOOD)
    why = error("order_2.py", tmp_path)
    assert why.message == "app file order_2.py does not exist"
    assert why.hint == "did you mean orders_2.py?"
    assert "is a folder" in error("./", tmp_path).message
    assert "is empty" in error(" ", tmp_path).message


def test_a_missing_module(write: Write, tmp_path: Path) -> None:
    write("orders_3.py", GOOD)
    why = error("order_3", tmp_path)
    assert why.message.startswith("no module named 'order_3'")
    assert why.hint == "did you mean orders_3.py?"
    assert "no module named 'no_such.thing'" in error("no_such.thing", tmp_path).message


def test_a_syntax_error(write: Write, tmp_path: Path) -> None:
    write("broken_1.py", "x = 1\ndef f(:\n    pass\n")
    why = error("broken_1.py", tmp_path)
    assert "syntax error" in why.message
    assert "line 2" in why.message
    assert why.detail is not None
    assert "def f(:" in why.detail


def test_an_exception_of_the_app(write: Write, tmp_path: Path) -> None:
    file = write("broken_2.py", "def f():\n    return {}['key']\n\nf()\n")
    why = error("broken_2.py", tmp_path)
    assert why.message == f"app broken_2.py does not import: KeyError: 'key' ({file}, line 2)"
    assert why.detail is not None
    assert why.detail.count("File ") == 2
    assert "wfctl" not in why.detail
    assert "importlib" not in why.detail
    file.write_text(dedent(GOOD))
    assert load_app("broken_2.py", tmp_path).registry.workflow_names() == ["order"]


@pytest.mark.parametrize("spec", ["needs_1.py", "needs_1"])
def test_a_missing_third_party_module(write: Write, tmp_path: Path, spec: str) -> None:
    write("needs_1.py", "import no_such_module_at_all\n")
    why = error(spec, tmp_path)
    assert "'no_such_module_at_all'" in why.message
    assert sys.executable in why.message
    assert why.hint is not None
    assert f"{sys.executable} -m pip install no_such_module_at_all" in why.hint
    assert "--python PATH" in why.hint


@pytest.mark.parametrize(
    ("files", "cure"),
    [
        (["uv.lock", ".venv/pyvenv.cfg"], "uv add no_such_module_at_all"),
        (["poetry.lock", ".venv/pyvenv.cfg"], "poetry add no_such_module_at_all"),
        (["pypoetry/virtualenvs/shop-x-py3.11/pyvenv.cfg"], "poetry add no_such_module_at_all"),
        ([".venv/conda-meta/history"], "conda install --prefix"),
        ([".venv/pyvenv.cfg"], "uv pip install --python"),
        ([".venv/uv-receipt.toml"], "make an environment with no_such_module_at_all beside the app"),
        ([".venv/pipx_metadata.json"], "make an environment with no_such_module_at_all beside the app"),
        (["poetry.lock", ".venv/uv-receipt.toml"], "poetry run wfctl"),
    ],
)
def test_the_cure_is_that_of_the_environments_tool(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: list[str], cure: str
) -> None:
    write("needs_4.py", "import no_such_module_at_all.part\n")
    for file in files:
        write(file, "uv = 0.9\n")
    prefix = (tmp_path / files[-1]).parent if "pypoetry" in files[0] else tmp_path / ".venv"
    monkeypatch.setattr(sys, "prefix", str(prefix))
    monkeypatch.chdir(tmp_path)
    assert cure in (error("needs_4.py", tmp_path).hint or "")


def test_a_name_that_the_sdk_does_not_have(write: Write, tmp_path: Path) -> None:
    write("needs_2.py", "from dapr.ext.workflow import nothing\n")
    assert "cannot import name 'nothing'" in error("needs_2.py", tmp_path).message
    write("needs_3.py", "import dapr.ext.workflow.nothing\n")
    assert "wfctl has no 'dapr.ext.workflow.nothing'" in error("needs_3.py", tmp_path).message


def test_an_app_that_ends_the_program(write: Write, tmp_path: Path) -> None:
    write("exits_1.py", "import sys\nsys.exit(3)\n")
    why = error("exits_1.py", tmp_path)
    assert "sys.exit(3)" in why.message
    assert "__main__" in (why.hint or "")
    write("exits_2.py", "raise GeneratorExit('odd')\n")
    assert "exits_2.py does not import: GeneratorExit: odd" in error("exits_2.py", tmp_path).message


def test_an_app_that_uses_the_client_while_it_is_imported(write: Write, tmp_path: Path) -> None:
    write("eager_1.py", GOOD.replace("if __name__", "wf.DaprWorkflowClient().pause_workflow('x')\n    if __name__"))
    why = error("eager_1.py", tmp_path)
    assert "has no workflow engine to talk to" in why.message
    assert "inside an activity" in (why.hint or "")


def test_an_app_that_registers_nothing(write: Write, tmp_path: Path) -> None:
    write("empty_1.py", "x = 1\n")
    why = error("empty_1.py", tmp_path)
    assert why.message == "app empty_1.py registers nothing"
    assert "@wfr.workflow" in (why.hint or "")


def test_an_app_that_registers_where_an_import_does_not_come(write: Write, tmp_path: Path) -> None:
    write(
        "hidden_1.py",
        """
        import dapr.ext.workflow as wf
        wfr = wf.WorkflowRuntime()

        @wfr.activity
        def pay(ctx): ...

        def order(ctx): ...

        def main():
            wfr.register_workflow(order)

        if __name__ == "__main__":
            wfr.workflow(order)
        """,
    )
    why = error("hidden_1.py", tmp_path)
    assert why.message == "app hidden_1.py registers no workflows (only the activities pay)"
    assert why.hint is not None
    assert "line 11 is inside main()" in why.hint
    assert "line 14 is under `if __name__" in why.hint
