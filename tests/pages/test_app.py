"""The app in a browser: what is asked is seen, by pointer and by keyboard, and nothing breaks out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

PAINTED = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let sum = 0;
  for (let at = 0; at < data.length; at += 4) sum = (sum * 31 + data[at] + 7 * data[at + 3]) % 1e9;
  return data.some((value) => value > 0) ? sum : null;
}"""
STOPS = """() => [...document.querySelectorAll(
  "a[href], button, input, select, textarea, summary, [tabindex]"
)].filter((each) => each.tabIndex >= 0 && !each.disabled && each.checkVisibility()
  && each.getClientRects().length > 0)"""
NAME = "(each) => each.getAttribute('aria-label') ?? each.textContent.trim()"
NASTY = "<b>עברית & “x”.jpg"  # a file of the folder
HOSTILE = "<img src=x onerror=alert(1)><b>כדור</b> ‮abc"


def ask(page: Any, phrase: str) -> None:
    """Type a phrase, and wait until the page has said what it found."""
    page.get_by_label("Phrase", exact=True).fill(phrase)
    page.locator(".a-words", has_text=f"{phrase}").wait_for()
    page.locator(".a-ground-view:not(.a-stale)").wait_for()


def painted(page: Any) -> int | None:
    """A number for what is on the heat map; None: nothing."""
    page.evaluate(
        "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
    )
    number: int | None = page.get_by_role("img", name="Heat map").first.evaluate(PAINTED)
    return number


def focus(page: Any) -> str:
    """Accessible name of what has the focus."""
    name: str = page.evaluate(f"({NAME})(document.activeElement)")
    return name


def tab_to(page: Any, name: str) -> None:
    """Press Tab until something of this name has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if focus(page) == name:
            return
    pytest.fail(f"The tab key never comes to {name!r}")


def test_a_phrase_is_drawn_and_heads_are_seen(page: Any) -> None:
    ask(page, "the red circle")
    own = painted(page)
    assert own is not None
    cell = page.get_by_role("grid", name="Heads").get_by_role("gridcell", name="L2H3", exact=True)
    cell.hover()
    hovered = painted(page)
    assert hovered not in (own, None)
    assert "L2H3" in page.locator(".v-legend-title").first.inner_text()
    cell.click()
    page.mouse.move(0, 0)
    assert cell.get_attribute("aria-selected") == "true"
    assert painted(page) == hovered
    page.get_by_role("button", name="None", exact=True).click()
    assert painted(page) == own


def test_layers_are_blocked_one_window_after_the_other(page: Any) -> None:
    page.get_by_role("button", name="Does it matter").click()
    page.get_by_label("Question", exact=True).last.fill("What is this?")
    page.get_by_role("button", name="Block", exact=True).click()
    slider = page.get_by_role("slider", name="Blocked layers")
    first = slider.get_attribute("aria-valuetext")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") not in (first, None)


@pytest.mark.parametrize("mode", ["Look", "Does it matter", "Side by side", "Folder"])
def test_the_tab_key_comes_to_everything(page: Any, mode: str) -> None:
    if mode == "Look":
        ask(page, "the red circle")
    page.get_by_role("button", name=mode, exact=True).click()
    if mode == "Folder":
        page.locator(".a-thumbnails img").first.wait_for()
    count = page.evaluate(f"window.stops = ({STOPS})(); window.stops.length")
    assert count > 10
    page.evaluate("document.activeElement?.blur(); window.left = new Set(window.stops)")
    for _ in range(count + 5):
        page.keyboard.press("Tab")
        page.evaluate("window.left.delete(document.activeElement)")
    assert page.evaluate(f"[...window.left].map({NAME})") == []


def test_the_keyboard_alone_does_all(page: Any) -> None:
    press = page.keyboard.press
    press("/")
    assert focus(page) == "Phrase"
    page.keyboard.insert_text("the blue square")
    page.locator(".a-words", has_text="the blue square").wait_for()
    own = painted(page)
    tab_to(page, "L0H0")
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "Enter"):
        press(key)
    assert focus(page) == "L2H1"
    assert painted(page) not in (own, None)
    cell = page.get_by_role("gridcell", name="L2H1", exact=True)
    assert cell.get_attribute("aria-selected") == "true"
    assert cell.evaluate("(each) => getComputedStyle(each).outlineStyle") != "none"
    press("Escape")
    assert cell.get_attribute("aria-selected") == "false"
    page.evaluate("document.activeElement.blur()")
    tab_to(page, "Ask")
    press("Enter")
    tab_to(page, "Question")
    page.keyboard.insert_text("What is in the picture?")
    press("Enter")
    page.locator(".a-words", has_text="The model says").wait_for()
    tab_to(page, "Image tokens")
    press("ArrowRight")
    assert "Point at" not in page.locator(".v-probe").last.inner_text()


def test_an_address_brings_everything_back(page: Any) -> None:
    ask(page, "the red circle")
    page.get_by_role("gridcell", name="L3H1", exact=True).click()
    page.wait_for_url("**locked=L3H1**")
    page.mouse.move(0, 0)
    before = painted(page)
    page.reload()
    page.get_by_role("gridcell", name="L3H1", exact=True).wait_for()
    assert page.get_by_label("Phrase", exact=True).input_value() == "the red circle"
    page.locator('[aria-label="L3H1"][aria-selected="true"]').wait_for()
    assert painted(page) == before


def test_what_takes_long_is_cancelled(page: Any, held_up: Callable[[], None]) -> None:
    page.get_by_label("Phrase", exact=True).fill("the green star")
    page.locator(".a-words", has_text="Waiting").wait_for()
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_text("Cancelled.").wait_for()
    held_up()
    page.get_by_role("button", name="Cancel", exact=True).wait_for(state="hidden")
    assert page.get_by_role("gridcell").count() == 0, "a cancelled question was answered"
    ask(page, "the red circle")
    assert painted(page) is not None


@pytest.fixture
def held_up(service: Any) -> Any:
    """The model is busy until this is called."""
    from vlmscope.app.engine.job import Job

    begun, released = threading.Event(), threading.Event()
    job = Job("slow", "", "/slow", lambda: (begun.set(), released.wait(60)))
    service.queue.submit(job)
    assert begun.wait(30)
    yield released.set
    released.set()
    job.future.exception(30)


def test_markup_stays_text(page: Any) -> None:
    ask(page, HOSTILE)
    assert HOSTILE in page.locator(".v-legend-title").first.inner_text()
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_label("Question", exact=True).first.fill(HOSTILE)
    page.get_by_label("Question", exact=True).first.press("Enter")
    page.locator(".a-words", has_text="The model says").wait_for()
    page.get_by_role("button", name="Folder", exact=True).click()
    page.locator(".a-thumbnails img").first.wait_for()
    assert "<img src=x" in page.locator(".a-thumbnails").inner_text()
    page.locator(".a-thumbnails button").last.click()
    page.locator(".a-object", has_text=NASTY).wait_for()
    assert page.locator("#vlmscope :is(b, i:not([class])), img[src=x]").count() == 0
