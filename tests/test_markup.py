"""Lines and cards: short, escaped, light, and in the colours of the page around them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from cards import NASTY, Card
from vlmscope.markup import (
    LONGEST_LINE,
    card,
    cell,
    light_png,
    one_line,
    picture,
    png,
    shorten,
    table,
)


def read(html: str) -> Card:
    parsed = Card()
    parsed.feed(html)
    parsed.close()
    assert parsed.open == []
    return parsed


def noise(height: int, width: int) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def test_shorten() -> None:
    assert shorten("a\nb\tc", 9) == "a b c"
    assert shorten("abcdef", 4) == "abc…"
    assert shorten("abcd", 4) == "abcd"
    assert len(shorten("x" * 10**6, 50)) == 50


def test_one_line_is_one_and_short() -> None:
    assert one_line(object(), "a", "", "b") == "object(a; b)"
    line = one_line(object(), "first", "x\ny" * 5000)
    assert LONGEST_LINE - 5 <= len(line) <= LONGEST_LINE
    assert line.startswith("object(first; x y")
    assert line.endswith("…)")


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "–"), (0.12345, "0.123"), (-0.0001, "0.000"), (3, "3"), ("a", "a")]
)
def test_cells(value: object, shown: str) -> None:
    assert cell(value) == shown


def test_everything_is_escaped() -> None:
    image = Image.new("RGB", (4, 4))
    html = card(
        NASTY,
        picture(image, NASTY),
        table(((NASTY, "b"), [(NASTY, 1)]), NASTY),
        lead=NASTY,
        notes=[NASTY],
    )
    parsed = read(html)  # no tag or attribute of the text is one of the card
    assert parsed.text.count("<script>alert('x')</script>") == 7
    assert len(parsed.pictures) == 1
    html.encode("utf-8")


@pytest.mark.parametrize("size", [(480, 640), (640, 480), (3000, 2000), (1, 9000), (90, 30)])
def test_a_picture_keeps_its_proportions_and_weight(size: tuple[int, int]) -> None:
    (shown,) = read(picture(noise(*size), "noise")).pictures
    assert max(shown.size) <= 640
    if max(size) <= 240:
        assert shown.size == size[::-1]
    assert shown.height / shown.width == pytest.approx(size[0] / size[1], rel=0.02) or 1 in size
    assert len(picture(noise(*size), "noise")) < 360_000


def test_png_gives_what_it_is_given_where_that_is_light() -> None:
    image = noise(40, 50)
    with Image.open(io.BytesIO(png(image, 640))) as read_back:
        np.testing.assert_array_equal(np.asarray(read_back), np.asarray(image))


def test_a_photograph_is_light_and_a_plot_exact() -> None:
    photo, plot = noise(480, 640), Image.new("RGB", (640, 480), (255, 255, 255))
    plot.paste((0, 0, 255), (100, 100, 101, 400))
    with Image.open(io.BytesIO(light_png(photo, 640))) as light:
        assert (light.format, light.size) == ("PNG", (640, 480))
        assert len(light_png(photo, 640)) < len(png(photo, 640)) / 2
    assert light_png(plot, 640) == png(plot, 640)
    assert "data:image/jpeg" in picture(photo, "photograph")
    assert "data:image/png" in picture(plot, "plot")


def test_a_long_table_says_how_much_is_left_out() -> None:
    parsed = read(table((("a",), [(index,) for index in range(100)]), "what a is"))
    assert "and 60 more rows" in parsed.text
    assert parsed.text.rstrip().endswith("what a is")
    assert parsed.cells[-1] == "39"


def test_figures_stand_to_the_right_and_words_to_the_left() -> None:
    html = table((("name", "figure"), [("a", 1.5), ("b", None)]))
    sides = [part.partition(";")[0].partition('"')[0] for part in html.split("text-align:")[1:]]
    assert sides == ["left", "right"] * 3


def test_tables_scroll_inside_their_own_box() -> None:
    assert "overflow-x:auto" in table((("a",), []))
