"""What holds for all tests."""

from __future__ import annotations

import signal

# A job that a shell script runs in the background ignores Ctrl-C, and so does every process that it starts; some tests
# send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
