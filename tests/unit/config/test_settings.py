from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wfctl.config.files import project_file
from wfctl.config.keys import BY_NAME, IN_FILES, Key
from wfctl.config.permissions import read_token
from wfctl.config.settings import Settings, resolve
from wfctl.config.trust import entries
from wfctl.errors import InvalidInput, NotPermitted, NotTrusted


def settings(cwd: Path, environ: dict[str, str] | None = None, **flags: str) -> Settings:
    return resolve(flags, environ or {}, cwd)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


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


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the variables of this system's folders")
def test_the_folders_of_the_user(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "wfctl"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text('app_id = "mine"\n')
    found = settings(tmp_path)
    assert found.values["app_id"] == ("mine", str(folder / "config.toml"))
    assert found.store.value == str(tmp_path / "data" / "wfctl" / "store.db")


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
    found = settings(deep, {"WFCTL_TRUST": "1"})
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
        ("appl = 'x'", ["wfctl.toml", "appl", "did you mean app?"]),
        ("apps = 'x'", ["wfctl.toml", "apps must be tables"]),
        ("[apps]\npay = 'x'", ["apps.pay must be a table"]),
        ("[apps.pay]\nstore = 'x'", ["apps.pay.store", "apps.pay.app"]),
        ("[apps.pay]", ["apps.pay names no app"]),
        ("[apps.pay]\napp = 1", ["apps.pay.app must be text"]),
        ("[apps.'a b']\napp = 'x'", ["'a b' is not an app ID"]),
        ("[apps.wfctl]\napp = 'x'", ["apps.wfctl is the app that `app` names"]),
        ("app = 5", ["app", "text in quotes", "a number"]),
        ("app = ''", ["app is empty"]),
        ("color = 'blue'", ["color", "blue", "auto, always, never"]),
        ("token = 'secret'", ["token", "token_env or token_file"]),
        ("[profiles]\nprod = 'x'", ["profiles.prod must be a table"]),
        ("profiles = 'x'", ["profiles must be tables"]),
        ("[profiles.prod]\nstores = 'x'", ["profiles.prod.stores", "did you mean store?"]),
        ("[profiles.prod]\ncolor = 'auto'", ["profiles.prod.color", "top of the file"]),
        ("app = ", ["not valid TOML"]),
        ("a." * 20 + "b = 1", ["a key of more than 16 parts"]),
        ("[" + "'a' . " * 20 + "b]", ["a key of more than 16 parts"]),
        ("x = {y = 1, " + '"\\"".' * 20 + "b = 1}", ["a key of more than 16 parts"]),
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
    found = settings(tmp_path, {"PROD": "s3cret", "DAPR_API_TOKEN": "other", "WFCTL_TRUST": "1"}, target="prod")
    assert found.profile == "prod"
    assert found.target.value == "https://dapr.example.com"
    token = found.token()
    assert token is not None
    assert token.value == "s3cret"
    with pytest.raises(InvalidInput, match="PROD"):
        settings(tmp_path, {"WFCTL_TRUST": "1"}, target="prod").token()
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
    (tmp_path / "token").chmod(0o600)
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


# --- what a project's file may say without its user's consent -------------------------------------------------------

# By hand, so that nobody makes a setting free without coming by here.
FREE = {
    "log_level",
    "target",
    "app",
    "store",
    "grpc_endpoint",
    "api_version",
    "request_timeout",
    "color",
    "format",
    "protected",
}


def test_a_setting_needs_trust_unless_somebody_has_thought_about_it() -> None:
    assert Key("new", "WFCTL_NEW", "").free.name == "NEVER"
    assert {name for name in IN_FILES if BY_NAME[name].free.name != "NEVER"} <= FREE


@pytest.mark.parametrize(
    "line",
    [
        'target = "http://elsewhere:3500"',
        'target = "http://127.0.0.1.elsewhere:3500"',
        'target = "http://127.0.0.1@elsewhere:3500"',
        'target = "http://localhost\\\\@elsewhere:3500"',
        'target = "http://127.0.0.1:3500#@elsewhere"',
        'target = "http://0.0.0.0:3500"',
        'target = "http://127.0.0.256:3500"',
        'target = "http://127.0.0.08:3500"',
        'target = "http://127.1:3500"',
        'target = "http://\\u2460localhost"',
        'target = "dns:elsewhere:50001"',
        'target = "dns://localhost/elsewhere"',
        'target = "unix:///var/run/other.sock"',
        'target = "unix-abstract://other"',
        'grpc_endpoint = "elsewhere:50001"',
        'grpc_endpoint = "unix:/var/run/other.sock"',
        'grpc_endpoint = "vsock:2:1"',
        'grpc_endpoint = "unix-abstract:other"',
        'store = "../store.db"',
        'store = "/tmp/store.db"',
        'store = "~/store.db"',
        'store = "link/store.db"',
        'store = "link.db"',
        'store = "planted.db"',
        'store = "a\\u0000"',
        'app = "../app.py"',
        'app = "link/app.py"',
        'app = "link.app"',
        'app = "-m link.app"',
        'app = " link.app"',
        'app = "app:link"',
        'app = "linked"',  # src/linked is a link
        'python = ".venv"',
        'python = "python3.12"',
        'token_env = "SECRET"',
        'token_file = "token"',
        'ca_file = "ca.pem"',
        'app_id = "other"',
        'kube_context = "prod"',
        'namespace = "shop"',
        'pod = "orders-0"',
        'retain = "any=1s"',
    ],
)
def test_what_needs_trust(tmp_path: Path, line: str) -> None:
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    project.mkdir()
    elsewhere.mkdir()
    (project / "link").symlink_to(elsewhere)
    (project / "src").mkdir()
    (project / "src" / "linked").symlink_to(elsewhere)
    (project / "link.db").symlink_to(elsewhere / "store.db")
    (project / "planted.db-wal").symlink_to(elsewhere / "precious")
    name = line.partition(" ")[0]
    for text, where in ((line, name), (f"[profiles.p]\n{line}", f"profiles.p.{name}")):
        (project / "wfctl.toml").write_text(text)
        flags = {"target": "p"} if "profiles" in text else {"target": "sidecar"} if "target" not in line else {}
        with pytest.raises(NotTrusted) as caught:
            settings(project, {"SECRET": "s3cret"}, **flags)
        assert caught.value.message == f"{project / 'wfctl.toml'} is not trusted, and sets {where}"
        assert "wfctl config trust" in str(caught.value.hint)
        assert settings(project, {"WFCTL_TRUST": "1"}, **flags).trusted
        file = project_file(project, {})
        assert file is not None
        assert [entry.name for entry in entries(file)] == [where]


@pytest.mark.parametrize(
    "line",
    [
        'target = "embedded"',
        'target = "sidecar"',
        'target = "grpc"',
        'target = "http://127.0.0.1:3500"',
        'target = "https://localhost:3500/base"',
        'target = "http://[::1]:3500"',
        'target = "http://127.10.200.255:3500"',
        'target = "unix:INSIDE/http.sock"',
        'grpc_endpoint = "50002"',
        'grpc_endpoint = "127.0.0.1:50002?tls=true"',
        'grpc_endpoint = "dns:localhost:50002"',
        'store = "store.db"',
        'store = "inner/store.db"',
        'app = "app.py"',
        'app = "shop.orders"',
        'api_version = "v1.0"',
        'request_timeout = "5s"',
        'color = "never"',
        'format = "json"',
    ],
)
def test_what_needs_no_trust(tmp_path: Path, line: str) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "inner").symlink_to("real")
    (tmp_path / "wfctl.toml").write_text(line.replace("INSIDE", f"//{tmp_path}"))
    found = settings(tmp_path)
    assert found.needs_trust == ()
    assert not found.trusted
    assert line.partition(" ")[0] in found.values


