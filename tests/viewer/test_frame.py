"""A cell's frame draws its compressed viewer, and lets the card through where no script runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browser import visited
from chromium import browsing, opened
from handmade import map_of, view_over
from vlmscope.post import PostOptions, locate
from vlmscope.results import Grounding

SIZE = (480, 640)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with browsing() as one:
        yield one


@pytest.fixture(scope="module")
def cell() -> str:
    """What a result gives a notebook, in a page with nothing else."""
    token_map = map_of(SIZE, [view_over((0, 0, 640, 480), (12, 16))])
    scores = np.linspace(-0.2, 0.6, 12 * 16)
    result = Grounding.of(
        locate(token_map, scores, PostOptions()),
        phrase="the red mug",
        method="by-hand",
        model="none",
        image=np.full((*SIZE, 3), (20, 120, 60), np.uint8),
        score=0.5,
        details={},
    )
    return f'<!doctype html><meta charset="utf-8"><body>{result._repr_html_()}</body>'


def test_the_compressed_viewer_draws_under_its_own_policy(cell: str, tmp_path: Path) -> None:
    (inside,) = re.findall(r'srcdoc="([^"]*)"', cell)
    place = tmp_path / "inside.html"
    place.write_text(unescape(inside), encoding="utf-8")
    document = visited(place.as_uri(), tmp_path)
    assert 'aria-label="Heat map"' in document and 'role="alert"' not in document


def test_the_frame_is_drawn_over_the_card(browser: Any, cell: str, tmp_path: Path) -> None:
    place = tmp_path / "cell.html"
    place.write_text(cell, encoding="utf-8")
    with opened(browser, place.as_uri()) as page:
        frame = page.locator("iframe").content_frame
        frame.get_by_role("img", name="Heat map").wait_for()
        assert frame.locator(":root").evaluate("window.violations") == []
        assert seen(page) != card_alone(browser, cell, tmp_path), "the card is still seen"


def test_the_card_is_seen_where_no_script_runs(browser: Any, cell: str, tmp_path: Path) -> None:
    place = tmp_path / "cell.html"
    place.write_text(cell, encoding="utf-8")
    page = browser.new_page(java_script_enabled=False)
    page.goto(place.as_uri())
    page.locator("iframe").content_frame.locator("#vlmscope").wait_for(state="attached")
    assert seen(page) == card_alone(browser, cell, tmp_path), "the frame hides the card"
    page.close()


def card_alone(browser: Any, cell: str, folder: Path) -> bytes:
    """What is seen of the card when there is no frame."""
    place = folder / "card.html"
    place.write_text(re.sub(r"<iframe.*</iframe>", "", cell, flags=re.DOTALL), encoding="utf-8")
    page = browser.new_page(java_script_enabled=False)
    page.goto(place.as_uri())
    picture = seen(page)
    page.close()
    return picture


def seen(page: Any) -> bytes:
    """The pixels where the card's picture lies."""
    return bytes(page.locator("body > div img").screenshot(animations="disabled"))
