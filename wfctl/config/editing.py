"""Change one setting in a TOML file, and leave everything else in it as it is: comments, order, spelling.

The file is edited line by line, and the result is read as TOML: if it does not say exactly what it said before, but
for the one setting, nothing is written. So spellings that are rare in settings (inline tables, dotted keys, texts of
several lines) are refused instead of broken, and no TOML writer is needed.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from wfctl.config import trust as trusting
from wfctl.config.files import PYPROJECT, ConfigFile, is_app_file, is_command, load, parse_file
from wfctl.config.keys import BY_NAME
from wfctl.errors import InvalidInput, NotPermitted

Table = tuple[str, ...]

_HEADER = re.compile(r"\s*\[.*\]\s*(?:#.*)?$")
_VALUE = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|true|false)"""
_TABLES = ("profiles", "apps")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def set_value(file: Path, name: str, value: str, environ: Mapping[str, str], here: Path) -> ConfigFile:
    """Give the setting `name` (`target`, or `profiles.prod.target`) a value. Makes the file if need be.

    A path counts from `here`, where the user is; in the file it counts from the file. Raises InvalidInput.
    """
    table, key = split_name(name)
    if table[:1] == ("apps",) and (len(table) < 2 or key != "app"):
        raise InvalidInput(f"there is no setting {name!r}", hint="apps.ID.app is the file or module of a further app")
    known = BY_NAME.get(key)
    if known is not None and known.path:
        value = _path_in(file, key, value, here)
    flag = known is not None and known.flag
    if flag:
        value = value.lower()
    text = value if flag and value in ("true", "false") else _quoted(value)

    def change(settings: dict[str, Any]) -> None:
        _table_of(settings, table)[key] = value == "true" if text in ("true", "false") else value

    return _edit(file, name, lambda lines, place: _put(lines, place + table, key, text), change, environ)


def unset_value(file: Path, name: str, environ: Mapping[str, str]) -> ConfigFile:
    """Remove a setting, or with `profiles.NAME` a whole profile. Raises InvalidInput."""
    table, key = split_name(name)

    def change(settings: dict[str, Any]) -> None:
        del _table_of(settings, table)[key]
        for kind in _TABLES:
            if not settings.get(kind, True):
                del settings[kind]  # the last of them: then no table is there any more

    if len(table) == 1:
        return _edit(file, name, lambda lines, place: _cut_table(lines, (*place, *table, key)), change, environ)
    return _edit(file, name, lambda lines, place: _cut(lines, place + table, key), change, environ)


def split_name(name: str) -> tuple[Table, str]:
    """Split `profiles.prod.target`, or `apps.payments.app`, into the table and the key. Raises InvalidInput."""
    parts = name.split(".")
    kind = parts[0]
    if kind not in _TABLES:
        if len(parts) > 1:
            raise InvalidInput(f"there is no setting {name!r}", hint=f"for a profile: profiles.{name}")
        return (), name.replace("-", "_")
    if len(parts) < 2 or not all(parts):
        what, form = ("a profile", "profiles.NAME.SETTING") if kind == "profiles" else ("an app", "apps.ID.app")
        raise InvalidInput(f"{name!r} names no setting of {what}", hint=form)
    if len(parts) == 2:
        return (kind,), parts[1]
    table, key = ".".join(parts[1:-1]), parts[-1]
    return (kind, table), key.replace("-", "_")


def _path_in(file: Path, key: str, value: str, here: Path) -> str:
    if value.startswith("~") or (key == "app" and not is_app_file(value)) or (key == "python" and is_command(value)):
        return value
    found = Path(os.path.normpath(here / value))
    if found.is_relative_to(file.parent):
        return str(found.relative_to(file.parent))
    return str(found)


def _edit(
    file: Path,
    name: str,
    edit: Callable[[list[str], Table], None],
    change: Callable[[dict[str, Any]], None],
    environ: Mapping[str, str],
) -> ConfigFile:
    """Edit the file's lines, prove that they say what `change` makes of its settings, and write them."""
    try:
        before = file.read_bytes()
    except FileNotFoundError:
        before = b""
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}") from error
    place: Table = ("tool", "wfctl") if file.name == PYPROJECT else ()
    wanted = load(file, before)
    try:
        change(_table_of(wanted, place))
    except (KeyError, TypeError):
        raise InvalidInput(
            f"{file} does not set {name}", hint="wfctl config show says where each setting is from"
        ) from None
    lines = before.decode("utf-8-sig").splitlines(keepends=True)
    edit(lines, place)
    after = "".join(lines).encode()
    if not _says(file, after, wanted):
        raise InvalidInput(
            f"{file} spells that setting in a way that only its author should change", hint="edit it by hand"
        )
    changed = parse_file(file, after)
    keep = _may_stay_trusted(file, before, environ)
    _write(file, after)
    if keep:
        trusting.trust(changed.path, changed.content, environ)
    return changed


