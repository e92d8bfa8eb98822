"""Notice that the code of an app has changed, for `wfctl serve --reload`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

# What programs are made of, and what they read as they start.
_CODE = (".py", ".js", ".mjs", ".cjs", ".ts", ".go", ".java", ".kt", ".cs", ".jar", ".json", ".toml", ".yaml", ".yml")
_NAMES = (".env",)
_FOLDERS = (*DefaultFilter.ignore_dirs, "venv", "env", "target", "build", "dist", "bin", "obj")
# Editors and version control write several files at a time.
QUIET_MILLISECONDS = 200


class _Code(DefaultFilter):
    """Files with code, outside of environments and of what a build makes."""

    ignore_dirs = _FOLDERS

    def __call__(self, change: Change, path: str) -> bool:
        name = Path(path).name
        return (name.endswith(_CODE) or name in _NAMES) and super().__call__(change, path)


async def code_changes(folder: Path, stop: asyncio.Event) -> AsyncIterator[list[str]]:
    """Yield the names of the files that changed, each time that some did, until `stop` is set."""
    async for changes in awatch(
        folder, watch_filter=_Code(), stop_event=stop, step=QUIET_MILLISECONDS // 4, debounce=QUIET_MILLISECONDS * 8
    ):
        yield sorted({Path(path).name for _, path in changes})
