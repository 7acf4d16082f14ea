"""``--text-tower``: the image tower of a model that answers in words, with the texts of its CLIP."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import vlmscope as vs
from vlmscope.cli.model_kind import named_methods
from vlmscope.methods.encoder import DenseMethod

INNER = ("--model", "tiny-llava", "--text-tower", "tiny-clip")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    image = np.full((60, 90, 3), 205, np.uint8)
    image[20:40, 30:60] = (200, 30, 30)
    Image.fromarray(image).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


def test_ground_runs_dense_methods_on_the_tower_inside(run, picture: Path) -> None:
    words = ("ground", picture, "a circle", *INNER, "--method", "clearclip", "--templates", "none")
    result = run(*words, "--json", "-q")
    assert result.code == 0, result.err
    tower = vs.vision_tower(vs.load("tiny-llava"), "tiny-clip")
    found = vs.ground(tower, picture, "a circle", method="clearclip", templates="none")
    record = json.loads(result.out)["groundings"][0]
    assert record["model"] == "tiny-llava+tiny-clip"
    assert record["score"] == found.score


def test_the_options_are_those_of_dense_methods() -> None:
    assert all(isinstance(each, DenseMethod) for each in named_methods(INNER, "tiny-llava"))


def test_segment_with_embeddings_from_a_file(run, picture: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    file = tmp_path / "texts.safetensors"
    save_file({"red thing": torch.randn(128), "floor": torch.randn(128)}, file)
    words = ("segment", picture, "--classes", "red thing, floor", *INNER)
    result = run(*words, "--text-embeddings", file, "--json", "-q")
    assert result.code == 0, result.err
    assert json.loads(result.out)["model"] == "tiny-llava+tiny-clip"


def test_an_encoder_needs_no_other_texts(run, picture: Path) -> None:
    words = ("segment", picture, "-c", "a, b", "--model", "tiny-clip", "--text-tower", "tiny-clip")
    result = run(*words)
    assert result.code == 2 and "tiny-clip is an encoder with texts already" in result.err
    result = run("ground", picture, "a circle", "--model", "tiny-llava", "--text-tower", "")
    assert result.code == 2 and "name of the model is empty" in result.err
