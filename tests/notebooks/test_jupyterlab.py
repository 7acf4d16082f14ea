"""JupyterLab draws results: the frame of a cell, the widget, and the card of a notebook that is not trusted

JupyterLab and playwright are no test tools: ``pip install jupyterlab playwright``, and Chromium. Pictures
of what was seen are written to ``$VLMSCOPE_SCREENSHOTS``, or nowhere.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from chromium import browsing, needs_browser
from jupyterlab_server import Lab, jupyterlab

pytestmark = pytest.mark.long

GROUND = """\
import vlmscope as vs
from vlmscope.tiny import referring_samples

model = vs.load("tiny-llava")
[sample] = referring_samples([20_000_000])
g = vs.ground(model, sample.image, sample.phrase);"""
CELLS = (GROUND, "g", "vs.view(g)")
PATIENCE = 300_000
"""Milliseconds for any one thing: JupyterLab loads for over a minute where there is other work."""

IDLE = "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
COMMAND = "([name, values]) => window.jupyterapp.commands.execute(name, values).then(() => true)"
COLOURS = """canvas => {
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const seen = new Set();
    for (let i = 0; i < data.length; i += 4) seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
    return seen.size;
}"""
"""How many colours a canvas holds: an empty one has one."""
ON_TOP = """element => {
    const box = element.getBoundingClientRect();
    return document.elementFromPoint(box.x + box.width / 3, box.y + 40) === element;
}"""
LEFT_EDGES = (
    "terms => [...new Set(terms.map(term => Math.round(term.getBoundingClientRect().x)))].length"
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    needs_browser()
    for package in ("jupyterlab", "anywidget"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed, so no notebook is opened")
    place = tmp_path_factory.mktemp("lab")
    (place / "notebooks").mkdir()
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in CELLS],
        metadata={"kernelspec": kernel},
    )
    nbformat.write(notebook, place / "notebooks" / "look.ipynb")
    with jupyterlab(place / "notebooks", place / "home") as running:
        yield running


@pytest.fixture(scope="module")
def executed(lab: Lab) -> Iterator[Any]:
    """The page once all cells have run and the notebook is saved."""
    with browsing() as browser:
        page = browser.new_page(viewport={"width": 1400, "height": 1700})
        page.set_default_timeout(PATIENCE)
        page.goto(lab.address("look.ipynb"))
        page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        page.wait_for_function(IDLE)
        page.evaluate(COMMAND, ["notebook:run-all-cells", {}])
        page.wait_for_selector(".jp-OutputArea-output .v-view")
        page.evaluate(COMMAND, ["docmanager:save", {}])
        photograph(page, "trusted")
        yield page


def output(page: Any, cell: int) -> Any:
    """What is under a cell."""
    return page.locator(".jp-Notebook .jp-CodeCell").nth(cell).locator(".jp-OutputArea").first


def photograph(page: Any, name: str) -> None:
    """Keep what is seen, where a folder for it is named."""
    if kept := os.environ.get("VLMSCOPE_SCREENSHOTS"):
        page.screenshot(path=Path(kept) / f"jupyterlab-{name}.png")


def test_the_widget_is_drawn(executed: Any) -> None:
    heat = output(executed, 2).get_by_role("img", name="Heat map")
    assert heat.count() == 1 and heat.is_visible()
    assert heat.evaluate(COLOURS) > 50


def test_its_facts_stand_in_columns(executed: Any) -> None:
    """JupyterLab's own rules for lists in an output do not reach into the widget."""
    terms = output(executed, 2).locator("dl").first.locator("dt")
    assert terms.count() > 3
    assert terms.evaluate_all(LEFT_EDGES) == 1


def test_a_result_is_drawn_in_its_frame(executed: Any) -> None:
    frame = output(executed, 1).locator("iframe")
    assert frame.get_attribute("sandbox") == "allow-scripts allow-downloads"
    heat = frame.content_frame.get_by_role("img", name="Heat map")
    heat.wait_for()
    assert heat.evaluate(COLOURS) > 50
    frame.scroll_into_view_if_needed()
    assert frame.evaluate(ON_TOP), "the card lies over the frame"


def test_the_widget_follows_the_theme(executed: Any) -> None:
    root = output(executed, 2).locator(".vlmscope").first
    scheme = "element => getComputedStyle(element).colorScheme"
    assert root.evaluate(scheme) == "light"
    executed.evaluate(COMMAND, ["apputils:change-theme", {"theme": "JupyterLab Dark"}])
    executed.wait_for_selector(".vlmscope[style*='dark']", timeout=60_000)
    photograph(executed, "dark")
    assert root.evaluate(scheme) == "dark"


def test_a_notebook_that_is_not_trusted_shows_the_card(lab: Lab, executed: Any) -> None:
    notebook = nbformat.read(lab.folder / "look.ipynb", as_version=4)
    assert "iframe" in notebook.cells[1].outputs[0].data["text/html"]
    notebook.cells[0].source += "  # signed by nobody"
    nbformat.write(notebook, lab.folder / "sent.ipynb")
    executed.goto(lab.address("sent.ipynb"))
    shown = output(executed, 1)
    picture = shown.locator("img")
    picture.wait_for()
    photograph(executed, "untrusted")
    assert picture.is_visible() and picture.evaluate("image => image.naturalWidth") > 100
    assert "score" in shown.inner_text()
    assert executed.locator(".jp-Notebook :is(iframe, .v-view)").count() == 0
    assert "run the cell again" in output(executed, 2).inner_text()
