"""grpc without its asyncio half, which it imports at once: a third of its time, and a command needs none of it.

`grpc.aio` is loaded when somebody asks for it after all.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

_ASYNC = "grpc.aio"

if "grpc" in sys.modules:
    import grpc
else:
    sys.modules[_ASYNC] = ModuleType(_ASYNC)
    try:
        import grpc
    finally:
        del sys.modules[_ASYNC]
    del grpc.aio

    def _asked_for(name: str) -> Any:
        if name == "aio":
            return importlib.import_module(_ASYNC)
        raise AttributeError(f"module 'grpc' has no attribute {name!r}")

    setattr(grpc, "__getattr__", _asked_for)  # noqa: B010  (a plain assignment means nothing to the type checker)

__all__ = ["grpc"]
