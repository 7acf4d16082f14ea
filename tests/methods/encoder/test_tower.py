"""A batch too large for a processor's cache is run in parts: the answer is the whole batch's."""

from __future__ import annotations

import pytest
import torch

from dual_families import DUAL
from vlmscope.methods import get_method
from vlmscope.methods.encoder import dense_tokens, original_tokens
from vlmscope.methods.encoder import tower as engine

GRID = (3, 7)
TOKENS = 1 + GRID[0] * GRID[1]


@pytest.mark.parametrize("method", ["gem", "sclip", "maskclip"])
def test_parts_equal_the_whole(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, chosen = DUAL["clip"](), get_method(method)
    torch.manual_seed(5)
    values = torch.randn(5, 3, GRID[0] * encoder.patch, GRID[1] * encoder.patch)
    seen: list[int] = []
    first = encoder.blocks[0].norm1
    hook = first.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    try:
        whole = dense_tokens(encoder, values, GRID, chosen, chosen.options(), pooled=True)
        monkeypatch.setattr(engine, "_TOKENS_AT_ONCE", 2 * TOKENS)
        monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
        parts = dense_tokens(encoder, values, GRID, chosen, chosen.options(), pooled=True)
    finally:
        hook.remove()
    assert seen == [5, 2, 2, 1]
    torch.testing.assert_close(parts.patches, whole.patches, atol=1e-5, rtol=1e-5)
    assert parts.pooled is not None and whole.pooled is not None
    torch.testing.assert_close(parts.pooled, whole.pooled, atol=1e-5, rtol=1e-5)


def test_an_image_larger_than_a_part_goes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, gem = DUAL["clip"](), get_method("gem")
    torch.manual_seed(5)
    values = torch.randn(2, 3, GRID[0] * encoder.patch, GRID[1] * encoder.patch)
    whole = dense_tokens(encoder, values, GRID, gem, gem.options()).patches
    monkeypatch.setattr(engine, "_TOKENS_AT_ONCE", 0)
    alone = dense_tokens(encoder, values, GRID, gem, gem.options()).patches
    assert alone.shape == whole.shape
    torch.testing.assert_close(alone, whole, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("family", DUAL)
def test_pooling_runs_the_last_block_for_what_it_reads(family: str) -> None:
    encoder, gem = DUAL[family](), get_method("gem")
    torch.manual_seed(5)
    values = torch.randn(2, 3, GRID[0] * encoder.patch, GRID[1] * encoder.patch)
    seen: list[int] = []
    hook = encoder.blocks[-1].norm2.register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs[0].shape[1])
    )
    try:
        found = dense_tokens(encoder, values, GRID, gem, gem.options(), pooled=True).pooled
        with encoder.frozen():
            whole = encoder.family.pool(encoder.hf, original_tokens(encoder, values, GRID))
    finally:
        hook.remove()
    tokens = encoder.family.prefix_tokens + GRID[0] * GRID[1]
    assert seen == [encoder.family.pooled_tokens or tokens, tokens]
    assert found is not None
    torch.testing.assert_close(found, whole, atol=1e-6, rtol=1e-6)
