"""Thinkers out of checkpoints that hold all parts of a model, as those on the hub do."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import vlmscope as vs
from lvlms import made
from vlmscope.doctor.footprint import footprint

WHOLE = {
    "qwen2.5-omni-thinker": ("qwen2_5_omni", "token2wav.x"),
    "qwen3-omni-thinker": ("qwen3_omni_moe", "code2wav.x"),
}


@pytest.mark.parametrize("name", list(WHOLE))
def test_the_thinker_of_a_whole_checkpoint_is_loaded(name: str, tmp_path: Path) -> None:
    model, (kind, spoken) = made(name), WHOLE[name]
    model.hf.save_pretrained(tmp_path)
    model.processor.save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    whole = {f"thinker.{key}": value for key, value in weights.items()}
    whole |= {"talker.x": torch.zeros(2), spoken: torch.zeros(2)}
    save_file(whole, tmp_path / "model.safetensors", {"format": "pt"})
    thinker = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(
        json.dumps({"model_type": kind, "thinker_config": thinker})
    )
    loaded = vs.load(str(tmp_path), device="cpu")
    assert loaded.family.id == name
    pixels = np.random.default_rng(0).integers(0, 256, (70, 100, 3), dtype=np.uint8)
    rows = []
    for each in (model, loaded):
        with vs.capture(each) as trace:
            vs.prefill(each, pixels, "a dog")
        rows.append(trace.maps)
    torch.testing.assert_close(*rows, atol=1e-6, rtol=0)
    assert footprint(str(tmp_path)).picture.unknown == ""
    outline = vs.load_outline(str(tmp_path))
    tokens = vs.token_map(outline, pixels, "a dog")
    assert len(tokens.image_positions) == rows[0].shape[-1]
