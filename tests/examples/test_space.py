"""The hosted demonstration: its function grounds, its page has what it needs, its files fit together."""

from __future__ import annotations

import html
import runpy
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from views import view_in
from vlmscope.errors import VlmscopeError
from vlmscope.tiny import referring_samples

FOLDER = Path(__file__).parents[2] / "examples" / "space"


class Part:
    """A part of Gradio that keeps what it was made with."""

    def __init__(self, *values: Any, **named: Any) -> None:
        self.values, self.named = values, named


@pytest.fixture(scope="module")
def app() -> dict[str, Any]:
    gradio = ModuleType("gradio")
    for name in ("Image", "Textbox", "HTML", "Interface"):
        setattr(gradio, name, type(name, (Part,), {}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "gradio", gradio)
        return runpy.run_path(str(FOLDER / "app.py"))


def test_it_grounds_a_phrase(app: dict[str, Any]) -> None:
    [sample] = referring_samples([20_000_000])
    picture, page = app["look"](sample.image, sample.phrase)
    assert picture.width >= sample.image.shape[1]
    view = view_in(page)
    assert sample.phrase in view.title and view.blocks[0]["type"] == "scene"
    assert html.escape("<main") in page, "the viewer stands in a frame, where its script runs"


def test_a_fault_is_a_sentence(app: dict[str, Any]) -> None:
    [sample] = referring_samples([20_000_000])
    with pytest.raises(VlmscopeError, match="phrase"):
        app["look"](sample.image, "")


def test_its_page_takes_and_shows_as_many_as_the_function(app: dict[str, Any]) -> None:
    function, inputs, outputs = app["page"].values
    assert function.__name__ == "look" and (len(inputs), len(outputs)) == (2, 2)


def test_its_files_fit_together() -> None:
    _, head, _ = (FOLDER / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    about = yaml.safe_load(head)
    assert (about["sdk"], about["app_file"]) == ("gradio", "app.py")
    assert (FOLDER / about["app_file"]).is_file()
    needed = (FOLDER / "requirements.txt").read_text(encoding="utf-8").split()
    assert needed == ["vlmscope", "gradio>=5"]
