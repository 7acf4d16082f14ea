"""A cell's frame draws its compressed viewer, and lets the card through where no script runs."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

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
        off = abs(seen(page) - card_alone(browser, cell, tmp_path)).mean()
        assert off > 20, "the card is still seen"


def test_the_card_is_seen_where_no_script_runs(browser: Any, cell: str, tmp_path: Path) -> None:
    place = tmp_path / "cell.html"
    # not by the browser's switch: it now and then comes too late for a frame in another process
    scriptless = cell.replace('sandbox="allow-scripts ', 'sandbox="')
    assert scriptless != cell
    place.write_text(scriptless, encoding="utf-8")
    page = browser.new_page()
    page.goto(place.as_uri())
    page.locator("iframe").content_frame.locator("#vlmscope").wait_for(state="attached")
    alone = card_alone(browser, cell, tmp_path)
    end = time.monotonic() + 10  # until the frame is painted, it may be white
    while (off := abs(seen(page) - alone).mean()) > 1 and time.monotonic() < end:
        page.wait_for_timeout(100)
    assert off <= 1, "the frame hides the card"
    page.close()


def card_alone(browser: Any, cell: str, folder: Path) -> np.ndarray:
    """What is seen of the card when there is no frame."""
    place = folder / "card.html"
    place.write_text(re.sub(r"<iframe.*</iframe>", "", cell, flags=re.DOTALL), encoding="utf-8")
    page = browser.new_page()
    page.goto(place.as_uri())
    picture = seen(page)
    page.close()
    return picture


def seen(page: Any) -> np.ndarray:
    """The pixels where the card's picture lies, (height, width, 3)."""
    picture = page.locator("body > div img").screenshot(animations="disabled")
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)
