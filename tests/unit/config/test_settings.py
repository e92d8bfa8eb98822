from __future__ import annotations

from pathlib import Path

import pytest

from wfctl.config.settings import Settings, resolve
from wfctl.errors import InvalidInput


def settings(cwd: Path, environ: dict[str, str] | None = None, **flags: str) -> Settings:
    home = {"XDG_CONFIG_HOME": str(cwd / "config"), "XDG_DATA_HOME": str(cwd / "data")}
    return resolve(flags, {**home, **(environ or {})}, cwd)


def user_file(cwd: Path, text: str) -> Path:
    path = cwd / "user.toml"
    path.write_text(text)
    return path


def test_nothing_is_set(tmp_path: Path) -> None:
    found = settings(tmp_path)
    assert found.target == ("auto", "automatic")
    assert found.store.origin == "default"
    assert found.store.value.endswith("store.db")
    assert found.app is None
    assert found.token() is None


def test_precedence(tmp_path: Path) -> None:
    (tmp_path / "wfctl.toml").write_text('target = "project"\n[profiles.project]\napp = "profile.py"\n')
    user = user_file(tmp_path, 'app = "user.py"\nstore = "user.db"\napp_id = "u"\n')
    base = {"WFCTL_CONFIG": str(user), "DAPR_HTTP_PORT": "3600"}

    found = settings(tmp_path, base)
    assert found.values["app"].value == str(tmp_path / "profile.py")
    assert "profile project" in found.values["app"].origin
    assert found.store.value == str(tmp_path / "user.db")
    assert found.target.value == "auto", "a profile without a target leaves it open, not to what lies below"

    assert settings(tmp_path, {**base, "WFCTL_APP": "env.py"}).values["app"] == (str(tmp_path / "env.py"), "WFCTL_APP")
    flagged = settings(tmp_path, {**base, "WFCTL_APP": "env.py"}, app="flag.py")
    assert flagged.values["app"] == (str(tmp_path / "flag.py"), "--app")


def test_project_file_is_found_upwards_and_paths_are_its_own(tmp_path: Path) -> None:
    (tmp_path / "wfctl.toml").write_text('app = "app.py"\nstore = "../s.db"\n')
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    found = settings(deep)
    assert found.app == str(tmp_path / "app.py")
    assert found.store.value == str(tmp_path.parent / "s.db")


def test_a_module_stays_a_name_and_is_looked_for_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "wfctl.toml").write_text('app = "shop.orders"\n')
    deep = tmp_path / "deep"
    deep.mkdir()
    found = settings(deep)
    assert (found.app, found.base) == ("shop.orders", tmp_path)
    assert settings(deep, app="other.mod").base == deep


def test_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.wfctl]\napp = "app.py"\n')
    assert "[tool.wfctl]" in settings(tmp_path).values["app"].origin
    (tmp_path / "wfctl.toml").write_text('app = "nearer.py"\n')
    assert settings(tmp_path).app == str(tmp_path / "nearer.py")


def test_a_pyproject_of_others_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "wfctl.toml").write_text('app = "app.py"\n')
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text("this is not TOML")
    assert settings(inner).app == str(tmp_path / "app.py")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("apps = 'x'", ["wfctl.toml", "apps", "did you mean app?"]),
        ("app = 5", ["app", "text in quotes", "a number"]),
        ("app = ''", ["app is empty"]),
        ("color = 'blue'", ["color", "blue", "auto, always, never"]),
        ("token = 'secret'", ["token", "token_env or token_file"]),
        ("[profiles]\nprod = 'x'", ["profiles.prod must be a table"]),
        ("profiles = 'x'", ["profiles must be tables"]),
        ("[profiles.prod]\nstores = 'x'", ["profiles.prod.stores", "did you mean store?"]),
        ("[profiles.prod]\ncolor = 'auto'", ["profiles.prod.color", "top of the file"]),
        ("app = ", ["not valid TOML"]),
    ],
)
def test_what_is_wrong_in_a_file(tmp_path: Path, text: str, words: list[str]) -> None:
    (tmp_path / "wfctl.toml").write_text(text)
    with pytest.raises(InvalidInput) as caught:
        settings(tmp_path)
    said = f"{caught.value.message} {caught.value.hint}"
    assert all(word in said for word in words), said
    assert "secret" not in said


def test_profiles(tmp_path: Path) -> None:
    (tmp_path / "wfctl.toml").write_text(
        'app = "app.py"\n[profiles.prod]\ntarget = "https://dapr.example.com"\ntoken_env = "PROD"\n'
    )
    found = settings(tmp_path, {"PROD": "s3cret", "DAPR_API_TOKEN": "other"}, target="prod")
    assert found.profile == "prod"
    assert found.target.value == "https://dapr.example.com"
    token = found.token()
    assert token is not None
    assert token.value == "s3cret"
    with pytest.raises(InvalidInput, match="PROD"):
        settings(tmp_path, target="prod").token()
    with pytest.raises(InvalidInput) as caught:
        settings(tmp_path, target="pord")
    assert "prod" in str(caught.value.hint)


def test_profiles_do_not_nest(tmp_path: Path) -> None:
    (tmp_path / "wfctl.toml").write_text('[profiles.a]\ntarget = "b"\n[profiles.b]\n')
    with pytest.raises(InvalidInput, match="target is 'b'"):
        settings(tmp_path, target="a")


def test_dapr_variables(tmp_path: Path) -> None:
    assert settings(tmp_path, {"DAPR_HTTP_PORT": "3600"}).target == ("http://127.0.0.1:3600", "DAPR_HTTP_PORT")
    assert settings(tmp_path, {"DAPR_HTTP_ENDPOINT": "https://d"}).target == ("https://d", "DAPR_HTTP_ENDPOINT")
    only_grpc = settings(tmp_path, {"DAPR_GRPC_PORT": "50009"})
    assert only_grpc.target == ("grpc", "DAPR_GRPC_PORT")
    assert only_grpc.get("grpc_endpoint") == "127.0.0.1:50009"
    assert settings(tmp_path, {"DAPR_HTTP_PORT": "3600"}, target="embedded").target.value == "embedded"


def test_token_file_and_named_config(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    user = user_file(tmp_path, 'token_file = "token"\n')
    token = settings(tmp_path, {"WFCTL_CONFIG": str(user)}).token()
    assert token is not None
    assert token.value == "s3cret"
    with pytest.raises(InvalidInput, match="WFCTL_CONFIG"):
        settings(tmp_path, {"WFCTL_CONFIG": str(tmp_path / "none.toml")})


def test_bad_values_of_variables(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="WFCTL_COLOR"):
        settings(tmp_path, {"WFCTL_COLOR": "blue"})
    with pytest.raises(InvalidInput, match="--store is empty"):
        settings(tmp_path, store="")
