"""Modes of the app and pages, at three widths, light and dark: kept to be looked at, checked by axe

The pictures are written to ``$VLMSCOPE_SCREENSHOTS``, or nowhere. axe-core comes with ``npm ci`` in
viewer/; without it the checks are skipped.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import vlmscope as vs
from chromium import opened
from vlmscope.analysis.knockout import KnockoutOptions
from vlmscope.data.questions import scene_questions
from vlmscope.demo import DemoOptions, tell, write_page
from vlmscope.labels import LabelFolder
from vlmscope.labels.audit import audit_labels
from vlmscope.models import LoadedModel

AXE = Path(__file__).parents[2] / "viewer/node_modules/axe-core/axe.min.js"
WIDTHS = {1440: 900, 1024: 768, 390: 844}
PAGES = ("demo", "knockout", "audit")
SERIOUS = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html, failureSummary }) =>
      html.slice(0, 160) + " " + failureSummary).join(" | ")}`);
}"""
NO_WIDER = "document.documentElement.scrollWidth <= innerWidth"


@pytest.fixture(scope="module")
def pages(llava: LoadedModel, labels: Path, tmp_path_factory: Any) -> Path:
    """A folder of pages that need no server."""
    place: Path = tmp_path_factory.mktemp("pages")
    small = DemoOptions(discovery=16, verification=10, sheet=4, search=6)
    write_page(tell(llava, small, progress=False), place / "demo.html")
    audit_labels(LabelFolder.open(labels), place / "audit.html")
    options = KnockoutOptions(width=2, ask=True)
    swept = vs.knockout_sweep(llava, scene_questions(3, ["colour"]), options)
    swept.view().write(place / "knockout.html")
    return place


def look(page: Any) -> None:
    page.get_by_label("Phrase", exact=True).fill("the red circle")
    page.get_by_role("gridcell", name="L2H3", exact=True).click()
    page.locator(".a-ground-view:not(.a-stale)").wait_for()


def ask(page: Any) -> None:
    look(page)
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_label("Question", exact=True).first.fill("What is in the picture?")
    page.get_by_label("Question", exact=True).first.press("Enter")
    page.locator(".a-ask-view .v-words").wait_for()


def matter(page: Any) -> None:
    look(page)
    page.get_by_role("button", name="Does it matter").click()
    page.get_by_label("Question", exact=True).last.fill("What is in the picture?")
    page.get_by_role("button", name="Block", exact=True).click()
    page.get_by_role("slider", name="Blocked layers").wait_for()


def compare(page: Any) -> None:
    page.get_by_label("Phrase", exact=True).fill("the red circle")
    page.get_by_role("button", name="Side by side").click()
    page.get_by_role("button", name="Compare methods").click()
    page.locator(".a-compare canvas").first.wait_for()


def patch(page: Any) -> None:
    look(page)
    page.get_by_role("button", name="Patch", exact=True).click()
    page.get_by_label("Patch number").fill("7")
    page.get_by_label("Patch number").press("Enter")
    page.locator(".a-lens").wait_for()


def folder(page: Any) -> None:
    page.get_by_role("button", name="Folder", exact=True).click()
    page.locator(".a-thumbnails img").first.wait_for()


MODES: tuple[Callable[[Any], None], ...] = (look, ask, matter, compare, patch, folder)


def each_look() -> Iterator[dict[str, Any]]:
    for width, height in WIDTHS.items():
        for scheme in ("light", "dark"):
            yield {"viewport": {"width": width, "height": height}, "color_scheme": scheme}


def check(page: Any, name: str, options: dict[str, Any]) -> list[str]:
    """Keep what is seen; what axe finds serious, and what is wider than the page."""
    width, scheme = options["viewport"]["width"], options["color_scheme"]
    page.wait_for_timeout(300)
    kept = os.environ.get("VLMSCOPE_SCREENSHOTS")
    if kept:
        Path(kept).mkdir(parents=True, exist_ok=True)
        path = Path(kept) / f"{name}-{width}-{scheme}.png"
        page.screenshot(path=path, full_page=True)
    faults = [] if page.evaluate(NO_WIDER) else ["it is wider than the window"]
    if width != 1024:
        page.evaluate(AXE.read_text(encoding="utf-8"))
        faults += page.evaluate(SERIOUS)
    return [f"{name}, {width}, {scheme}: {fault}" for fault in faults]


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.__name__)
def test_modes(mode: Callable[[Any], None], browser: Any, address: str, picture: Path) -> None:
    _needs_axe()
    faults = []
    for options in each_look():
        with opened(browser, f"{address}#mode=look", **options) as page:
            page.get_by_label("Image", exact=True).set_input_files(picture)
            page.get_by_text("Picture opened.").wait_for()
            mode(page)
            faults += check(page, mode.__name__, options)
    assert faults == []


@pytest.mark.long
@pytest.mark.parametrize("name", PAGES)
def test_pages(name: str, browser: Any, pages: Path) -> None:
    _needs_axe()
    faults = []
    for options in each_look():
        with opened(browser, (pages / f"{name}.html").as_uri(), **options) as page:
            page.locator("h1").wait_for()
            faults += check(page, name, options)
    assert faults == []


def _needs_axe() -> None:
    if not AXE.exists():
        pytest.skip("axe-core is absent, so nobody checks what is seen: cd viewer && npm ci")
