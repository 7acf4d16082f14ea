"""The two painters, Pillow here and the viewer in a browser, give the same picture."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from browser import probed, visited
from handmade import map_of, view_over
from vlmscope.export.site import write_site
from vlmscope.post import PostOptions, locate
from vlmscope.results import Grounding
from vlmscope.results.scene import scene_block
from vlmscope.types import TokenMap
from vlmscope.viewer import View

SIZE = (480, 640)  # small enough and large enough to be drawn pixel by pixel

READ = """
  const drawn = (canvas) => {
    const { data } = canvas.getContext("2d").getImageData(320, 240, 1, 1);
    return data[3] > 0;
  };
  const layers = [...document.querySelectorAll("canvas.v-layer")];
  for (let n = 0; n < 400 && !layers.every(drawn); n++) await new Promise((go) => setTimeout(go, 25));
  await new Promise((go) => setTimeout(go, 300));
  const pictures = [];
  for (let n = 0; n < layers.length; n += 2) {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [640, 480];
    const context = canvas.getContext("2d");
    context.drawImage(layers[n], 0, 0);
    context.drawImage(layers[n + 1], 0, 0);
    const { data } = context.getImageData(0, 0, 640, 480);
    let text = "";
    for (let i = 0; i < data.length; i += 4) {
      text += String.fromCharCode(data[i], data[i + 1], data[i + 2]);
    }
    pictures.push([layers[n + 1].width, layers[n + 1].height, btoa(text)]);
  }
  return pictures;
"""


def whole() -> TokenMap:
    return map_of(SIZE, [view_over((0, -80, 640, 560), (16, 16))], "pad")


def cropped() -> TokenMap:
    return map_of(SIZE, [view_over((80, 0, 560, 480), (24, 24))], "crop")


def tiled() -> TokenMap:
    """Two tiles that overlap, and the whole image once more, coarsely."""
    boxes = [((0, 0, 340, 480), (12, 8)), ((300, 0, 640, 480), (12, 8)), ((0, 0, 640, 480), (5, 6))]
    views, first = [], 0
    for box, grid in boxes:
        views.append(view_over(box, grid, first))
        first += grid[0] * grid[1]
    return map_of(SIZE, views)


def grounded(token_map: TokenMap, seed: int) -> Grounding:
    """Any map, below zero in part, on a picture of every colour."""
    rng = np.random.default_rng(seed)
    cells = len(token_map.image_positions)
    located = locate(token_map, rng.normal(-0.1, 0.3, cells), PostOptions())
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    image = np.stack([x * 255 // SIZE[1], y * 255 // SIZE[0], (x * y) % 256], axis=-1)
    return Grounding.of(
        located,
        phrase="the red mug",
        method="by-hand",
        model="none",
        image=image.astype(np.uint8),
        score=0.5,
        details={},
    )


def test_the_viewer_paints_what_the_overlay_paints(tmp_path: Path) -> None:
    groundings = [grounded(each(), seed) for seed, each in enumerate((whole, cropped, tiled))]
    blocks = [
        scene_block(each, name=f"s{number}", lossless=True)
        for number, each in enumerate(groundings)
    ]
    pictures = probed(View("Pixels", "", blocks), READ, tmp_path)
    assert len(pictures) == len(groundings), pictures
    for grounding, (width, height, text) in zip(groundings, pictures, strict=True):
        assert (height, width) == SIZE, "the heat map was drawn at another size"
        drawn = np.frombuffer(base64.b64decode(text), np.uint8).reshape(*SIZE, 3).astype(int)
        expected = np.asarray(grounding.overlay(show=("heatmap",))).astype(int)
        off = abs(drawn - expected)
        assert off.max() <= 2 and off.mean() <= 0.5, (off.max(), off.mean())


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """The address of a site of one result, on a server of files."""
    grounded(whole(), 0).view().write(tmp_path / "mug.view")
    write_site([tmp_path / "mug.view"], tmp_path / "site", "Results")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "site"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_site_is_drawn_from_a_server_of_files(site: str, tmp_path: Path) -> None:
    document = visited(f"{site}/mug.html", tmp_path)
    assert 'aria-label="Heat map"' in document
    assert "v-stage" in document
