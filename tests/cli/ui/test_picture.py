"""`wfctl ui --screenshot`: the screen as a picture, without a terminal."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from harness import Cli

pytest.importorskip("textual")


def words(svg: str) -> str:
    found = re.findall(r">([^<>]+)</text>", svg)
    return " ".join(found).replace("&#160;", " ")


def test_a_tab_an_instance_and_keys(cli: Cli, app: Path) -> None:
    cli("start", "Broken", "--id", "b1", "--input", '"<b>&"')
    cli("start", "Approval", "--id", "a1")
    assert cli("ui", "--screenshot", "list.svg").status == 0
    svg = (app / "list.svg").read_text()
    ElementTree.fromstring(svg)
    assert "http" not in svg.replace("http://www.w3.org", ""), "it asks nobody for anything"
    assert {"b1", "a1", "Instances", "Failures"} <= set(words(svg).split())
    failures = cli("ui", "--screenshot", "-", "--tab", "Failures", "--size", "120x40").out
    assert "1 failed instance in 1 group" in words(failures)
    ElementTree.fromstring(failures)
    page = words(cli("ui", "--screenshot", "-", "--instance", "b1").out)
    assert "Overview" in page
    assert "ValueError: no <b>&" in page.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert "Escape: all events" in words(cli("ui", "--screenshot", "-", "--tab", "events", "--press", "enter").out)
    question = words(cli("ui", "--screenshot", "-", "--tab", "failures", "--press", "r").out)
    assert "Rerun 1 Broken" in question
    assert len(cli("list", "-o", "json").json) == 2, "a question changes nothing"


def test_what_is_refused(cli: Cli, app: Path, tmp_path: Path) -> None:
    assert "--tab 'nosuch' is not a tab" in cli("ui", "--screenshot", "x.svg", "--tab", "nosuch").err
    for size in ("80", "0x0", "9999x20", "80x", "x"):
        assert cli("ui", "--screenshot", "x.svg", "--size", size).status == 2
    assert "for a picture" in cli("ui", "--tab", "failures").err
    missing = cli("ui", "--screenshot", "x.svg", "--instance", "nosuch")
    assert missing.status == 3
    assert not (app / "x.svg").exists()
    away = cli("ui", "--screenshot", "x.svg", "--target", "http://127.0.0.1:9")
    assert away.status == 5
    assert "Traceback" not in away.err
    assert "cannot be written" in cli("ui", "--screenshot", str(tmp_path / "no" / "x.svg")).err
