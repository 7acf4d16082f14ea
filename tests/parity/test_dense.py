"""Each dense method equals a naive implementation of its formula; the untouched path is the model's."""

from __future__ import annotations

import math
from typing import Any

import naive
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from dual_families import DUAL
from vlmscope.errors import BadOptionError, BadPhraseError
from vlmscope.methods import get_method
from vlmscope.methods.encoder import DenseMethod, dense_tokens, original_tokens
from vlmscope.methods.encoder.gem import (
    adaptive_temperature,
    expected_temperature,
    perplexity_temperature,
)
from vlmscope.methods.encoder.naclip import neighbourhood
from vlmscope.models import DualEncoder
from vlmscope.models.encoders.patches import resize_positions

GRIDS = ((4, 4), (3, 7), (6, 2))


def values_for(encoder: DualEncoder, grid: tuple[int, int], batch: int = 1) -> torch.Tensor:
    torch.manual_seed(3)
    return torch.randn(batch, 3, grid[0] * encoder.patch, grid[1] * encoder.patch)


def self_self_sum(block: Any, x: torch.Tensor) -> list[torch.Tensor]:
    first, second = naive.self_self(block, x, "q"), naive.self_self(block, x, "k")
    return [a + b for a, b in zip(first, second, strict=True)]


def original(block: Any, x: torch.Tensor) -> list[torch.Tensor]:
    q, k, v = block.qkv(x)
    s = q[0].shape[-1] ** -0.5
    return [naive.rows(s * q[h] @ k[h].T) @ v[h] for h in range(block.heads)]


CASES: dict[str, tuple[str, dict[str, Any], tuple[int, bool, bool], Any]] = {
    "clip": ("clip", {}, (1, True, True), original),
    "maskclip": ("maskclip", {}, (1, False, False), lambda b, x: b.qkv(x)[2]),
    "clearclip": ("clearclip", {}, (1, False, False), lambda b, x: naive.self_self(b, x, "q")),
    "sclip": ("sclip", {}, (1, True, True), self_self_sum),
    "surgery": (
        "clip-surgery",
        {"depth": 2},
        (2, True, False),
        lambda b, x: naive.self_self(b, x, "v"),
    ),
    "gem-adaptive": ("gem", {"depth": 2}, (2, True, False), naive.gem(1, None, "qkv")),
    "gem-three-iterations": (
        "gem",
        {"depth": 3, "iterations": 3},
        (3, True, False),
        naive.gem(3, None, "qkv"),
    ),
    "gem-constant": (
        "gem",
        {"depth": 1, "iterations": 0, "temperature": "constant", "constant": 10.0},
        (1, True, False),
        naive.gem(0, 10.0, "qkv"),
    ),
    "gem-without-unit-vectors": (
        "gem",
        {"depth": 2, "iterations": 2, "normalise": False, "temperature": "scaled"},
        (2, True, False),
        naive.gem(2, 1 / math.sqrt(8), "qkv", normalise=False),
    ),
    "gem-as-long-as-they-are": (
        "gem",
        {"depth": 2, "normalise": False},
        (2, True, False),
        naive.gem(1, None, "qkv", normalise=False),
    ),
    "gem-feed-forward": (
        "gem",
        {"depth": 3, "feed_forward": True, "projections": "q"},
        (3, True, True),
        naive.gem(1, None, "q"),
    ),
    "gem-keys-values": (
        "gem",
        {"depth": 2, "projections": "kv"},
        (2, True, False),
        naive.gem(1, None, "kv"),
    ),
}


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("case", list(CASES))
@pytest.mark.parametrize("family", list(DUAL))
def test_equals_the_formula(family: str, case: str, grid: tuple[int, int]) -> None:
    name, changes, (depth, residual, feed_forward), attention = CASES[case]
    encoder, method = DUAL[family](), get_method(name)
    values = values_for(encoder, grid)
    found = dense_tokens(encoder, values, grid, method, method.options(**changes)).patches[0]
    expected = naive.naive(encoder, values, grid, depth, residual, feed_forward, attention)
    scale = expected.abs().max()
    torch.testing.assert_close(found.double() / scale, expected / scale, atol=1e-5, rtol=0)


