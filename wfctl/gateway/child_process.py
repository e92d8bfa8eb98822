"""The app that the server runs as its child, as `dapr run -- CMD` does."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import signal
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import BinaryIO

from wfctl.errors import InvalidInput

# After SIGTERM, until SIGKILL.
GRACE_SECONDS = 5.0
_CHUNK = 65536
# A line that has no end for so long is a prompt.
PROMPT_SECONDS = 0.1
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
# Linux sends the child a signal when the server's main thread, which starts it, is gone: a server that is killed
# outright can end nothing itself. A launcher asks for it and then becomes the app, since no code is safe between fork
# and exec in a process with threads. The server may have died before the launcher came to it, hence the last look.
# The app gets the limit of open files that the server was started with: a program that uses select() dies of more.
_LAUNCHER = """\
import ctypes, os, resource, sys
parent, files, file, words = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
resource.setrlimit(resource.RLIMIT_NOFILE, (files, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
ctypes.CDLL(None).prctl({option}, {number}, 0, 0, 0)
if os.getppid() != parent:
    sys.exit(1)
os.execvp(file, words)
"""


# These would lead an app elsewhere, whatever the others say.
_STRONGER = ("DAPR_HTTP_ENDPOINT", "DAPR_GRPC_ENDPOINT")


def lead_here(
    env: MutableMapping[str, str], *, app_id: str, host: str, http_port: int, grpc_port: int, token: str | None
) -> None:
    """Set Dapr's variables so that the app of this environment talks to this server."""
    for key in _STRONGER:
        env.pop(key, None)
    env["APP_ID"] = env["DAPR_APP_ID"] = app_id
    env["DAPR_RUNTIME_HOST"] = host
    env["DAPR_HTTP_PORT"] = str(http_port)
    env["DAPR_GRPC_PORT"] = str(grpc_port)
    if token is not None:
        env["DAPR_API_TOKEN"] = token


def environment(base: Mapping[str, str]) -> dict[str, str]:
    """Return the child's environment, which it has from the server."""
    # Without this a Python app's lines come when its buffer is full.
    return {"PYTHONUNBUFFERED": "1", **base}


class Child:
    """In a process group of its own, so that whatever it starts ends with it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._pumps: list[asyncio.Task[None]] = []

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        env: Mapping[str, str],
        prefix: str,
        out: BinaryIO,
        err: BinaryIO,
        *,
        files: int,
        folder: Path | None = None,
        stdin: int | None = asyncio.subprocess.DEVNULL,
    ) -> Child:
        """Start it in `folder`, by default the current one. `files` is its limit of open files (on Linux).

        `stdin` of None is the server's own, which a terminal lets it read although it leads a session of its own.
        Raises InvalidInput: there is no such program.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *launched(command, env, files, folder),
                cwd=folder,
                env=dict(env),
                start_new_session=True,
                stdin=stdin,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise InvalidInput(
                f"cannot run {command[0]}: {error.strerror or error}", hint="wfctl serve -- python app.py"
            ) from error
        child = cls(process)
        assert process.stdout is not None
        assert process.stderr is not None
        mark = prefix.encode()
        child._pumps = [
            asyncio.ensure_future(_pump(process.stdout, out, mark, prompts=stdin is None)),
            asyncio.ensure_future(_pump(process.stderr, err, mark, prompts=stdin is None)),
        ]
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    async def wait(self) -> int:
        """Wait for its end. Returns the exit status as a shell tells it: 128 + n for a process that signal n ended."""
        code = await self._process.wait()
        return 128 - code if code < 0 else code

    async def stop(self, grace: float = GRACE_SECONDS) -> int:
        """End the whole group: politely, then by force."""
        self._signal(signal.SIGTERM)
        try:
            code = await asyncio.wait_for(self.wait(), grace)
        except asyncio.TimeoutError:
            self._signal(signal.SIGKILL)
            code = await self.wait()
        self._signal(signal.SIGKILL)  # what the child has left behind
        await self.flush()
        return code

    async def flush(self) -> None:
        """Pass on the last lines; a grandchild may hold the pipes open, so not for ever."""
        if self._pumps:
            await asyncio.wait(self._pumps, timeout=1.0)
            for pump in self._pumps:
                pump.cancel()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def launched(command: Sequence[str], env: Mapping[str, str], files: int, folder: Path | None = None) -> list[str]:
    """Return the command, on Linux by way of a launcher that has it end with the server.

    Raises OSError: no such program.
    """
    if sys.platform != "linux":
        return list(command)
    name = command[0]
    if folder is not None and os.sep in name:  # a path counts from the folder in which it is run
        name = os.path.join(folder, name)
    file = shutil.which(name, path=env.get("PATH", os.defpath))
    if file is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), command[0])
    code = _LAUNCHER.format(option=_PR_SET_PDEATHSIG, number=int(signal.SIGTERM))
    return [sys.executable, "-I", "-S", "-c", code, str(os.getpid()), str(files), file, *command]


async def _pump(source: asyncio.StreamReader, sink: BinaryIO, prefix: bytes, *, prompts: bool = False) -> None:
    """Pass on whole lines with the prefix; a line without an end when the output ends, or asks for something.

    `prompts`: somebody may be asked. Then a line that does not go on is shown as it is.
    """
    rest = b""
    while True:
        try:
            chunk = await asyncio.wait_for(source.read(_CHUNK), PROMPT_SECONDS if prompts and rest else None)
        except asyncio.TimeoutError:
            _write(sink, prefix + rest)
            rest = b""
            continue
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop() if chunk else b""
        if not chunk and lines == [b""]:
            lines = []
        _write(sink, b"".join(prefix + line + b"\n" for line in lines))
        if not chunk:
            return


def _write(sink: BinaryIO, data: bytes) -> None:
    if data:
        with contextlib.suppress(OSError, ValueError):  # nobody reads it: the app need not stop for that
            sink.write(data)
            sink.flush()
