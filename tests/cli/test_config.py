"""`wfctl config set`, `unset`, `use` and `path`: files that people write too, changed in one place only."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from harness import Cli

from wfctl.config.files import load

PROJECT = """\
# Ours.
target = "embedded"   # not the sidecar
app = 'app.py'

[profiles.prod]  # the real one
# Its token is in the vault.
target = "https://dapr.example.com"

[profiles."with space"]
target = "sidecar"
"""


@pytest.fixture
def user(tmp_path: Path) -> Path:
    return tmp_path / "user-config" / "wfctl" / "config.toml"


def test_set_makes_the_users_file(cli: Cli, user: Path) -> None:
    assert cli("config", "path").out == f"{user}\n"
    result = cli("config", "set", "format", "json")
    assert (result.status, user.read_text()) == (0, 'format = "json"\n')
    assert cli("config", "set", "request-timeout", "5s", "-o", "json").json["value"] == "5s"
    assert user.read_text() == 'format = "json"\nrequest_timeout = "5s"\n'
    assert cli("config", "unset", "format", "-o", "table").status == 0
    assert user.read_text() == 'request_timeout = "5s"\n'


def test_comments_and_order_stay(cli: Cli, project: Path) -> None:
    file = project / "wfctl.toml"
    file.write_text(PROJECT)
    file.chmod(0o640)
    for name, value, before, after in (
        ("target", "sidecar", 'target = "embedded"   # not', 'target = "sidecar"   # not'),
        ("app", "other.py", "app = 'app.py'\n", 'app = "other.py"\n'),
        ("profiles.prod.target", "http://x:1", '"https://dapr.example.com"', '"http://x:1"'),
        ("profiles.with space.target", "grpc", '"sidecar"\n', '"grpc"\n'),
        ("color", "never", "app = 'app.py'\n", "app = 'app.py'\ncolor = \"never\"\n"),
        ("profiles.prod.protected", "true", 'e.com"\n', 'e.com"\nprotected = true\n'),
        ("profiles.dev.target", "embedded", 'sidecar"\n', 'sidecar"\n\n[profiles.dev]\ntarget = "embedded"\n'),
    ):
        file.write_text(PROJECT)
        result = cli("config", "set", name, value, "--project")
        assert result.status == 0, result.err
        assert file.read_text() == PROJECT.replace(before, after), name
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_unset(cli: Cli, project: Path) -> None:
    file = project / "wfctl.toml"
    file.write_text(PROJECT)
    assert cli("config", "unset", "app", "--project").status == 0
    assert file.read_text() == PROJECT.replace("app = 'app.py'\n", "")
    assert cli("config", "unset", "profiles.prod", "--project").status == 0
    assert "prod" not in file.read_text()
    assert cli("config", "unset", "profiles.with space", "--project").status == 0
    assert load(file, file.read_bytes()) == {"target": "embedded"}
    missing = cli("config", "unset", "store", "--project")
    assert (missing.status, "does not set store" in missing.err) == (2, True)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('profiles = {prod = {target = "sidecar"}}\n', "profiles.prod.target"),
        ('profiles.prod.target = "sidecar"\n', "profiles.prod.target"),
        ('target = """\nsidecar"""\n', "target"),
        ('app = """\ntarget = "x"\n"""\ntarget = """embedded"""\n', "target"),
    ],
)
def test_rare_spellings_are_left_to_their_author(cli: Cli, user: Path, text: str, name: str) -> None:
    user.parent.mkdir(parents=True)
    user.write_text(text)
    result = cli("config", "set", name, "embedded")
    assert (result.status, "by hand" in result.err) == (2, True), result.err
    assert user.read_text() == text, "nothing is written"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["set", "token", "secret"], "token_env"),
        (["set", "colour", "never"], "did you mean color?"),
        (["set", "color", "blue"], "auto, always, never"),
        (["set", "color", ""], "config unset color"),
        (["set", "app", "a\nb"], "no value"),
        (["set", "prod.target", "x"], "profiles.prod.target"),
        (["set", "profiles.prod.format", "json"], "belongs at the top"),
        (["set", "target", "prod"], "there is no target 'prod'"),
        (["use", "prod"], "embedded, sidecar"),
    ],
)
def test_wrong_settings_are_not_written(cli: Cli, user: Path, argv: list[str], words: str) -> None:
    result = cli("config", *argv)
    assert (result.status, words in result.err) == (2, True), result.err
    assert not user.exists()


def test_use(cli: Cli, project: Path, user: Path) -> None:
    cli("config", "set", "profiles.prod.target", "http://127.0.0.1:9")
    assert cli("config", "use", "prod").status == 0
    assert load(user, user.read_bytes())["target"] == "prod"
    assert cli("config", "show", "-o", "jsonl").out.startswith('{"name": "target", "value": "http://127.0.0.1:9"')
    chosen = cli("config", "unset", "profiles.prod")
    assert (chosen.status, "config unset target" in chosen.err) == (2, True)

    (project / "wfctl.toml").write_text('target = "embedded"\n[profiles.here]\ntarget = "embedded"\n')
    hidden = cli("config", "use", "prod")
    assert "it has no effect here" in hidden.err, "the project's file says otherwise"
    other = cli("config", "use", "here")
    assert (other.status, "config use here --project" in other.err) == (2, True)
    assert cli("config", "use", "here", "--project").status == 0


def test_paths_count_from_where_one_is(cli: Cli, project: Path, user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "wfctl.toml").write_text("")
    (project / "sub").mkdir()
    monkeypatch.chdir(project / "sub")
    cli("config", "set", "app", "../orders.py", "--project")
    cli("config", "set", "store", "x.db", "--project")
    assert (project / "wfctl.toml").read_text() == 'app = "orders.py"\nstore = "sub/x.db"\n'
    cli("config", "set", "ca-file", "ca.pem")
    assert load(user, user.read_bytes()) == {"ca_file": str(project / "sub" / "ca.pem")}
    cli("config", "set", "app", "shop.orders", "--project")
    assert 'app = "shop.orders"' in (project / "wfctl.toml").read_text(), "a module is no path"


def test_a_trusted_file_stays_trusted(cli: Cli, project: Path) -> None:
    def trust() -> str:
        rows = {row["name"]: row["value"] for row in cli("config", "show", "-o", "json").json}
        return str(rows["trust"])

    file = project / "wfctl.toml"
    file.write_text('target = "https://dapr.example.com"\n')
    assert trust() == "needed"
    told = cli("config", "set", "color", "never", "--project")
    assert "needs your trust" in told.err
    assert trust() == "needed", "what a stranger wrote is not trusted by the way"
    cli("config", "trust")
    assert cli("config", "set", "app", "../outside.py", "--project").status == 0
    assert trust() == "trusted"


def test_what_the_user_sets_in_a_harmless_file_is_trusted(cli: Cli, project: Path) -> None:
    (project / "wfctl.toml").write_text('target = "embedded"\n')
    cli("config", "set", "retain", "any=90d", "--project")
    assert {row["name"]: row["value"] for row in cli("config", "show", "-o", "json").json}["trust"] == "trusted"


def test_pyproject(cli: Cli, project: Path) -> None:
    file = project / "pyproject.toml"
    file.write_text('[project]\nname = "shop"  # ours\n\n[tool.wfctl]\ntarget = "embedded"\n\n[tool.x]\n')
    assert cli("config", "set", "color", "never", "--project").status == 0
    cli("config", "set", "profiles.x.target", "sidecar", "--project")
    assert file.read_text() == (
        '[project]\nname = "shop"  # ours\n\n[tool.wfctl]\ntarget = "embedded"\ncolor = "never"\n\n[tool.x]\n'
        '\n[tool.wfctl.profiles.x]\ntarget = "sidecar"\n'
    )
    assert cli("config", "unset", "profiles.x", "--project").status == 0


def test_a_link_is_written_through(cli: Cli, project: Path, user: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text("# kept elsewhere\n")
    user.parent.mkdir(parents=True)
    user.symlink_to(real)
    cli("config", "set", "color", "never")
    assert user.is_symlink()
    assert real.read_text() == '# kept elsewhere\ncolor = "never"\n'


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("there", [True, False], ids=["a file", "nothing"])
def test_a_projects_link_leads_to_no_file_elsewhere(cli: Cli, project: Path, tmp_path: Path, there: bool) -> None:
    """The link comes with the folder, whoever made it."""
    real = tmp_path / "mine.toml"
    if there:
        real.write_text("# mine\n")
    (project / "wfctl.toml").symlink_to(real)
    refused = cli("config", "set", "color", "never", "--project")
    assert refused.status == 6
    assert "is no file of this project" in refused.err
    assert real.exists() == there
    assert not there or real.read_text() == "# mine\n"


def test_what_a_killed_process_left_is_in_nobodys_way(cli: Cli, user: Path) -> None:
    user.parent.mkdir(parents=True)
    user.with_name(f"{user.name}.{os.getpid()}").write_text("half")
    assert cli("config", "set", "color", "never").status == 0
    assert [file.name for file in user.parent.iterdir() if file.is_file()] == [user.name]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(cli: Cli, user: Path) -> None:
    user.parent.mkdir(parents=True, mode=0o500)
    assert cli("config", "set", "color", "never").status == 6
