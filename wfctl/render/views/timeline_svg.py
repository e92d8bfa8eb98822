"""A timeline as a picture: one SVG file that needs nothing else, for light and dark pages alike."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from html import escape

from wfctl.model.steps import StepStatus
from wfctl.render.text import clean, shorten
from wfctl.render.times import millis_text, span
from wfctl.render.views.time_axis import Scale
from wfctl.render.views.timeline import WORKS, Bar, Timeline, stretches, took, tries

WIDE, LEFT, RIGHT = 1000, 290, 130  # the whole, the names, the words behind the bars
TOP, ROW, THICK, FOOT = 74, 24, 14, 34
NAME_MOST = 34
TICKS = 4

# What has which colour: on a light page, on a dark one. Plain rules, as not every viewer knows CSS variables.
_COLORS = (
    (".page", "fill", "#ffffff", "#0d1117"),
    ("text", "fill", "#1f2328", "#e6edf3"),
    (".small", "fill", "#59636e", "#9198a1"),
    (".bad", "fill", "#cf222e", "#f85149"),
    (".tick", "stroke", "#d1d9e0", "#3d444d"),
    (".gap", "stroke", "#59636e", "#9198a1"),
    (".open", "stroke", "#9a6700", "#d29922"),
    (".activity", "fill", "#0969da", "#4493f8"),
    (".child", "fill", "#8250df", "#ab7df8"),
    (".wait", "fill", "#afb8c1", "#59636e"),
    (".failed", "fill", "#cf222e", "#f85149"),
)


def timeline_svg(timeline: Timeline) -> str:
    height = TOP + ROW * len(timeline.bars) + FOOT
    scale = timeline.scale()
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {height}" width="{WIDE}" height="{height}" '
            f'role="img" aria-labelledby="title">',
            f'<title id="title">{_xml(_title(timeline))}</title>',
            f"<style>{_style()}</style>",
            f'<rect class="page" width="{WIDE}" height="{height}" rx="6"/>',
            *_head(timeline),
            *_axis(timeline, scale, height),
            *(part for index, bar in enumerate(timeline.bars) for part in _row(bar, index, scale, timeline.ended)),
            "</svg>\n",
        ]
    )


def _style() -> str:
    light = "".join(f"{who}{{{what}:{color}}}" for who, what, color, _ in _COLORS)
    dark = "".join(f"{who}{{{what}:{color}}}" for who, what, _, color in _COLORS)
    return (
        "text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}.big{font-weight:600;font-size:15px}"
        ".small{font-size:11px}.gap{stroke-dasharray:2 3}.open{stroke-width:2;fill:none}"
        f"{light}@media(prefers-color-scheme:dark){{{dark}}}"
    )


def _title(timeline: Timeline) -> str:
    one = timeline.instance
    return f"{one.id} {one.name or ''} {one.status.name}, {span(timeline.length)}"


def _head(timeline: Timeline) -> Iterator[str]:
    one = timeline.instance
    yield f'<text class="big" x="16" y="28">{_xml(shorten(clean(one.id), 60))}</text>'
    words = f"{one.name or ''}  {one.status.name}  {span(timeline.length)} from {millis_text(timeline.begun)}"
    yield f'<text class="small" x="16" y="46">{_xml(words)}</text>'


def _axis(timeline: Timeline, scale: Scale, height: int) -> Iterator[str]:
    marks = [timeline.begun + timeline.length * part / TICKS for part in range(TICKS + 1)]
    last = -1.0
    for mark in marks:
        x = _x(scale.at(mark))
        yield f'<line class="tick" x1="{x}" y1="{TOP - 6}" x2="{x}" y2="{height - FOOT + 6}"/>'
        if x - last >= 60:
            text = "0s" if mark == timeline.begun else span(mark - timeline.begun)
            yield f'<text class="small" x="{x}" y="{TOP - 12}" text-anchor="middle">{text}</text>'
            last = x
    if scale.folded:
        words = "Time in which no activity ran is drawn shorter than it was."
        yield f'<text class="small" x="16" y="{height - 12}">{words}</text>'


def _row(bar: Bar, index: int, scale: Scale, ended: datetime) -> Iterator[str]:
    step = bar.step
    top = TOP + ROW * index + (ROW - THICK) / 2
    middle, base = top + THICK / 2, top + THICK - 2
    name = shorten(clean(step.name or step.kind), NAME_MOST - 2 * bar.depth)
    words = f"{clean(step.name or step.kind)} ({step.kind}) {step.status.value} {took(step, ended)}".rstrip()
    yield f"<g><title>{_xml(words)}</title>"
    yield f'<text x="{16 + 16 * bar.depth}" y="{base}">{_xml(name)}</text>'
    found = list(stretches(step, ended))
    if len(found) > 1:
        x1, x2 = _x(scale.at(found[0].start)), _x(scale.at(found[-1].end))
        yield f'<line class="gap" x1="{x1}" y1="{middle}" x2="{x2}" y2="{middle}"/>'
    for number, stretch in enumerate(found):
        broken = step.kind in WORKS and step.attempts[number].failure is not None
        kind = "failed" if broken else step.kind if step.kind in WORKS else "wait"
        yield _rect(kind, _x(scale.at(stretch.start)), top, _x(scale.at(stretch.end)))
    if step.status.open:
        x = _x(scale.at(ended))
        yield f'<path class="open" d="M{x - 5} {top}l5 {THICK / 2}l-5 {THICK / 2}"/>'
    bad = ' class="bad"' if step.status is StepStatus.FAILED else ""
    label = " ".join(word for word in (took(step, ended), f"×{len(step.attempts)}" if tries(step) else "") if word)
    label = f"{label} {step.status.value}" if step.status is not StepStatus.COMPLETED else label
    yield f'<text{bad} x="{WIDE - RIGHT + 12}" y="{base}" font-size="11">{_xml(label.strip())}</text></g>'


def _rect(kind: str, x1: float, top: float, x2: float) -> str:
    return f'<rect class="{kind}" x="{x1}" y="{top}" width="{max(round(x2 - x1, 1), 2.0)}" height="{THICK}" rx="2"/>'


def _x(place: float) -> float:
    return round(LEFT + place * (WIDE - LEFT - RIGHT), 1)


def _xml(text: str) -> str:
    """Text that is no markup, and has no character that XML forbids."""
    return escape(clean(text))
