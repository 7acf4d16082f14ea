"""Report pages need nothing else, and say what they are given, escaped."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vlmscope.errors import MissingExtraError, OutputError
from vlmscope.report import Page, Series, curves, head_map
from vlmscope.stats import Interval

VALUES = [Interval(v, v - 0.1, v + 0.1) for v in (0.2, 0.5, 0.3)]


def test_a_page_holds_everything_and_asks_for_nothing(tmp_path: Path) -> None:
    page = Page("Flow of <b>", "lead & more")
    page.heading("Layers")
    page.text("a <script>alert(1)</script> text")
    page.caveat("beware")
    page.code("vlmscope flow > x")
    page.table(["name", "share"], [["a<b", 0.12345], ["c", None]])
    page.plot(curves([Series("image", VALUES)], y_label="share"), "a curve")
    page.pictures([(Image.new("RGB", (4, 3), "red"), 'the "red" one')])
    page.write(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script>" not in text and "&lt;script&gt;" in text and "a&lt;b" in text
    assert "0.123" in text and "–" in text and 'alt="the &quot;red&quot; one"' in text
    linked = re.findall(r'(?:src|href)="(?!data:|#)([^"]*)"', text)
    assert not linked and "@import" not in text and "url(http" not in text


def test_curves_are_told_apart_without_colour() -> None:
    two = [Series("image", VALUES), Series("query", VALUES[::-1])]
    svg = curves(two, x_label="layer", title="Shares", span=(0, 1))
    ET.fromstring(svg)
    for word in ("image", "query", "layer", "Shares"):
        assert f">{word}</text>" in svg
    assert "stroke-dasharray" in svg, "the second curve should be dashed"
    assert svg == curves(two, x_label="layer", title="Shares", span=(0, 1)), "the same each time"


@pytest.mark.parametrize(("scale", "ratio"), [("log", 1.0), ("linear", 10.0)])
def test_places_that_are_factors_of_each_other_stand_evenly(scale: str, ratio: float) -> None:
    svg = curves([Series("a", VALUES)], x=[1.0, 10.0, 100.0], x_scale=scale)
    markers = [line for line in svg.splitlines() if "<use" in line and "stroke: #0072b2" in line]
    places = {re.findall(r' x="([\d.]+)"', line)[0] for line in markers}  # and the legend's none
    first, second, third = sorted(map(float, places))
    assert (third - second) / (second - first) == pytest.approx(ratio, rel=1e-3)


def test_a_head_map_marks_heads() -> None:
    grid = np.random.default_rng(0).random((4, 8))
    plain, marked = head_map(grid, label="share"), head_map(grid, label="share", marked=[(1, 2)])
    ET.fromstring(marked)
    assert "#d55e00" in marked.lower() and "#d55e00" not in plain.lower()
    assert ">share</text>" in plain and ">head</text>" in plain


def test_no_state_is_left_in_matplotlib() -> None:
    curves([Series("a", VALUES)])
    import matplotlib

    assert "matplotlib.pyplot" not in sys.modules or not matplotlib.pyplot.get_fignums()
    assert matplotlib.rcParams["svg.hashsalt"] is None


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"vlmscope\[plots\]"):
        curves([Series("a", VALUES)])


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here", encoding="utf-8")
    with pytest.raises(OutputError):
        Page("a", "b").write(tmp_path / "file" / "page.html")


def test_words_stand_left_and_figures_right() -> None:
    page = Page("Title", "lead")
    page.table(["of", "keys of", "95% interval", "share"], [["a", "image", "0.1 to 0.2", 0.5]])
    text = page.html()
    assert '<th class="words">keys of</th>' in text and '<td class="words">image</td>' in text
    assert "<td>0.1 to 0.2</td><td>0.500</td>" in text and "<th>share</th>" in text


def test_zero_has_no_sign() -> None:
    page = Page("Title", "lead")
    page.table(["a", "b"], [[-0.0000126, -0.25]])
    assert "<td>0.000</td><td>-0.250</td>" in page.html()


def test_columns_are_explained_beneath_their_table() -> None:
    page = Page("a", "b")
    page.table(["gain"], [[1.0]], note="gain: <what> it gains")
    assert '</table></div><p class="columns">gain: &lt;what&gt; it gains</p>' in page.html()


def test_on_a_narrow_screen_tables_and_plots_scroll_in_their_own_boxes() -> None:
    page = Page("a/path/" * 40, "b")
    page.table(["a"], [["b"]])
    page.plot(curves([Series("a", [Interval(0, 0, 0)] * 3)]))
    text = page.html()
    assert text.count("<table") == text.count('<div class="scroll"><table')
    assert text.count("<svg") == text.count("<figure><svg")
    style = text[: text.index("</style>")]
    for rule in (".scroll { overflow-x: auto; }", "figure { margin: 1.2rem 0; overflow-x: auto; }"):
        assert rule in style
    assert "max-width: max(100%, 30rem)" in style  # a plot's words stay large enough to read
    assert "overflow-wrap: break-word" in style  # as a folder's path in the title needs it
