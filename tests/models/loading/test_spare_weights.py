"""Weights that fit nowhere are refused, but for the few that a family names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import dual_families
import vlmscope as vs
from families import llava
from lvlms import made
from sams import tiny_sam
from vlmscope.errors import ModelLoadError
from vlmscope.models import FAMILIES
from vlmscope.models.spare_weights import EVERYWHERE, SpareWeights, unexplained


def saved(folder: Path, model: Any) -> Path:
    model.hf.save_pretrained(folder)
    model.processor.save_pretrained(folder)
    return folder


def change_config(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))


def add_weights(folder: Path, *names: str) -> None:
    weights = load_file(folder / "model.safetensors")
    weights.update({name: torch.zeros(2) for name in names})
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def fewer(*path: str) -> Callable[[dict[str, Any]], None]:
    """Half as many layers in a part of the configuration."""

    def change(config: dict[str, Any]) -> None:
        for part in path:
            config = config[part]
        config["num_hidden_layers"] //= 2

    return change


@pytest.mark.parametrize(
    ("build", "part"),
    [
        (dual_families.vit, ()),
        (dual_families.deit, ()),
        (dual_families.clip, ("vision_config",)),
        (dual_families.siglip, ("text_config",)),
        (llava, ("text_config",)),
        (lambda: made("deepseek-vl"), ("text_config",)),
    ],
    ids=["vit", "deit", "clip", "siglip", "llava", "deepseek-vl"],
)
def test_half_a_model_is_refused(build: Any, part: tuple[str, ...], tmp_path: Path) -> None:
    folder = saved(tmp_path, build())
    change_config(folder, fewer(*part))
    with pytest.raises(ModelLoadError, match=r"weights that fit nowhere .*: \S*layers?\.\d"):
        vs.load(str(folder))


def test_a_sam_that_holds_more(tmp_path: Path) -> None:
    model, processor = tiny_sam()
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    add_weights(tmp_path, "mask_decoder.another_head.weight")
    with pytest.raises(ModelLoadError, match=r"1 weights .*mask_decoder\.another_head\.weight"):
        vs.load_sam(str(tmp_path))


@pytest.mark.parametrize(
    ("build", "spare"),
    [
        (dual_families.clip, "vision_model.embeddings.position_ids"),
        (dual_families.vit, "vit.pooler.dense.weight"),
        (dual_families.deit, "deit.pooler.dense.bias"),
        (dual_families.blip, "text_decoder.cls.predictions.bias"),
        (dual_families.blip, "text_encoder.pooler.dense.weight"),
        (llava, "language_model.model.layers.0.self_attn.rotary_emb.inv_freq"),
        (llava, "vision_tower.vision_model.head.probe"),
    ],
)
def test_what_real_checkpoints_hold_besides(build: Any, spare: str, tmp_path: Path) -> None:
    model = build()
    folder = saved(tmp_path, model)
    add_weights(folder, spare)
    weights = vs.load(str(folder)).hf.state_dict()
    assert all(torch.equal(value, weights[key]) for key, value in model.hf.state_dict().items())


def test_what_one_family_may_leave_over_another_may_not(tmp_path: Path) -> None:
    folder = saved(tmp_path, dual_families.clip())
    add_weights(folder, "vision_model.pooler.dense.weight")
    with pytest.raises(ModelLoadError, match=r"vision_model\.pooler\.dense\.weight"):
        vs.load(str(folder))


def test_every_entry_says_why() -> None:
    entries = [each for family in FAMILIES for each in family.spare_weights]
    assert entries
    assert all(len(each.reason) > 20 for each in (*EVERYWHERE, *entries))


def test_names_are_sorted_and_searched() -> None:
    keys = ["b.weight", "a.weight", "text.embeddings.position_ids", "a.position_ids.weight"]
    spare = [SpareWeights("^b", "reason")]
    assert unexplained(keys, spare) == ["a.position_ids.weight", "a.weight"]
