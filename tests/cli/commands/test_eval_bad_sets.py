"""``eval`` on label maps that are wrong in every way at once: each image with its reason, nothing lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file

import vlmscope as vs
from vlmscope.data.tiny_sets import make_tiny


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad") / "set"
    make_tiny("voc21", folder, 9)
    return folder


def at(root: Path, place: int) -> Path:
    return root / f"VOCdevkit/VOC2012/SegmentationClass/val_00000{place}.png"


def put(root: Path, place: int, values: NDArray[Any]) -> None:
    Image.fromarray(values).save(at(root, place))


def values_of(root: Path, place: int) -> NDArray[np.uint8]:
    return np.array(Image.open(at(root, place)))


def test_every_image_has_its_reason_and_the_rest_is_measured(run: Any, root: Path) -> None:
    words = ["eval", "voc21", "--root", root, "--words", root / "words.json", "-m", "tiny-clip"]
    words += ["--method", "clip", "--task", "segmentation", "--protocol", "free", "--json", "-q"]
    words += ["--options", "clip.window=96", "--keep-ratio"]
    whole = json.loads(run(*words).out)
    beyond = values_of(root, 0)
    beyond[:3] = 77
    put(root, 0, beyond)
    many = values_of(root, 1).astype(np.uint16)
    many[:2] = 259
    put(root, 1, many)
    put(root, 2, np.stack([values_of(root, 2)] * 3, axis=-1))
    put(root, 3, values_of(root, 3)[:-4])
    at(root, 4).unlink()
    put(root, 5, values_of(root, 5).astype(np.uint16))  # as good as it was
    put(root, 6, values_of(root, 6))  # a palette no more
    small = np.full((5, 9, 3), 90, dtype=np.uint8)  # smaller than a window
    Image.fromarray(small).save(root / "VOCdevkit/VOC2012/JPEGImages/val_000007.jpg")
    put(root, 7, np.ones((5, 9), dtype=np.uint8))
    refused = run(*words)
    assert refused.code == 2
    assert "1 of the 9 images of voc21 val are missing. The first" in json.loads(refused.out)[
        "error"
    ]["message"]  # fmt: skip
    found = run(*words, "--partial")
    assert found.code == 1
    report = json.loads(found.out)
    reasons = {each["image"]: each["reason"] for each in report["skipped"]}
    assert report["images"] == 4 and len(reasons) == 5
    expected = {
        "val_000000": "holds 77 in 384 pixels",
        "val_000001": "holds 259 in 256 pixels",
        "val_000002": "has colours (mode RGB)",
        "val_000003": "is 124x128 (height x width), its image is 128x128",
        "val_000004": "There is no label map",
    }
    assert all(text in reasons[image] for image, text in expected.items())
    assert "5 images were skipped:" in found.err and "partial: 8 of 9 images" in found.err
    scores = report["runs"][0]["scores"]
    # 16 bits and grey are the same numbers: images 5, 6 and 8 are what they were, 7 has 45 pixels
    assert scores["mIoU"]["images"] == 4
    assert whole["runs"][0]["scores"]["mIoU"]["images"] == 9


def test_embeddings_that_lack_names_say_how_many(refused: Any, run: Any, tmp_path: Path) -> None:
    words = ["eval", "tiny-scenes", "--limit", "1", "-m", "tiny-clip", "--method", "clip", "-q"]
    vectors = vs.load("tiny-clip").text_embeddings(["a star", "a ring"])
    table = tmp_path / "texts.safetensors"
    save_file({"red star": vectors[0].clone(), "red ring": vectors[1].clone()}, table)
    refused(
        [*words, "--text-embeddings", table],
        "Unknown phrase with an embedding",
        "more of the 48 names",
        "Add an embedding for every name of the word list",
    )
    save_file({"red star": vectors[0, :3].clone()}, table)
    refused([*words, "--text-embeddings", table], "have 3 values each", "joint space has 128")
