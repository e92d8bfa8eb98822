"""The environments of peers: made once from the public registries, inside the checkout's own, never committed."""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

CACHE = Path(sys.prefix) / "peers"
LIMIT_SECONDS = 600


def python(name: str, requirements: Sequence[str]) -> Path:
    """Return the Python of an environment with these packages.

    Raises RuntimeError where it could not be made.
    """
    folder = CACHE / name
    interpreter = folder / "bin" / "python"
    if not _is_made(folder, requirements):
        _run([sys.executable, "-m", "venv", str(folder)])
        _run([str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements])
        _mark(folder, requirements)
    return interpreter


def node(name: str, requirements: Sequence[str]) -> Path:
    """Return the folder of an npm project with these packages, in whose `node_modules` they are.

    Raises RuntimeError where it could not be made.
    """
    folder = CACHE / name
    if not _is_made(folder, requirements):
        npm = shutil.which("npm")
        if npm is None:
            raise RuntimeError("npm is not installed")
        folder.mkdir(parents=True)
        _run(
            [
                npm,
                "install",
                "--prefix",
                str(folder),
                "--silent",
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
                *requirements,
            ]
        )
        _mark(folder, requirements)
    return folder


@functools.cache
def go(module: Path, package: str) -> Path:
    """Compile a program whose version, and those of all it needs, the `go.mod` in this folder fixes. Returns its file.

    Raises RuntimeError where it could not be made.
    """
    program = CACHE / "go" / package.rpartition("/")[2]
    _run(["go", "-C", str(module), "build", "-o", str(program), package])
    return program


def _is_made(folder: Path, requirements: Sequence[str]) -> bool:
    """With these very requirements; what was made for others, or in part, goes away."""
    made = folder / "made.txt"
    if made.exists() and made.read_text(encoding="utf-8").split() == list(requirements):
        return True
    shutil.rmtree(folder, ignore_errors=True)
    return False


def _mark(folder: Path, requirements: Sequence[str]) -> None:
    (folder / "made.txt").write_text("\n".join(requirements), encoding="utf-8")


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"not made within {LIMIT_SECONDS} s") from None
    except OSError as error:
        raise RuntimeError(f"{command[0]} is not installed: {error.strerror}") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise RuntimeError(said[-1] if said else f"{command[0]} failed")
