"""Python environments for apps, made without pip: what they hold is written into them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def make(folder: Path, python: str = sys.executable, **packages: str) -> Path:
    """Make an environment with one module per keyword. Returns its interpreter."""
    subprocess.run([python, "-m", "venv", "--without-pip", str(folder)], check=True)
    for name, source in packages.items():
        (site_packages(folder) / f"{name}.py").write_text(source)
    return interpreter(folder)


def interpreter(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def site_packages(folder: Path) -> Path:
    if sys.platform == "win32":
        return folder / "Lib" / "site-packages"
    return next((folder / "lib").glob("python*")) / "site-packages"
