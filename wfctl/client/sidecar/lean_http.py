"""http.client without TLS, where nobody in this process has loaded it yet: half of its time to import is `ssl`.

It copes with its absence by itself, as on a Python that was built without it.
"""

from __future__ import annotations

import sys

if "http.client" in sys.modules or "ssl" in sys.modules:
    import http.client as client
else:
    sys.modules["ssl"] = None  # type: ignore[assignment]
    try:
        import http.client as client
    finally:
        del sys.modules["ssl"]

__all__ = ["client"]
