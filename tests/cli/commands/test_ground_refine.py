"""``vlmscope ground --refine``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sams import tiny_sam


@pytest.fixture
def words(checkpoint: Path, photo: Path) -> list[Any]:
    return ["ground", photo, "the red square", "--model", checkpoint, "--heads", "L2H1,L3H2"]


@pytest.fixture(scope="module")
def sam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sam")
    model, processor = tiny_sam()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def test_masks_are_refined(run: Any, words: list[Any], sam: Path) -> None:
    plain = json.loads(run(*words, "--json").out)["groundings"][0]
    result = run(*words, "--json", "--refine", sam)
    assert result.code == 0, result.err
    found = json.loads(result.out)["groundings"][0]
    record = found["details"]["refined"]
    assert record["model"] == str(sam)
    assert record["prompt"] == "box"
    assert found["box"] == plain["box"]
    assert found["mask_area"] != plain["mask_area"]
    assert "refined" not in plain["details"]


@pytest.mark.parametrize("prompt", ["point", "both", "mask"])
def test_something_else_prompts_it(run: Any, words: list[Any], sam: Path, prompt: str) -> None:
    result = run(*words, "--json", "--refine", sam, "--refine-prompt", prompt)
    assert result.code == 0, result.err
    assert json.loads(result.out)["groundings"][0]["details"]["refined"]["prompt"] == prompt


def test_a_prompt_that_cannot_be_is_refused_before_a_model_is_loaded(
    refused: Any, words: list[Any]
) -> None:
    nowhere = [*words[:3], "--model", "no/such-model"]
    refused([*nowhere, "--refine-prompt", "mask"], "--refine-prompt mask", "--refine")
    refused([*nowhere, "--refine", "no/sam", "--refine-prompt", "maks"], "'maks'", "mask")
    refused([*nowhere, "--say", "--refine-prompt", "mask"], "--refine-prompt does not go with it")


def test_what_is_no_sam_is_refused(refused: Any, words: list[Any], checkpoint: Path) -> None:
    refused([*words, "--refine", checkpoint], "model type 'llava'", "facebook/sam-vit-base")
    refused([*words, "--refine", "sam"], "Unknown SAM 'sam'", "facebook/sam-vit-base")
