"""``vlmscope ground --say``."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import vlmscope.methods
from answers import dictated, talker

HEADS = "L1H1,L2H0,L2H5"


@pytest.fixture(scope="module")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("qwen")
    model = talker()
    model.hf.save_pretrained(folder)
    model.processor.save_pretrained(folder)
    return folder


@pytest.fixture
def words(qwen: Path, photo: Path) -> list[Any]:
    return ["ground", photo, "the red circle", "--say", "--model", qwen, "--heads", HEADS]


@pytest.fixture
def speaks(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Decides what the model answers."""

    def decide(answer: str) -> None:
        original = vlmscope.methods.compare_answer
        said = dictated(talker(), answer)
        room = said.pop("max_new_tokens")

        def compare(*args: Any, **how: Any) -> Any:
            fresh = dictated(talker(), answer)
            fresh.pop("max_new_tokens")
            return original(*args, max_new_tokens=room, generation=fresh, **how)

        monkeypatch.setattr(vlmscope.methods, "compare_answer", functools.wraps(original)(compare))

    return decide


def test_a_table_of_what_it_says(run: Any, words: list[Any], speaks: Any) -> None:
    speaks("(100,200),(500,800)")
    result = run(*words)
    assert result.code == 0, result.err
    header, row = result.out.splitlines()
    assert header.split()[:5] == ["phrase", "x0", "y0", "x1", "y1"]
    assert row.removeprefix("the red circle").split()[:4] == ["9.0", "12.0", "45.0", "48.0"]
    assert "no box" not in result.err


def test_json_and_a_picture(run: Any, words: list[Any], speaks: Any, tmp_path: Path) -> None:
    speaks("(100,200),(500,800)")
    picture = tmp_path / "both.png"
    result = run(*words, "--json", "--out", picture, "--smoothing", "none")
    assert result.code == 0, result.err
    record = json.loads(result.out)
    (found,) = record["comparisons"]
    assert found["said"] == pytest.approx([9, 12, 45, 48])
    assert set(found["iou"]) == {"said/box", "said/last_text", "box/last_text"}
    assert found["looked"]["box"]["details"]["post"]["smoothing"] == "none"
    assert record["written"] == [str(picture)] and Image.open(picture).width > 900


def test_no_box_is_said_and_one_picture_each(
    run: Any, words: list[Any], speaks: Any, tmp_path: Path
) -> None:
    speaks("a dog")
    result = run(*words[:2], "pizza", *words[2:], "--out", tmp_path / "pictures")
    assert result.code == 0
    assert result.out.splitlines()[1].split() == ["pizza", *"------"]
    assert "'pizza': The answer holds no box" in result.err
    assert len(list((tmp_path / "pictures").iterdir())) == 2


def test_what_does_not_go_with_it(refused: Any, words: list[Any], tmp_path: Path) -> None:
    refused([*words, "--rows", "last_text"], "--rows does not go with it")
    refused([*words, "--method", "gem"], "--method")
    refused([*words, "--arrays"], "--arrays does not")
    many = [*words[:2], "pizza", *words[2:]]
    refused([*many, "--out", tmp_path / "one.png"], "give --out a folder", "'one.png'")
    refused(["ground", words[1], "dog", "--say", "--model", "tiny-clip"], "encoder")
