"""httpx without its own command line, which it imports along with click, rich and pygments where those are there.

That is 40 of its 110 milliseconds. httpx copes with its absence by itself (an ImportError is expected there).
"""

from __future__ import annotations

import sys

_COMMAND_LINE = "httpx._main"

if "httpx" in sys.modules:
    import httpx
else:
    sys.modules[_COMMAND_LINE] = None  # type: ignore[assignment]
    try:
        import httpx
    finally:
        del sys.modules[_COMMAND_LINE]

__all__ = ["httpx"]
