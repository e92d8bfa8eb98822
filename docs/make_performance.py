"""Write docs/performance.md and its pictures from docs/performance.json: `python docs/make_performance.py`.

`./dev bench peers --record` measures, and writes the JSON.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

PAGE = Path(__file__).parent / "performance.md"
FIGURES = PAGE.with_suffix(".json")
IMAGES = PAGE.parent / "images"
OURS = "wfctl"  # how the names of our own begin
Values = Mapping[str, "float | None"]  # by peer
NOISE = 1.2  # of two medians of one run, below which nothing is said of who is better

HEAD = """\
# Performance

<!-- Made by docs/make_performance.py from docs/performance.json. -->

wfctl beside others, in turns in one run of `./dev bench peers`: {date}, {cores} cores, {memory} GiB of memory,
{system}; {rounds}, all of it in [performance.json](performance.json). Absolute figures are of this machine:
compare within this page, and take differences under 20 % for noise. What the commands and screens of wfctl take is in
[figures](figures.md).
"""
METHOD = """\
## How it was measured

{workloads}

And of all of them:

* A step is a function that returns its JSON input, so that the figures are what the engines cost. Where steps take
  time, all of them are nearer to one another.
* Each measurement has new processes and an empty store, on the same disk; in each round another one is first. What
  each workflow returned is looked at afterwards, with the number of instances that have ended and SQLite's check of the
  file for wfctl. Servers behind a worker are ended by `kill -9` before that, so that only what they wrote counts.
  Whatever is not all there is no figure.
* Restate's chains count as ended when their functions have returned, those of the others when that is on the disk.
* DBOS runs what is at once as `async` functions, and what is alone as plain ones: mostly the quicker form of each.
* "FULL commits" is what SQLite reached right before, with one row of 200 bytes in each commit (WAL,
  `synchronous=FULL`): a floor for whoever commits each by itself.
* Each peer has an environment of its own from the public registries, in the versions above, in its shipped
  configuration unless its column says otherwise. Servers, workers and the program that asks share the cores.

## What is not compared

* A shell command: a program that has wfctl's engine in its process was measured. `wfctl start` adds the start of a
  process to each.
* More machines or cores. Restate and a DBOS on PostgreSQL spread over many processes, Dapr over many machines, with
  copies of their data; wfctl's engine is one process on one, and one thread of it commits. Here everybody has one
  machine with {cores} cores.
* Starts over a network: wfctl and DBOS are started from their own process, Restate over HTTP on loopback, the servers
  behind a worker over gRPC on loopback.
* Large inputs and outputs, long waits, many workflows that lie idle, months of history in the store.
* Features, languages, and what it takes to run each of them.

## Run it yourself

```console
$ ./dev bench peers --record
$ python docs/make_performance.py
```

It makes the environments on the first run and leaves out whom it cannot make, with the reason. `--only wfctl`,
`--workload chains` and `--rounds 1` measure less, and without `--record` nothing is written. PostgreSQL is made for
each measurement where its programs are installed, or is the one that `WFCTL_BENCH_POSTGRES` names, as
`postgresql://postgres@127.0.0.1:5432`. The servers behind a worker need Go, and daprd besides that `WFCTL_DAPR_BIN`
names a folder with the programs `daprd`, `placement` and `scheduler`.
"""


class Bar(NamedTuple):
    title: str
    value: float
    text: str
    ours: bool


class Palette(NamedTuple):
    """The colours of GitHub's pages."""

    text: str
    muted: str
    ours: str
    others: str


PALETTES = {
    "light": Palette("#1f2328", "#59636e", "#0969da", "#b6bfc8"),
    "dark": Palette("#e6edf3", "#9198a1", "#4493f8", "#545d68"),
}


def page() -> str:
    known = _known()
    machine = known["machine"]
    about = {
        "date": known["date"],
        "cores": machine["cores"],
        "memory": machine["memory_gib"],
        "system": machine["system"],
        "rounds": "one round" if known["rounds"] == 1 else f"medians of {known['rounds']} rounds",
    }
    parts = [HEAD.format(**about)]
    parts += ["\n".join(_section(group)) for group in known["groups"]]
    workloads = [workload for group in known["groups"] for workload in group["workloads"]]
    names = "\n".join(f"* {_titles(workload)}: {workload['about']}." for workload in workloads)
    return "\n".join([*parts, METHOD.format(workloads=names, **about)])


