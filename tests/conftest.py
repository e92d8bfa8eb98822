"""What holds for all tests."""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings

# A busy machine is slow, which is no failure. The gate (CI) tries the same examples each time, so that it says the same
# of the same code; a developer's run tries others.
settings.register_profile(
    "wfctl",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("wfctl")

# A job that a shell script runs in the background ignores Ctrl-C, one under nohup the end of its terminal, and so does
# every process that they start; some tests send them these signals.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
