"""What a question says, and what a protected target asks for."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Ask, Cli

USER = """
[profiles.prod]
target = "embedded"
app = "{app}"
store = "{store}"
protected = true
"""


@pytest.fixture
def failed(cli: Cli, app: Path) -> None:
    for name in ("x", "y"):
        cli("start", "Broken", "--id", name)
    cli("start", "Approval", "--id", "waits")


@pytest.fixture
def protected(failed: None, app: Path, tmp_path: Path) -> Path:
    """A profile of the user's, for the project's store."""
    file = tmp_path / "user-config" / "wfctl" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(USER.format(app=app / "app.py", store=app / "store.db"))
    return app


@pytest.mark.parametrize(
    ("options", "beginning"),
    [
        (["--from", "Fail"], "Fail"),
        (["--from-failed"], "the step that failed"),
        (["--event-id", "2"], "event 2"),
        ([], "the first step"),
    ],
)
def test_a_question_says_everything(ask: Ask, failed: None, app: Path, options: list[str], beginning: str) -> None:
    result = ask("n\n", "rerun", "--status", "FAILED", *options)
    assert result.status == 8
    assert f"Rerun 2 Broken from {beginning} on embedded ({app}/store.db)? [y/N] " in result.err


def test_instances_of_several_workflows(ask: Ask, cli: Cli, failed: None, app: Path) -> None:
    cli("terminate", "waits")
    result = ask("n\n", "purge", "--created-after", "1h")
    assert f"Purge 3 instances on embedded ({app}/store.db)? [y/N] " in result.err
    sidecar = cli("purge", "--status", "FAILED", "--target", "http://127.0.0.1:9")
    assert sidecar.status == 5


def test_a_script_is_told_what_would_be_asked(cli: Cli, failed: None) -> None:
    result = cli("terminate", "--name", "Approval")
    assert (result.status, "Terminate 1 Approval on embedded (" in result.err, "--yes" in result.err) == (8, True, True)


def test_a_protected_target_wants_its_name(ask: Ask, cli: Cli, protected: Path) -> None:
    for wrong in ("y\n", "yes\n", "PROD\n", "\n", ""):
        result = ask(wrong, "terminate", "waits", "--target", "prod")
        assert result.status == 8, wrong
        assert f"Terminate waits on prod ({protected}/store.db)? Type prod to go on: " in result.err
    assert cli("get", "waits", "-o", "json").json["runtimeStatus"] == "RUNNING"
    assert ask("prod\n", "terminate", "waits", "--target", "prod").status == 0


def test_a_script_names_a_protected_target(cli: Cli, protected: Path) -> None:
    verbs = (
        ["rerun", "--status", "FAILED"],
        ["rerun", "x"],
        ["purge", "x"],
        ["purge", "x", "y"],
        ["pause", "waits"],
        ["resume", "waits"],
        ["raise-event", "waits", "approval"],
        ["raise-event", "--waiting-event", "approval", "approval"],
    )
    for argv in verbs:
        for sure in ([], ["--yes"], ["--confirm", "dev"]):
            result = cli(*argv, *sure, "--target", "prod")
            assert (result.status, result.out) == (8, ""), (argv, sure, result)
            assert "prod" in result.err
    assert cli("get", "x", "--target", "prod").status == 0
    assert cli("rerun", "x", "--plan", "--target", "prod").status == 0
    assert cli("purge", "x", "--dry-run", "--target", "prod").status == 0
    assert cli("purge", "y", "--confirm", "prod", "--target", "prod").status == 0


def test_the_store_itself_is_protected_too(cli: Cli, protected: Path) -> None:
    """Whoever leaves the profile out, and names its store or its address, meets the same question."""
    result = cli("purge", "x", "--target", "embedded", "--store", str(protected / "store.db"))
    assert (result.status, "prod is protected" in cli("purge", "x", "--yes").err) == (8, True)
    rows = {row["name"]: row for row in cli("config", "show", "-o", "json").json}
    assert rows["protected"]["value"] == "true"
    assert "profile prod" in rows["protected"]["origin"]


def test_a_projects_file_makes_things_safer_only(cli: Cli, protected: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WFCTL_TRUST", "1")
    with (protected / "wfctl.toml").open("a") as file:
        file.write('\n[profiles.prod]\ntarget = "embedded"\nstore = "store.db"\nprotected = false\n')
    assert cli("purge", "x", "--target", "prod", "--yes").status == 8
    (protected / "wfctl.toml").write_text(
        'app = "app.py"\nstore = "store.db"\n[profiles.mine]\ntarget = "embedded"\nprotected = true\n'
    )
    assert "--confirm mine" in cli("purge", "x", "--target", "mine", "--store", "other.db", "--yes").err


def test_confirm_holds_the_target_to_its_name(cli: Cli, failed: None) -> None:
    result = cli("purge", "x", "--confirm", "prod")
    assert (result.status, "the target is embedded (" in result.err) == (8, True)
    assert cli("purge", "--status", "FAILED", "--confirm", "embedded").status == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("protected = true", "protected belongs in a profile"),
        ('[profiles.a]\nprotected = "yes"', "must be true or false"),
        ("[profiles.a]\nprotected = 1", "must be true or false"),
    ],
)
def test_wrong_files(cli: Cli, project: Path, text: str, words: str) -> None:
    (project / "wfctl.toml").write_text(text)
    result = cli("list")
    assert (result.status, words in result.err) == (2, True), result.err
