"""The pictures of docs/need.md are those that their script draws, small, and of the scene that it names."""

from __future__ import annotations

import importlib.util
import io
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("need", DOCS / "building" / "need.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["need"] = module  # its dataclass looks its own module up
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DOCS / "building"))  # its neighbours, as when it is run
        spec.loader.exec_module(module)
    return module


def test_the_page_shows_what_the_script_draws(script: ModuleType) -> None:
    page = (DOCS / "need.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\(images/(need-[\w.]+)\)", page) == list(script.PICTURES)
    assert f"render_scene({script.SEED:_})" in page and script.QUESTION in page
    for name in script.PICTURES:
        assert (DOCS / "images" / name).stat().st_size < 60_000, name


def test_a_picture_is_the_one_that_is_drawn(script: ModuleType) -> None:
    drawn = script.heat_maps(script.load(), script.scene())
    assert "'blue'" in drawn.figures[0]
    stream = io.BytesIO()
    drawn.picture.save(stream, "JPEG", quality=88)
    again = np.asarray(Image.open(stream), dtype=float)
    kept = np.asarray(Image.open(DOCS / "images" / "need-maps.jpg"), dtype=float)
    assert kept.shape == again.shape
    assert np.abs(kept - again).mean() < 2
