"""Mistakes that are easily made: an empty model, punctuation for a phrase, a model nobody covers."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Refused = Callable[..., str]


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_model_is_neither_the_default_nor_this_folder(
    refused: Refused, photo: Path, name: str
) -> None:
    scenes = ["--samples", "tiny-scenes:1"]
    refused(["ground", photo, "a dog", "--model", name], "name of the model is empty")
    refused(["doctor", name], "name of the model is empty")
    refused(["flow", name, *scenes], "name of the model is empty")
    refused(["heads", "discover", "--model", name, *scenes], "empty")


@pytest.mark.parametrize("phrase", ["...", "?!", "—", "« »"])
def test_punctuation_alone_names_nothing(refused: Refused, photo: Path, phrase: str) -> None:
    refused(["ground", photo, phrase], "holds no word, only punctuation")


def test_an_image_comes_in_on_stdin(
    run: Run, checkpoint: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("a dog", "--model", checkpoint, "--heads", "L1H2", "--json")
    want = json.loads(run("ground", photo, *words).out)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(photo.read_bytes())))
    got = json.loads(run("ground", "-", *words).out)
    assert got["image"] == "stdin"
    assert got["groundings"][0]["box"] == want["groundings"][0]["box"]


def test_nothing_on_stdin_is_said(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    refused(["tokens", "-"], "The image stdin is empty")
    monkeypatch.setattr(sys, "stdin", None)
    refused(["ground", "-", "a dog"], "nothing comes in")
    refused(["segment", "-", "--classes", "dog"], "Images come from files here")


def test_a_name_too_long_for_a_file_is_no_fault(refused: Refused) -> None:
    refused(["heads", "show", "a" * 5000], "A head is written L14H24")
    refused(["segment", "a" * 5000, "--classes", "dog"], "There is no image or folder")


@pytest.mark.parametrize("content", ["[" * 100_000, '{"tau": NaN}', '{"heads": {"a": 1}}'])
def test_a_damaged_head_file_is_one_sentence(
    refused: Refused, tmp_path: Path, content: str
) -> None:
    (tmp_path / "h.json").write_text(content)
    message = refused(["heads", "show", tmp_path / "h.json"], "h.json")
    assert "fault of vlmscope" not in message


def test_doctor_finds_fault_with_a_model_that_no_family_covers(run: Run, tmp_path: Path) -> None:
    config = {"model_type": "bert", "hidden_size": 32, "num_hidden_layers": 1}
    sizes = {"num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 50}
    (tmp_path / "config.json").write_text(json.dumps({**config, **sizes}))
    result = run("doctor", tmp_path, "--json")
    assert result.code == 1
    assert any("which no family" in each for each in json.loads(result.out)["problems"])


def test_doctor_finds_fault_with_a_missing_processor(
    run: Run, checkpoint: Path, tmp_path: Path
) -> None:
    assert run("doctor", checkpoint).code == 0
    for name in ("config.json", "model.safetensors"):
        shutil.copy(checkpoint / name, tmp_path / name)
    result = run("doctor", tmp_path, "--json")
    assert result.code == 1
    (problem,) = json.loads(result.out)["problems"]
    assert "processor" in problem