def _says(file: Path, content: bytes, wanted: Mapping[str, Any]) -> bool:
    try:
        return load(file, content) == wanted
    except InvalidInput:
        return False


def _may_stay_trusted(file: Path, before: bytes, environ: Mapping[str, str]) -> bool:
    """Return True if all that needs consent in the file is, or was trusted as, the user's own."""
    old = parse_file(file, before)
    return trusting.is_trusted(old, environ) or not list(trusting.entries(old))


def _table_of(settings: dict[str, Any], table: Sequence[str]) -> dict[str, Any]:
    for part in table:
        settings = settings.setdefault(part, {})
    return settings


def refuse_link(file: Path) -> None:
    """Raise NotPermitted where a project's file is a link that leads out of its folder: that is another file."""
    if file.is_symlink() and not Path(os.path.realpath(file)).is_relative_to(os.path.realpath(file.parent)):
        raise NotPermitted(
            f"{file} is a link to {os.path.realpath(file)}, which is no file of this project: it stays as it is",
            hint="edit that file by hand, or replace the link by a file",
        )


# --- lines ---------------------------------------------------------------------------------------------------------


def _region(lines: Sequence[str], table: Table) -> tuple[int, int] | None:
    """Return the lines of a table, from behind its header to before the next one; None if it has no header."""
    start = 0 if table == () else None
    for number, line in enumerate(lines):
        if _HEADER.match(line):
            if start is not None:
                return start, number
            if _named_in(line) == table:
                start = number + 1
    return None if start is None else (start, len(lines))


def _named_in(header: str) -> Table | None:
    """Return the path of the table that a header names."""
    try:
        found = load(Path("header"), header.encode())
    except InvalidInput:
        return None
    path: list[str] = []
    while isinstance(found, dict) and len(found) == 1:
        ((part, found),) = found.items()
        path.append(part)
    return tuple(path)


def _key_pattern(key: str) -> re.Pattern[str]:
    name = re.escape(key)
    return re.compile(rf"""(\s*(?:{name}|"{name}"|'{name}')\s*=\s*){_VALUE}(\s*(?:#.*)?\s*)$""")


def _put(lines: list[str], table: Table, key: str, text: str) -> None:
    region = _region(lines, table)
    if region is None:
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        lines += (["\n"] if lines else []) + [f"[{'.'.join(map(_written, table))}]\n", f"{key} = {text}\n"]
        return
    pattern = _key_pattern(key)
    for number in range(*region):
        if (match := pattern.match(lines[number])) is not None:
            lines[number] = f"{match[1]}{text}{match[2]}"
            return
    used = [number for number in range(*region) if lines[number].strip() and not lines[number].lstrip().startswith("#")]
    at = used[-1] + 1 if used else region[0] if table else _behind_head(lines, region[1])
    if at and not lines[at - 1].endswith("\n"):
        lines[at - 1] += "\n"
    lines.insert(at, f"{key} = {text}\n")
    if not used and not table and at + 1 < len(lines) and lines[at + 1].strip():
        lines.insert(at + 1, "\n")


def _behind_head(lines: Sequence[str], end: int) -> int:
    """Return where the first setting of a file goes: behind the comment at its head."""
    number = 0
    while number < end and lines[number].lstrip().startswith("#"):
        number += 1
    return number


def _cut(lines: list[str], table: Table, key: str) -> None:
    pattern = _key_pattern(key)
    for number in range(*(_region(lines, table) or (0, 0))):
        if pattern.match(lines[number]):
            del lines[number]
            return


def _cut_table(lines: list[str], table: Table) -> None:
    region = _region(lines, table)
    if region is not None:
        del lines[region[0] - 1 : region[1]]


def _written(part: str) -> str:
    return part if _BARE.fullmatch(part) else _quoted(part)


def _quoted(text: str) -> str:
    """Return the text as a TOML string: JSON's escapes are TOML's, which has one more character to escape."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _write(file: Path, content: bytes) -> None:
    """Replace the file's content at once, through links, with the mode that it has. Raises NotPermitted."""
    real = Path(os.path.realpath(file))
    beside = real.with_name(f"{real.name}.{os.getpid()}")
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        mode = stat.S_IMODE(real.stat().st_mode) if real.exists() else 0o644
        beside.unlink(missing_ok=True)  # of a process that was killed
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(descriptor, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        os.chmod(beside, mode)
        os.replace(beside, real)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise NotPermitted(f"{real} cannot be written: {error.strerror or error}") from error