def test_what_does_not_hold_needs_no_trust(tmp_path: Path) -> None:
    (tmp_path / "wfctl.toml").write_text(
        'target = "http://elsewhere"\ntoken_file = "~/.secret"\n[profiles.prod]\ntarget = "http://prod"\n'
    )
    assert settings(tmp_path, target="embedded").target.value == "embedded"
    assert settings(tmp_path, target="http://127.0.0.1:3500").token() is None
    assert settings(tmp_path, {"WFCTL_TARGET": "http://mine"}).needs_trust == ()
    with pytest.raises(NotTrusted, match=r"profiles\.prod\.target$"):
        settings(tmp_path, target="prod")


def test_a_users_profile_is_not_chosen_by_a_project(tmp_path: Path) -> None:
    user = user_file(tmp_path, '[profiles.prod]\ntarget = "https://prod"\ntoken_env = "PROD"\n')
    (tmp_path / "wfctl.toml").write_text('target = "prod"\n')
    with pytest.raises(NotTrusted, match=r"sets target$"):
        settings(tmp_path, {"WFCTL_CONFIG": str(user), "PROD": "s3cret"})
    (tmp_path / "wfctl.toml").write_text('grpc_endpoint = "6666"\n')
    with pytest.raises(NotTrusted, match=r"sets grpc_endpoint$"):  # a port beside the user's own target
        settings(tmp_path, {"WFCTL_CONFIG": str(user), "PROD": "s3cret"}, target="prod")


