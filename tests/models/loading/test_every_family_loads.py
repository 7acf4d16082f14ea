"""Every family from a folder, by Pillow alone: the same rows as the model that was saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import vlmscope as vs
from lvlms import all_builds, made, waiting
from vlmscope.doctor.footprint import footprint
from vlmscope.doctor.picture_cost import SIZE
from vlmscope.models import FAMILIES, DualFamily, LoadedModel

DECODERS = [family.id for family in FAMILIES if not isinstance(family, DualFamily)]


def test_every_family_has_a_build_of_its_name() -> None:
    assert set(DECODERS) <= set(all_builds())


def test_builds_and_families_say_the_same_of_torchvision() -> None:
    for family in DECODERS:
        assert all_builds()[family].torchvision == FAMILIES.get(family).torchvision


@pytest.mark.parametrize("name", [name for name in DECODERS if name not in waiting()])
def test_saved_and_loaded(name: str, tmp_path: Path) -> None:
    model = made(name)
    model.hf.save_pretrained(tmp_path)
    model.processor.save_pretrained(tmp_path)
    loaded = vs.load(str(tmp_path), device="cpu")
    assert loaded.family.id == name
    for parameter in loaded.hf.parameters():  # as aligned as those that were never in a file
        parameter.data = parameter.data.clone()
    pixels = np.random.default_rng(0).integers(0, 256, (70, 100, 3), dtype=np.uint8)
    rows = []
    for each in (model, loaded):
        with vs.capture(each, rows="last_text") as trace:
            vs.prefill(each, pixels, "a dog")
        rows.append(trace.maps)
    weights, again = model.hf.state_dict(), loaded.hf.state_dict()
    assert weights.keys() == again.keys()
    assert all(torch.equal(each, again[name]) for name, each in weights.items())
    assert torch.equal(*rows)
    check_picture_cost(loaded, tmp_path)


def check_picture_cost(loaded: LoadedModel, folder: Path) -> None:
    """What doctor counts without weights is what a pass makes."""
    cost = footprint(str(folder)).picture
    out = vs.prefill(loaded, np.zeros((*SIZE, 3), np.uint8), "a dog")
    token_map = out.token_maps[0]
    assert cost.unknown == ""
    assert cost.positions == len(token_map)
    assert cost.image_tokens == len(token_map.image_positions)
    layers = out.cache.layers
    held = [layers[number] for number in loaded.row_layers if layers[number].keys is not None]
    made_bytes = 4 * sum(layer.keys.numel() + layer.values.numel() for layer in held)
    tolerance = 0.1 if loaded.family.cross_layers(loaded.hf) else 0.0
    assert cost.cache_bytes == pytest.approx(made_bytes, rel=tolerance)
