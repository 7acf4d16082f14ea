"""``vlmscope daam``: a prompt in, words on the drawn picture out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vlmscope as vs
from pipelines import diffusion_pipeline


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    place = tmp_path_factory.mktemp("pipeline")
    diffusion_pipeline().save_pretrained(place)
    return str(place)


def test_words_of_a_picture(run: Any, folder: str, tmp_path: Path) -> None:
    places = {name: tmp_path / name for name in ("a.png", "words.png", "a.html", "a.json")}
    done = run(
        *("daam", "a red circle and a dog", "dog", "red circle", "--model", folder),
        *("--steps", "2", "--seed", "7", "--size", "32x48", "--device", "cpu"),
        *("--picture", places["a.png"], "--overlays", places["words.png"]),
        *("--html", places["a.html"], "--out", places["a.json"]),
    )
    assert done.code == 0, done.err
    assert "not of a photograph" in done.out
    expected = vs.draw_words(
        vs.load_pipeline(folder, device="cpu"),
        "a red circle and a dog",
        steps=2,
        seed=7,
        size=(32, 48),
        progress=False,
    )
    assert np.array_equal(np.asarray(Image.open(places["a.png"])), expected.image)
    written = json.loads(places["a.json"].read_text())
    assert written == json.loads(json.dumps(expected.to_dict(("dog", "red circle"))))
    assert Image.open(places["words.png"]).width > 48
    assert "drawn by" in places["a.html"].read_text()


@pytest.mark.parametrize(
    "words, said",
    [
        (("cat",), "does not hold 'cat'"),
        (("--size", "big"), "HEIGHTxWIDTH"),
        (("--steps", "0"), "at least 1 step"),
    ],
)
def test_bad_input(run: Any, folder: str, words: tuple[str, ...], said: str) -> None:
    done = run(
        "daam",
        "a dog",
        *words,
        "--model",
        folder,
        *(() if "--steps" in words else ("--steps", "1")),
    )
    assert done.code == 2 and said in done.err and "Traceback" not in done.err