def test_a_projects_profile_takes_the_place_of_no_profile_of_the_users(tmp_path: Path) -> None:
    """Who says `--target prod` means their own."""
    user = user_file(tmp_path, '[profiles.prod]\ntarget = "https://prod"\n')
    environ = {"WFCTL_CONFIG": str(user)}
    (tmp_path / "wfctl.toml").write_text('[profiles.prod]\ntarget = "http://127.0.0.1:6666"\n')
    with pytest.raises(NotTrusted, match=r"sets profiles.prod$"):
        settings(tmp_path, environ, target="prod")
    assert settings(tmp_path, environ, target="embedded").needs_trust == ()
    assert settings(tmp_path, {**environ, "WFCTL_TRUST": "1"}, target="prod").target.value == "http://127.0.0.1:6666"


def test_a_named_file_is_the_users_own(tmp_path: Path) -> None:
    (tmp_path / "wfctl.toml").write_text('target = "http://elsewhere"\n')
    found = settings(tmp_path, {"WFCTL_CONFIG": str(tmp_path / "wfctl.toml")})
    assert (found.target.value, found.project) == ("http://elsewhere", None)


TOKENS = [{"WFCTL_TOKEN": "s3cret"}, {"DAPR_API_TOKEN": "s3cret"}, {"WFCTL_TOKEN_ENV": "MINE", "MINE": "s3cret"}]


@pytest.mark.parametrize("token", TOKENS, ids=["WFCTL_TOKEN", "DAPR_API_TOKEN", "token_env"])
@pytest.mark.parametrize(
    "text",
    [
        'target = "http://127.0.0.1:6666"',
        '[profiles.p]\ntarget = "http://127.0.0.1:6666"',
        'target = "sidecar"\ngrpc_endpoint = "6666"',
        'target = "grpc"\ngrpc_endpoint = "127.0.0.1:6666"',
    ],
)
def test_a_token_of_the_users_goes_to_no_address_that_only_a_project_names(
    tmp_path: Path, text: str, token: dict[str, str]
) -> None:
    (tmp_path / "wfctl.toml").write_text(text)
    flags = {"target": "p"} if "profiles" in text else {}
    found = settings(tmp_path, token, **flags)
    assert found.token() is None
    assert "6666" in str(found.withheld)
    assert "s3cret" not in str(found.withheld)
    trusted = settings(tmp_path, {**token, "WFCTL_TRUST": "1"}, **flags).token()
    assert trusted is not None
    assert trusted.value == "s3cret"


@pytest.mark.parametrize("token", TOKENS, ids=["WFCTL_TOKEN", "DAPR_API_TOKEN", "token_env"])
def test_a_token_goes_where_its_user_says(tmp_path: Path, token: dict[str, str]) -> None:
    def sent(**environ: str) -> bool:
        return settings(tmp_path, {**token, **environ}).token() is not None

    assert sent(WFCTL_TARGET="http://mine")
    (tmp_path / "wfctl.toml").write_text('target = "http://localhost:3600"\n')
    assert not sent()
    assert sent(WFCTL_TARGET="http://127.0.0.1:3700")
    assert sent(DAPR_HTTP_PORT="3600"), "the environment names it as well"
    assert not sent(DAPR_HTTP_PORT="3601")
    user = user_file(tmp_path, 'target = "http://127.0.0.1:3600"\n')
    assert sent(WFCTL_CONFIG=str(user))
    (tmp_path / "wfctl.toml").write_text('target = "sidecar"\n')
    assert sent(), "Dapr's own address, which nobody had to name"


# --- whose files they are -------------------------------------------------------------------------------------------

STRANGER = 65534
as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs to give files away")
posix = pytest.mark.skipif(os.name == "nt", reason="owners and modes")


@posix
@pytest.mark.parametrize("name", ["wfctl.toml", "pyproject.toml"])
@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_file_that_everybody_may_write(tmp_path: Path, name: str, what: str) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / name).write_text('[tool.wfctl]\napp = "a.py"\n' if "py" in name else 'app = "a.py"\n')
    place = folder if what == "folder" else folder / name
    usual = place.stat().st_mode
    place.chmod(0o777)
    with pytest.raises(NotTrusted, match="everybody") as caught:
        settings(folder)
    assert f"chmod o-w {place}" in str(caught.value.hint)
    assert settings(folder, {"WFCTL_TRUST": "1"}).app
    place.chmod(usual | 0o020)
    assert settings(folder).app, "group-writable is normal"
    if what == "folder":
        place.chmod(0o1777)
        assert settings(folder).app, "nobody else can replace it there"