@pytest.mark.parametrize("grid", GRIDS)
def test_naclip_equals_the_formula(grid: tuple[int, int]) -> None:
    encoder, method = DUAL["clip"](), get_method("naclip")
    values = values_for(encoder, grid)
    found = dense_tokens(encoder, values, grid, method, method.options(window_std=2.0)).patches[0]
    expected = naive.naive(encoder, values, grid, 1, False, False, naive.naclip(grid, 1, 2.0))
    torch.testing.assert_close(found.double(), expected, atol=1e-5, rtol=1e-5)
    assert neighbourhood(grid, 1, 2.0)[0].abs().max() == 0, "the class token has no neighbours"


@pytest.mark.parametrize("family", list(DUAL))
def test_the_untouched_path_is_bit_equal_to_the_model(family: str) -> None:
    encoder = DUAL[family]()
    side = encoder.native_side // encoder.patch
    values = values_for(encoder, (side, side), batch=2)
    with torch.no_grad():
        own = encoder.family.own_output(encoder.hf, values)
    assert torch.equal(original_tokens(encoder, values, (side, side)), own)


@pytest.mark.parametrize("family", list(DUAL))
def test_the_pooled_embedding_is_the_models_own(family: str) -> None:
    encoder = DUAL[family]()
    side = encoder.native_side // encoder.patch
    values = values_for(encoder, (side, side), batch=2)
    method = get_method("gem")
    pooled = dense_tokens(
        encoder, values, (side, side), method, method.options(), pooled=True
    ).pooled
    hf = encoder.hf
    with torch.no_grad():
        if family in ("clip", "siglip"):
            out = hf.get_image_features(pixel_values=values)
            expected = out if isinstance(out, torch.Tensor) else out.pooler_output
        elif family == "blip":
            # BLIP's retrieval head projects the class token and normalises it
            hidden = hf.vision_model(pixel_values=values).last_hidden_state
            expected = hf.vision_proj(hidden[:, 0])
        else:
            logits = hf(pixel_values=values).logits
            expected_logits = pooled @ hf.classifier.weight.T + hf.classifier.bias
            torch.testing.assert_close(expected_logits, logits, atol=1e-5, rtol=0)
            return
    torch.testing.assert_close(pooled, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("method", ["gem", "clip-surgery", "naclip", "sclip"])
def test_a_batch_equals_one_by_one(method: str) -> None:
    encoder, chosen = DUAL["clip"](), get_method(method)
    values = values_for(encoder, (3, 7), batch=3)
    options = chosen.options()
    batch = dense_tokens(encoder, values, (3, 7), chosen, options).patches
    single = [dense_tokens(encoder, one[None], (3, 7), chosen, options).patches for one in values]
    torch.testing.assert_close(batch, torch.cat(single), atol=1e-5, rtol=1e-5)


def test_the_model_is_never_changed() -> None:
    encoder = DUAL["clip"]()
    encoder.hf.train()
    before = {name: value.clone() for name, value in encoder.hf.state_dict().items()}
    members = {name: set(module.__dict__) for name, module in encoder.hf.named_modules()}
    for method in ("gem", "clip-surgery", "maskclip"):
        chosen = get_method(method)
        dense_tokens(encoder, values_for(encoder, (5, 4)), (5, 4), chosen, chosen.options())
    assert all(torch.equal(before[name], value) for name, value in encoder.hf.state_dict().items())
    assert members == {name: set(module.__dict__) for name, module in encoder.hf.named_modules()}
    assert all(module.training for module in encoder.hf.modules())


def test_more_dense_blocks_than_the_tower_has_are_refused() -> None:
    class Deep(type(get_method("maskclip"))):  # type: ignore[misc]
        def path(self, options: Any, blocks: int) -> Any:
            from vlmscope.methods.encoder import DensePath

            return DensePath(blocks + 1, True, False)

    encoder = DUAL["clip"]()
    method: DenseMethod = Deep()
    with pytest.raises(BadOptionError, match="blocks"):
        dense_tokens(encoder, values_for(encoder, (4, 4)), (4, 4), method, method.options())


def test_positions_are_resized_bicubic_with_antialias() -> None:
    torch.manual_seed(0)
    positions = torch.randn(1, 1 + 36, 8)
    assert resize_positions(positions, 1, (6, 6)) is positions
    found = resize_positions(positions, 1, (3, 4))
    square = positions[:, 1:].reshape(1, 6, 6, 8).permute(0, 3, 1, 2)
    expected = F.interpolate(square, size=(3, 4), mode="bicubic", antialias=True)
    plain = F.interpolate(square, size=(3, 4), mode="bicubic", antialias=False)
    torch.testing.assert_close(found[0, 1:], expected[0].permute(1, 2, 0).reshape(-1, 8))
    assert (found[0, 1:] - plain[0].permute(1, 2, 0).reshape(-1, 8)).abs().max() > 0.1
    assert torch.equal(found[:, :1], positions[:, :1])


def test_the_adaptive_temperature_is_the_mean_token_norm_over_root_d() -> None:
    normed = torch.arange(24.0).reshape(2, 3, 4)
    norms = np.linalg.norm(normed.numpy(), axis=-1).mean(-1) / np.sqrt(16)
    np.testing.assert_allclose(adaptive_temperature(normed, 16).numpy(), norms, rtol=1e-6)


def test_the_expected_temperature_is_close_to_the_measured_one() -> None:
    encoder = DUAL["clip"]()
    values = values_for(encoder, (6, 6))
    with encoder.frozen():
        x = encoder.family.embed(encoder.hf, values, (6, 6))
        block = encoder.blocks[0]
        normed = block.norm1(x)
        head_dim = block.project(normed).q.shape[-1]
    measured = float(adaptive_temperature(normed, head_dim)[0])
    assert expected_temperature(block) == pytest.approx(measured, rel=0.1)


def test_gem_without_unit_vectors_has_no_temperature_by_perplexity() -> None:
    gem = get_method("gem")
    with pytest.raises(BadOptionError, match="temperatures of unit vectors"):
        gem.options(normalise=False, temperature="perplexity")
    assert not gem.cautions(DUAL["clip"](), gem.options(normalise=False))


def test_gem_warns_where_its_temperature_is_flat() -> None:
    encoder, gem = DUAL["clip"](), get_method("gem")
    assert "perplexity" in gem.cautions(encoder, gem.options())[0]
    assert not gem.cautions(encoder, gem.options(temperature="perplexity"))
    for block in encoder.blocks:
        block.norm1.weight.data *= 10
    assert not gem.cautions(encoder, gem.options())


@pytest.mark.parametrize("share", [0.03, 0.1, 0.3])
@pytest.mark.parametrize("dim", [8, 64, 512])
def test_the_perplexity_temperature_holds_across_widths(dim: int, share: float) -> None:
    torch.manual_seed(0)
    unit = F.normalize(torch.randn(2, 3, 100, dim), dim=-1)
    t = perplexity_temperature(unit, share)
    weights = torch.softmax(unit @ unit.transpose(-1, -2) * t[:, None, None, None], dim=-1)
    perplexity = (-(weights * weights.clamp_min(1e-30).log()).sum(-1)).exp().mean(dim=(1, 2))
    torch.testing.assert_close(perplexity, torch.full((2,), share * 100), rtol=0.1, atol=0.3)


@pytest.mark.parametrize("family", ["clip", "siglip", "blip"])
def test_a_phrase_that_the_text_tower_cannot_read_is_refused(family: str) -> None:
    with pytest.raises(BadPhraseError, match="tokens, more than the 12"):
        DUAL[family]().text_embeddings(["red " * 40])
