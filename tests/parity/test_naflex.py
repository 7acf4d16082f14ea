"""SigLIP 2 NaFlex against the naive formulas, and its untouched path against the model's own."""

from __future__ import annotations

import naive
import numpy as np
import pytest
import torch
from test_dense import CASES, GRIDS, values_for

from dual_families import siglip2
from vlmscope.methods import get_method
from vlmscope.methods.encoder import dense_tokens, original_tokens
from vlmscope.models.encoders.siglip2 import flat_patches


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("case", list(CASES))
def test_equals_the_formula(case: str, grid: tuple[int, int]) -> None:
    name, changes, (depth, residual, feed_forward), attention = CASES[case]
    encoder, method = siglip2(), get_method(name)
    values = values_for(encoder, grid)
    found = dense_tokens(encoder, values, grid, method, method.options(**changes)).patches[0]
    expected = naive.naive(encoder, values, grid, depth, residual, feed_forward, attention)
    scale = expected.abs().max()
    torch.testing.assert_close(found.double() / scale, expected / scale, atol=1e-5, rtol=0)


@pytest.mark.parametrize("grid", GRIDS)
def test_naclip_equals_the_formula(grid: tuple[int, int]) -> None:
    encoder, method = siglip2(), get_method("naclip")
    values = values_for(encoder, grid)
    found = dense_tokens(encoder, values, grid, method, method.options(window_std=2.0)).patches[0]
    expected = naive.naive(encoder, values, grid, 1, False, False, naive.naclip(grid, 0, 2.0))
    scale = expected.abs().max()
    torch.testing.assert_close(found.double() / scale, expected / scale, atol=1e-5, rtol=0)


@pytest.mark.parametrize("grid", GRIDS)
def test_the_untouched_path_is_bit_equal_to_the_model(grid: tuple[int, int]) -> None:
    encoder = siglip2()
    values = values_for(encoder, grid, batch=2)
    with torch.no_grad():
        own = encoder.family.own_output(encoder.hf, values)
    assert torch.equal(original_tokens(encoder, values, grid), own)


@pytest.mark.parametrize("size", [(40, 64), (64, 40), (200, 24), (48, 48)])
def test_what_the_own_processor_pads_and_masks_gives_the_same(size: tuple[int, int]) -> None:
    """The model's own way: its processor's patches, padding masked, positions per image."""
    encoder = siglip2()
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    inputs = encoder.processor.image_processor(pixels, return_tensors="pt")
    rows, columns = inputs["spatial_shapes"][0].tolist()
    count = rows * columns
    fitted = encoder.fit(pixels, (rows * encoder.patch, columns * encoder.patch), keep_ratio=False)
    assert fitted.grid == (rows, columns)
    torch.testing.assert_close(
        flat_patches(fitted.values, fitted.grid), inputs["pixel_values"][:, :count]
    )
    method = get_method("gem")
    with torch.no_grad():
        own = encoder.hf.vision_model(**inputs, output_hidden_states=True)
    found = dense_tokens(encoder, fitted.values, fitted.grid, method, method.options(), pooled=True)
    torch.testing.assert_close(found.pooled, own.pooler_output, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(
        original_tokens(encoder, fitted.values, fitted.grid),
        own.hidden_states[-1][:, :count],
        atol=1e-5,
        rtol=1e-5,
    )


def test_a_patch_alone_is_pooled_as_the_head_pools_it() -> None:
    encoder = siglip2()
    torch.manual_seed(0)
    tokens = torch.randn(2, 5, 32)
    hf = encoder.hf
    with torch.no_grad():
        found = encoder.family.project(hf, tokens)
        for number in range(5):
            alone = hf.vision_model.post_layernorm(tokens[:, number : number + 1])
            expected = hf.vision_model.head(alone, torch.ones(2, 1, dtype=torch.long))
            torch.testing.assert_close(found[:, number], expected, atol=1e-5, rtol=1e-5)