@as_root
@pytest.mark.parametrize("what", ["file", "folder", "link"])
def test_a_file_of_somebody_else(tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "a"
    deep = folder / "b"
    deep.mkdir(parents=True)
    file = folder / "wfctl.toml"
    if what == "link":
        (folder / "real.toml").write_text("this is not even TOML")
        file.symlink_to("real.toml")
        os.lchown(file, STRANGER, STRANGER)
    else:
        file.write_text("this is not even TOML")
        os.chown(file if what == "file" else folder, STRANGER, STRANGER)
    with pytest.raises(NotTrusted, match=f"uid {STRANGER}") as caught:
        settings(deep)
    assert "WFCTL_TRUST=1" in str(caught.value.hint)
    with pytest.raises(InvalidInput, match="TOML"):
        settings(deep, {"WFCTL_TRUST": "1"})
    with pytest.raises(InvalidInput, match="TOML"):  # sudo: the caller's files are no stranger's
        settings(deep, {"SUDO_UID": str(STRANGER)})
    (deep / "wfctl.toml").write_text("")
    assert settings(deep).project is not None, "the nearer file is the one that counts"


@as_root
def test_a_pyproject_of_somebody_else_that_is_not_for_wfctl(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    os.chown(tmp_path / "pyproject.toml", STRANGER, STRANGER)
    assert settings(tmp_path).project is None


@posix
def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "wfctl.toml")
    (tmp_path / "pyproject.toml").symlink_to("nowhere")
    assert settings(tmp_path).project is None
    (tmp_path / "wfctl.toml").unlink()
    (tmp_path / "wfctl.toml").mkdir()
    assert settings(tmp_path).project is None
    (tmp_path / "wfctl.toml").rmdir()
    (tmp_path / "wfctl.toml").write_text('app = "~nosuch/app.py"')
    assert settings(tmp_path).app == str(tmp_path / "~nosuch" / "app.py")
    (tmp_path / "wfctl.toml").write_bytes(b"#" * (1 << 20) + b"\n")
    with pytest.raises(InvalidInput, match="larger than"):
        settings(tmp_path)


@posix
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o666])
def test_a_token_that_others_may_read(tmp_path: Path, mode: int) -> None:
    secret = tmp_path / "token"
    secret.write_text("s3cret\n")
    secret.chmod(mode)
    user = user_file(tmp_path, 'token_file = "token"\n')
    with pytest.raises(NotPermitted) as caught:
        settings(tmp_path, {"WFCTL_CONFIG": str(user)}).token()
    assert f"mode {mode:04o}" in caught.value.message
    assert caught.value.hint == f"chmod 600 {secret}"
    assert "s3cret" not in caught.value.message


@as_root
def test_a_token_of_another_owner_has_the_mode_that_its_owner_gave_it(tmp_path: Path) -> None:
    """As Kubernetes mounts a secret for a container that does not run as root: root's, 0644, behind links."""
    data = tmp_path / "..2026_01_01"
    data.mkdir()
    (data / "token").write_text("s3cret\n")
    (data / "token").chmod(0o644)
    os.chown(data / "token", STRANGER, STRANGER)
    (tmp_path / "..data").symlink_to("..2026_01_01")
    (tmp_path / "token").symlink_to("..data/token")
    user = user_file(tmp_path, 'token_file = "token"\n')
    token = settings(tmp_path, {"WFCTL_CONFIG": str(user)}).token()
    assert token is not None
    assert token.value == "s3cret"


@as_root
def test_a_token_that_cannot_be_changed_is_taken_as_it_is(tmp_path: Path) -> None:
    """As Kubernetes mounts a secret for a container that runs as root: its own, 0644, read-only."""
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    if shutil.which("mount") is None or subprocess.run(["mount", "-t", "tmpfs", "none", mounted]).returncode:
        pytest.skip("cannot mount")
    try:
        (mounted / "token").write_text("s3cret\n")
        (mounted / "token").chmod(0o644)
        with pytest.raises(NotPermitted):
            read_token(mounted / "token", "the token_file")
        subprocess.run(["mount", "-o", "remount,ro", mounted], check=True)
        assert read_token(mounted / "token", "the token_file") == "s3cret"
    finally:
        subprocess.run(["umount", mounted], check=True)
