from __future__ import annotations

import pytest

from wfctl.model.trace import own_place, places

PYTHON = """  File "/srv/orders.py", line 14, in charge
    client.post(url)
    ~~~~~~~~~~~^^^^^
  File "/srv/.venv/lib/python3.11/site-packages/httpx/_client.py", line 1144, in post
    return self.request(
"""
JAVA = """java.io.IOException: refused
\tat io.netty.Channel.connect(Channel.java:20)
\tat com.shop.Charge.run(Charge.java:12)
"""
DOTNET = "   at Shop.Charge.Run(Order order) in /src/Charge.cs:line 7\n   at System.Threading.Tasks.Task.Run()"
JAVASCRIPT = "Error: refused\n    at charge (/srv/app.js:8:11)\n    at run (/srv/node_modules/@dapr/dapr/w.js:2:1)"


@pytest.mark.parametrize(
    ("trace", "short", "code"),
    [
        (PYTHON, "orders.py:14 in charge", "client.post(url)"),
        (JAVA, "Channel.java:20 in io.netty.Channel.connect", ""),
        (DOTNET, "Charge.cs:7 in Shop.Charge.Run(Order order)", ""),
        (JAVASCRIPT, "app.js:8 in charge", ""),
    ],
)
def test_the_line_of_the_app(trace: str, short: str, code: str) -> None:
    place = own_place(trace)
    assert place is not None
    assert (place.short, place.code) == (short, code)


def test_what_is_no_trace_names_no_place() -> None:
    assert own_place(None) is None
    assert own_place("it failed") is None


def test_a_library_alone() -> None:
    only = places(PYTHON)[1]
    assert own_place(only.text) == only