def pictures() -> Mapping[Path, str]:
    """Return what the files of the charts should hold: for each group one on light ground, one on dark."""
    return {
        _picture(group, name): _drawn(group, palette)
        for group in _known()["groups"]
        for name, palette in PALETTES.items()
    }


def _known() -> Any:
    return json.loads(FIGURES.read_text(encoding="utf-8"))


def _picture(group: Any, palette: str) -> Path:
    return IMAGES / f"performance-{group['name']}-{palette}.svg"


# --- the page ---------------------------------------------------------------------------------------------------------


def _section(group: Any) -> Iterator[str]:
    dark, light = (_picture(group, name).relative_to(PAGE.parent).as_posix() for name in ("dark", "light"))
    yield f"## {group['title']}\n"
    yield f"{group['about']}\n"
    yield "<picture>"
    yield f'  <source media="(prefers-color-scheme: dark)" srcset="{dark}">'
    yield f'  <img alt="The figures of the table below as bars" src="{light}">'
    yield "</picture>\n"
    yield from _table(group)
    yield ""
    yield f"{_verdict(group)}\n"
    yield from _in_commits(group)
    yield "| | version | what it promises |"
    yield "|---|---|---|"
    for peer in group["peers"]:
        yield f"| {peer['title']} | {peer['version']} | {peer['durability']} |"
    yield ""
    for skipped in group["skipped"]:
        yield f"Not measured: {skipped['title']} ({skipped['reason']}).\n"


def _table(group: Any) -> Iterator[str]:
    """Figures down, peers across; the best of a row is bold. The last column says how wfctl compares."""
    peers = group["peers"]
    yield f"| | {' | '.join(peer['title'] for peer in peers)} | wfctl against the best other |"
    yield f"|---|{'---:|' * len(peers)}---:|"
    for figure in _figures(group):
        values = _medians(group, figure)
        best = _best(figure, values)
        cells = [_cell(values, peer["name"], peer["name"] == best) for peer in peers]
        times = _times(figure, values)
        cells.append("-" if times is None else f"{number(times.value)} times")
        yield f"| {figure['title']}, {figure['unit']} | {' | '.join(cells)} |"


def _cell(values: Values, peer: str, is_best: bool = False) -> str:
    if peer not in values:
        return "-"
    value = values[peer]
    if value is None:
        return "failed"
    return f"**{number(value)}**" if is_best else number(value)


class Times(NamedTuple):
    """How many times as good wfctl is as the best of the others; under 1 it is worse."""

    value: float
    rival: str


def _times(figure: Any, values: Values) -> Times | None:
    ours = next((value for name, value in values.items() if name.startswith(OURS)), None)
    others = {name: value for name, value in values.items() if not name.startswith(OURS)}
    rival = _best(figure, others)
    if ours is None or rival is None:
        return None
    theirs = others[rival]
    assert theirs is not None
    return Times(ours / theirs if figure["more_is_better"] else theirs / ours, rival)


def _verdict(group: Any) -> str:
    """Say where wfctl is not the best."""
    even, worse = [], []
    for figure in _figures(group):
        times = _times(figure, _medians(group, figure))
        if times is None or times.value >= NOISE:
            continue
        title, rival = figure["title"], _title(group, times.rival)
        if times.value > 1 / NOISE:
            even.append(f"{title} ({rival})")
        else:
            worse.append(f"{title} ({rival}, {number(1 / times.value)} times as good)")
    said = [f"Where another one is better: {'; '.join(worse)}." if worse else "Nobody is ahead of wfctl in this table."]
    if even:
        said.append(f"No difference beyond noise: {'; '.join(even)}.")
    return " ".join(said)


def _in_commits(group: Any) -> Iterator[str]:
    """What wfctl's figures are in commits of the disk in the same round."""
    rows = []
    for workload in group["workloads"] if group["against_disk"] else ():
        rates = group["commits"][workload["name"]].get(OURS, [])
        for figure in workload["figures"]:
            rounds = group["figures"][figure["name"]].get(OURS, [])
            pairs = [(value, rate) for value, rate in zip(rounds, rates, strict=True) if value is not None]
            if pairs:
                ratio = statistics.median(_ratio(figure, value, rate) for value, rate in pairs)
                what = "for each commit" if figure["more_is_better"] else "commits" + (" each" * (figure["of"] > 1))
                rate = statistics.median(rate for _, rate in pairs)
                rows.append(f"| {figure['title']} | {number(rate)} | {ratio:.2f} {what} |")
    if rows:
        yield "wfctl against the disk: what SQLite committed in the same rounds, and the figure in such commits.\n"
        yield "| | FULL commits/s | wfctl |"
        yield "|---|---:|---:|"
        yield from rows
        yield ""


