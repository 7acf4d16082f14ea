"""Spectral norms, against the weights as the model keeps them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dual_families import blip
from vlmscope.models import DualEncoder
from vlmscope.reproduce.gem.spectra import spectral_norms


def test_norms_are_the_largest_singular_values_of_each_head(encoder: DualEncoder) -> None:
    norms = spectral_norms(encoder)
    layers: Any = encoder.hf.vision_model.encoder.layers
    heads = encoder.hf.config.vision_config.num_attention_heads
    assert len(norms) == len(layers)
    for layer, found in zip(layers, norms, strict=True):
        for name in "qkv":
            weights = getattr(layer.self_attn, f"{name}_proj").weight.detach().numpy()
            each = np.linalg.svd(weights.reshape(heads, -1, weights.shape[1]), compute_uv=False)
            assert found[name] == pytest.approx(each[:, 0].tolist(), rel=1e-4)


def test_weights_that_a_family_keeps_together_are_told_apart() -> None:
    encoder = blip()
    for layer, found in zip(
        encoder.hf.vision_model.encoder.layers, spectral_norms(encoder), strict=True
    ):
        fused = layer.self_attn.qkv.weight.detach().numpy()  # queries, keys, values, head by head
        heads = layer.self_attn.num_heads
        for name, weights in zip("qkv", np.split(fused, 3), strict=True):
            each = np.linalg.svd(weights.reshape(heads, -1, fused.shape[1]), compute_uv=False)
            assert found[name] == pytest.approx(each[:, 0].tolist(), rel=1e-4)
