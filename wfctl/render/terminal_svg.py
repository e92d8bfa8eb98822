"""What a terminal shows as an SVG that stands alone: no fonts from elsewhere, no letter out of its place."""

from __future__ import annotations

import re

from rich.console import Console
from rich.terminal_theme import TerminalTheme

# As Rich's, without fonts from elsewhere: a picture in a README asks nobody for anything.
SVG = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
THEME = TerminalTheme(
    (30, 34, 42),
    (215, 218, 224),
    [
        (90, 98, 112),
        (240, 113, 120),
        (152, 195, 121),
        (229, 192, 123),
        (97, 175, 239),
        (198, 120, 221),
        (86, 182, 194),
        (215, 218, 224),
    ],
)


def svg_of(console: Console, title: str) -> str:
    """Return what the console has recorded."""
    svg = console.export_svg(title=title, theme=THEME, code_format=SVG, unique_id="wfctl")
    return "\n".join(line.rstrip() for line in _TEXT.sub(_placed, svg).splitlines()) + "\n"


_TEXT = re.compile(r'<text class="([^"]*)" x="([\d.]+)" y="([^"]*)" textLength="([\d.]+)" ([^>]*)>([^<]*)</text>')
_BLANK = "&#160;"


def _placed(match: re.Match[str]) -> str:
    """A text that begins where its first letter stands: some programs drop blanks, and then stretch the rest."""
    style, x, y, length, more, text = match.groups()
    count = len(re.sub(r"&[^;]*;", "x", text))
    words = text
    while words.startswith(_BLANK):
        words = words[len(_BLANK) :]
    before = (len(text) - len(words)) // len(_BLANK)
    while words.endswith(_BLANK):
        words = words[: -len(_BLANK)]
    if not words.strip():
        return ""
    cell = float(length) / count
    left = len(re.sub(r"&[^;]*;", "x", words))
    start, room = round(float(x) + before * cell, 1), round(left * cell, 1)
    return f'<text class="{style}" x="{start:g}" y="{y}" textLength="{room:g}" {more}>{words}</text>'