def _ratio(figure: Any, value: float, rate: float) -> float:
    """Return how many of these there are for each commit, or for a time how many commits fit into one of them."""
    if figure["more_is_better"]:
        return value / rate
    seconds = value / 1000 if figure["unit"] == "ms" else value
    return seconds * rate / int(figure["of"])


def _titles(workload: Any) -> str:
    """Name a workload, by its figures unless it has a title."""
    return workload.get("title") or " and ".join(figure["title"] for figure in workload["figures"])


def _figures(group: Any) -> Sequence[Any]:
    return [figure for workload in group["workloads"] for figure in workload["figures"]]


def _title(group: Any, name: str) -> str:
    return str(next(peer["title"] for peer in group["peers"] if peer["name"] == name))


def _medians(group: Any, figure: Any) -> Values:
    """Return the figure of each peer that was asked for it; None for one that failed in any round."""
    return {
        name: None if None in rounds else statistics.median(rounds)
        for name, rounds in group["figures"][figure["name"]].items()
    }


def _best(figure: Any, values: Values) -> str | None:
    known = {name: value for name, value in values.items() if value is not None}
    choose = max if figure["more_is_better"] else min
    return choose(known, key=lambda name: known[name]) if known else None


def number(value: float) -> str:
    """Write three digits that mean something."""
    if value >= 100:
        return f"{round(value):,}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


# --- the pictures -----------------------------------------------------------------------------------------------------

WIDTH, COLUMNS, GAP = 880, 2, 40
TITLE, ROW, BAR, BELOW = 44, 19, 12, 20  # heights, in pixels
LABEL, VALUE = 130, 58  # widths beside a bar


def _drawn(group: Any, palette: Palette) -> str:
    """Draw a panel for each figure, with a bar for each peer from zero: wfctl's in its own colour."""
    figures = _figures(group)
    height = TITLE + ROW * len(group["peers"]) + BELOW
    lines = -(-len(figures) // COLUMNS)
    width = (WIDTH - GAP * (COLUMNS - 1)) // COLUMNS
    total = lines * height
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total}" width="{WIDTH}" height="{total}" '
        'font-family="-apple-system, BlinkMacSystemFont, Segoe UI, Noto Sans, Helvetica, Arial, sans-serif" '
        'font-size="12">'
    ]
    for place, figure in enumerate(figures):
        x, y = place % COLUMNS * (width + GAP), place // COLUMNS * height
        parts += _panel(figure, _bars(group, figure), palette, x, y, width)
    return "\n".join([*parts, "</svg>", ""])


def _bars(group: Any, figure: Any) -> Sequence[Bar]:
    values = _medians(group, figure)
    bars = []
    for peer in group["peers"]:
        value = values.get(peer["name"])
        text = number(value) if value is not None else _cell(values, peer["name"])
        bars.append(Bar(_bare(peer["title"]), value or 0.0, text, peer["name"].startswith(OURS)))
    return bars


def _panel(figure: Any, bars: Sequence[Bar], palette: Palette, x: int, y: int, width: int) -> Iterator[str]:
    direction = "more is better" if figure["more_is_better"] else "less is better"
    yield _text(x, y + 14, _bare(figure["title"]), palette.text, bold=True)
    yield _text(x, y + 31, f"{figure['unit']}, {direction}", palette.muted)
    longest = max(bar.value for bar in bars) or 1.0
    start = x + LABEL
    for place, bar in enumerate(bars):
        top = y + TITLE + place * ROW
        line = top + BAR - 2
        length = max((width - LABEL - VALUE) * bar.value / longest, 1.5) if bar.value else 0.0
        colour = palette.ours if bar.ours else palette.others
        yield _text(x, line, bar.title, palette.text, bar.ours)
        yield f'<rect x="{start}" y="{top}" width="{length:.1f}" height="{BAR}" rx="2" fill="{colour}"/>'
        yield _text(start + length + 6, line, bar.text, palette.text if bar.ours else palette.muted, bar.ours)


def _bare(words: str) -> str:
    """Without the marks of the page."""
    return words.replace("`", "")


def _text(x: float, y: float, words: str, colour: str, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:.4g}" y="{y}" fill="{colour}"{weight}>{escape(words)}</text>'


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
    for path, drawn in pictures().items():
        path.write_text(drawn, encoding="utf-8", newline="\n")
