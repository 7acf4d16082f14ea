"""Reports are views: what is put in comes out of the page as it was."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from views import blocks_of, page_view
from vlmscope.errors import OutputError
from vlmscope.report import Page, Photo, Series, curves, head_map
from vlmscope.stats import Interval
from vlmscope.viewer import View

VALUES = [Interval(v, v - 0.1, v + 0.1) for v in (0.2, 0.5, 0.3)]


def test_a_page_holds_everything_and_asks_for_nothing(tmp_path: Path) -> None:
    page = Page("Flow of <b>", "lead & more")
    page.heading("Layers")
    page.subheading("Some")
    page.text("a <script>alert(1)</script> text")
    page.caveat("beware")
    page.code("vlmscope flow > x")
    page.facts([("a", "b")])
    page.table(["name", "share"], [["a<b", 0.12345], ["c", None]])
    page.plot(curves([Series("image", VALUES)], y_label="share"), "a curve")
    page.pictures([(Image.new("RGB", (4, 3), "red"), 'the "red" one')])
    page.gallery([Photo(b"\xff\xd8", (2, 1), "one", "more")])
    page.write(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script>" not in text
    view = page_view(text)
    kinds = "heading heading text note code facts table curves pictures pictures"
    assert [block["type"] for block in view.blocks] == kinds.split()
    assert (view.title, view.lead) == ("Flow of <b>", "lead & more")
    assert view.blocks[2]["text"] == "a <script>alert(1)</script> text"
    assert view.blocks[6]["rows"] == [["a<b", "0.123"], ["c", "–"]]
    assert view.blocks[7]["caption"] == "a curve"
    linked = re.findall(r'(?:src|href)="(?!data:|#)([^"]*)"', text)
    assert not linked and "@import" not in text and "url(http" not in text


def test_pictures_keep_their_pixels_and_captions() -> None:
    page = Page("a", "b")
    page.pictures([(Image.new("RGB", (4, 3), "red"), "the red one")])
    page.gallery([Photo(b"\xff\xd8", (2, 1), "one", "more")])
    row, gallery = blocks_of(View.unpack(page.view().pack()), "pictures")
    (item,) = row["items"]
    assert (item["width"], item["height"], item["title"]) == (4, 3, "the red one")
    shown = Image.open(io.BytesIO(item["image"].data))
    assert shown.size == (4, 3) and shown.getpixel((0, 0)) == (255, 0, 0)
    assert (row["layout"], gallery["layout"]) == ("row", "gallery")
    assert (
        gallery["items"][0]["text"] == "more" and gallery["items"][0]["image"].data == b"\xff\xd8"
    )


def test_a_name_that_ends_in_view_gets_the_data_alone(tmp_path: Path) -> None:
    page = Page("a", "b")
    page.write(tmp_path / "page.view")
    page.write(tmp_path / "page.htm")
    assert View.read(tmp_path / "page.view").title == View.read(tmp_path / "page.htm").title == "a"
    assert (tmp_path / "page.view").stat().st_size < 400


def test_curves_hold_values_with_intervals_and_gaps() -> None:
    gap = Interval(float("nan"), float("nan"), float("nan"))
    plot = curves([Series("a", [*VALUES, gap])], x=[1, 10, 100, 1000], x_scale="log", span=(0, 1))
    assert plot["series"][0]["values"][0] == [0.2, pytest.approx(0.1), pytest.approx(0.3)]
    assert plot["series"][0]["values"][3] is None
    assert (plot["x"], plot["x_scale"], plot["span"]) == ([1, 10, 100, 1000], "log", [0, 1])


def test_a_head_map_marks_heads() -> None:
    grid = np.random.default_rng(0).random((4, 8))
    block = head_map(grid, label="share", marked=[(1, 2)])
    np.testing.assert_array_equal(block["values"], grid.astype(np.float32))
    assert block["marked"] == [[1, 2]] and block["label"] == "share"


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here", encoding="utf-8")
    for name in ("page.html", "page.view"):
        with pytest.raises(OutputError):
            Page("a", "b").write(tmp_path / "file" / name)


def test_words_stand_left_and_figures_right() -> None:
    page = Page("Title", "lead")
    page.table(["of", "keys of", "95% interval", "share"], [["a", "image", "0.1 to 0.2", 0.5]])
    (table,) = blocks_of(page.view(), "table")
    assert table["words"] == [True, True, False, False]
    assert table["rows"] == [["a", "image", "0.1 to 0.2", "0.500"]]


def test_zero_has_no_sign() -> None:
    page = Page("Title", "lead")
    page.table(["a", "b"], [[-0.0000126, -0.25]], note="a: what it is")
    (table,) = blocks_of(page.view(), "table")
    assert table["rows"] == [["0.000", "-0.250"]] and table["note"] == "a: what it is"
