"""``--text-embeddings``: phrases looked up in a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import vlmscope as vs
from vlmscope.tiny import render_scene


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.fromarray(render_scene(0).image).save(tmp_path / "a.png")
    return tmp_path / "a.png"


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    vectors = vs.load("tiny-clip").text_embeddings(["a circle", "a star"]).clone()
    file = tmp_path / "texts.safetensors"
    save_file({"ring": vectors[0].clone(), "point": vectors[1].clone()}, file)
    return file


def test_ground_and_segment_look_phrases_up(run, picture: Path, texts: Path) -> None:
    words = ("--model", "tiny-clip", "--json", "-q")
    found = run("ground", picture, "ring", *words, "--text-embeddings", texts)
    assert found.code == 0, found.err
    plain = run("ground", picture, "a circle", *words, "--templates", "none")
    scores = [json.loads(each.out)["groundings"][0]["score"] for each in (found, plain)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-5)
    labels = run("segment", picture, "-c", "ring, point", *words, "--text-embeddings", texts)
    assert labels.code == 0, labels.err


def test_a_phrase_that_the_file_lacks_and_a_file_of_another_width(
    run, picture: Path, texts: Path, tmp_path: Path
) -> None:
    words = ("ground", picture, "rink", "--model", "tiny-clip", "--text-embeddings")
    missing = run(*words, texts)
    assert missing.code == 2 and "ring" in missing.err
    save_file({"rink": torch.ones(3)}, tmp_path / "narrow.safetensors")
    narrow = run(*words, tmp_path / "narrow.safetensors")
    assert narrow.code == 2 and "have 3 values each" in narrow.err
