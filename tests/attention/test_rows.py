"""Attention rows against plain loops: masks, caps, grouped queries, chosen heads, rows that read nothing."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from vlmscope.attention.rows import allowed_keys, is_causal, layer_rows, softmax_rows
from vlmscope.errors import AttentionError

QUERIES, KEYS, DIM = 5, 7, 6
LOWEST = torch.finfo(torch.float32).min


def projections(
    batch: int = 3, heads: int = 4, key_heads: int = 4, queries: int = QUERIES
) -> tuple[Tensor, Tensor]:
    """Random queries and keys of one layer."""
    torch.manual_seed(0)
    query = torch.randn(batch, heads, queries, DIM) * 2
    return query, torch.randn(batch, key_heads, KEYS, DIM)


def naive(
    query: Tensor,
    key: Tensor,
    rows: Tensor,
    heads: list[int],
    scaling: float,
    added: Tensor,
    softcap: float | None = None,
) -> Tensor:
    """Row by row; ``added`` (batch, heads, queries, keys) is -inf where a key may not be read."""
    result = torch.zeros(query.shape[0], len(heads), rows.shape[1], key.shape[2])
    shared = query.shape[1] // key.shape[1]
    for item in range(query.shape[0]):
        for place, head in enumerate(heads):
            for at, row in enumerate(rows[item].tolist()):
                for column in range(key.shape[2]):
                    product = query[item, head, row] * key[item, head // shared, column]
                    logit = float(product.sum()) * scaling
                    if softcap is not None:
                        logit = softcap * math.tanh(logit / softcap)
                    logit += float(added[item, head, row, column])
                    result[item, place, at, column] = math.exp(logit)
    return result / result.sum(-1, keepdim=True)


def blocking(allowed: Tensor) -> Tensor:
    return torch.zeros(allowed.shape).masked_fill(~allowed, -math.inf)


def some_keys(*shape: int) -> Tensor:
    """Bool (batch, heads, queries, keys) by chance; the first key may always be read."""
    allowed = torch.rand(shape, generator=torch.Generator().manual_seed(1)) > 0.4
    allowed[..., 0] = True
    return allowed


# which products


@pytest.mark.parametrize("chosen", [None, [0], [1, 3], [0, 1, 2, 3]])
@pytest.mark.parametrize("key_heads", [4, 2, 1])
def test_heads_read_the_keys_of_their_group(key_heads: int, chosen: list[int] | None) -> None:
    query, key = projections(key_heads=key_heads)
    rows = torch.tensor([[0, 4], [3, 1], [2, 2]])
    heads = None if chosen is None else torch.tensor(chosen)
    found = softmax_rows(query, key, None, rows, heads, 0.3, causal=False)
    none = torch.zeros(3, 4, QUERIES, KEYS)
    expected = naive(query, key, rows, chosen or [0, 1, 2, 3], 0.3, none)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


def test_a_soft_cap_bends_the_scaled_products() -> None:
    query, key = projections()
    rows = torch.tensor([[0], [1], [4]])
    found = softmax_rows(query, key, None, rows, None, 0.5, softcap=1.5, causal=False)
    none = torch.zeros(3, 4, QUERIES, KEYS)
    expected = naive(query, key, rows, [0, 1, 2, 3], 0.5, none, softcap=1.5)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


def test_half_precision_is_multiplied_in_single() -> None:
    query, key = (part.bfloat16() for part in projections(key_heads=2))
    rows = torch.tensor([[0], [1], [4]])
    for heads in (None, torch.tensor([1, 2])):
        found = softmax_rows(query, key, None, rows, heads, 0.5)
        assert found.dtype == torch.float32
        expected = softmax_rows(query.float(), key.float(), None, rows, heads, 0.5)
        assert torch.equal(found, expected)


# which keys


@pytest.mark.parametrize("queries", [2, QUERIES])
def test_without_a_mask_no_row_reads_ahead(queries: int) -> None:
    query, key = projections(queries=queries)
    rows = torch.tensor([[0, 1], [1, 0], [queries - 1, 0]])
    added = blocking(torch.ones(3, 4, queries, KEYS, dtype=torch.bool).tril())
    expected = naive(query, key, rows, [0, 1, 2, 3], 0.3, added)
    found = softmax_rows(query, key, None, rows, None, 0.3)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    assert found[0, 0, 0].tolist() == [1.0] + [0.0] * 6


def test_without_a_mask_a_single_row_reads_every_key() -> None:
    query, key = projections(queries=1)
    rows = torch.zeros(3, 1, dtype=torch.long)
    expected = naive(query, key, rows, [0, 1, 2, 3], 0.3, torch.zeros(3, 4, 1, KEYS))
    found = softmax_rows(query, key, None, rows, None, 0.3)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("chosen", [None, [1], [0, 1]])
@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (1, 2), (3, 2)])
@pytest.mark.parametrize("additive", [False, True])
def test_masks_of_every_shape(
    additive: bool, shape: tuple[int, int], chosen: list[int] | None
) -> None:
    query, key = projections(heads=2, key_heads=1)
    rows = torch.tensor([[0, 4, 3], [3, 1, 1], [2, 0, 4]])
    allowed = some_keys(*shape, QUERIES, KEYS + 2)  # an eager mask may be longer than the keys
    added = blocking(allowed)
    if additive:  # what may be read may also be favoured
        added = (added + torch.arange(KEYS + 2) / 8).clamp_min(LOWEST)
    heads = None if chosen is None else torch.tensor(chosen)
    found = softmax_rows(query, key, added if additive else allowed, rows, heads, 0.3)
    whole = added[..., :KEYS].expand(3, 2, -1, -1)
    expected = naive(query, key, rows, chosen or [0, 1], 0.3, whole)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    assert ((found == 0) == (expected == 0)).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 4)])
def test_a_mask_of_a_single_item(shape: tuple[int, int]) -> None:
    query, key = projections(batch=1)
    allowed = some_keys(*shape, QUERIES, KEYS)
    rows = torch.tensor([[4, 2]])
    found = softmax_rows(query, key, allowed, rows, torch.tensor([0, 3]), 0.3)
    added = blocking(allowed).expand(1, 4, -1, -1)
    torch.testing.assert_close(found, naive(query, key, rows, [0, 3], 0.3, added))


def test_everything_is_made_where_the_queries_are() -> None:
    query, key = (part.to("meta") for part in projections())
    rows = torch.zeros(3, 2, dtype=torch.long, device="meta")
    found = softmax_rows(query, key, None, rows, None, 0.3)
    assert found.device.type == "meta" and found.shape == (3, 4, 2, KEYS)


# what a mask allows


@pytest.mark.parametrize(
    ("queries", "causal", "expected"),
    [
        (1, True, [[1, 1, 1]]),
        (2, True, [[1, 0, 0], [1, 1, 0]]),
        (2, False, [[1, 1, 1], [1, 1, 1]]),
        (1, False, [[1, 1, 1]]),
    ],
)
def test_what_no_mask_allows(queries: int, causal: bool, expected: list[list[int]]) -> None:
    found = allowed_keys(None, queries, 3, causal, torch.device("cpu"))
    assert found.dtype == torch.bool and found.shape == (1, 1, queries, 3)
    assert found[0, 0].int().tolist() == expected
    assert allowed_keys(None, queries, 3, causal, torch.device("meta")).device.type == "meta"


def test_what_a_mask_allows_is_cut_to_the_keys() -> None:
    mask = some_keys(2, 1, 3, 6)
    assert torch.equal(allowed_keys(mask, 3, 4, True, mask.device), mask[..., :4])
    added = blocking(mask).clamp_min(LOWEST)
    assert torch.equal(allowed_keys(added, 3, 4, True, mask.device), mask[..., :4])


def test_an_additive_mask_forbids_below_half_of_the_lowest_number() -> None:
    """Masks are added to each other, biases to masks: the lowest number is not met exactly."""
    parts = torch.tensor([0.0, 0.4, 0.5, 0.75, 1.0, math.inf])
    mask = (parts * LOWEST)[None, None, None]
    mask[0, 0, 0, 0] = 3.0
    found = allowed_keys(mask, 1, 6, True, mask.device)
    assert found.flatten().tolist() == [True, True, False, False, False, False]


# a layer's rows


def of_layer(
    query: Tensor, key: Tensor, rows: Tensor, heads: Tensor | None = None, **options: Any
) -> Tensor:
    whole = {"module": SimpleNamespace(is_causal=False), "empty": None, **options}
    return layer_rows("some-model", query, key, None, rows, heads, whole)


def test_a_layer_is_read_with_its_kernels_arguments() -> None:
    query, key = projections()
    rows = torch.tensor([[0], [1], [3]])
    everything = {"causal": False}
    plain = softmax_rows(query, key, None, rows, None, 1 / math.sqrt(DIM), **everything)
    assert torch.equal(of_layer(query, key, rows), plain)
    scaled = softmax_rows(query, key, None, rows, None, 0.25, **everything)
    assert torch.equal(of_layer(query, key, rows, scaling=0.25), scaled)
    capped = softmax_rows(query, key, None, rows, None, 0.25, 1.5, **everything)
    assert torch.equal(of_layer(query, key, rows, scaling=0.25, softcap=1.5), capped)
    causal = softmax_rows(query, key, None, rows, None, 0.25)
    assert torch.equal(of_layer(query, key, rows, scaling=0.25, is_causal=True), causal)


@pytest.mark.parametrize("name", ["s_aux", "position_bias"])
def test_logits_that_are_more_than_products_are_refused(name: str) -> None:
    query, key = projections()
    rows = torch.tensor([[0], [1], [3]])
    with pytest.raises(AttentionError, match="some-model uses attention sinks or position biases"):
        of_layer(query, key, rows, **{name: torch.zeros(4)})
    assert of_layer(query, key, rows, **{name: None}).shape == (3, 4, 1, KEYS)


def test_what_the_kernel_is_told_stands_above_the_module() -> None:
    module: Any = SimpleNamespace(is_causal=False)
    assert is_causal(module, {}) is False
    assert is_causal(module, {"is_causal": None}) is False
    assert is_causal(module, {"is_causal": True}) is True
    causal: Any = SimpleNamespace(is_causal=True)
    assert is_causal(causal, {"is_causal": False}) is False
    assert is_causal(torch.nn.Identity(), {}) is True  # a decoder that says nothing


@pytest.mark.parametrize("chosen", [None, [1], [0, 1]])
@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (3, 1), (3, 2)])
def test_rows_that_read_nothing_are_zeros(shape: tuple[int, int], chosen: list[int] | None) -> None:
    query, key = projections(heads=2, key_heads=2)
    empty = torch.rand((*shape, QUERIES), generator=torch.Generator().manual_seed(2)) > 0.5
    rows = torch.tensor([[0, 4, 3], [3, 1, 1], [2, 0, 4]])
    heads = None if chosen is None else torch.tensor(chosen)
    whole = of_layer(query, key, rows, heads)
    found = of_layer(query, key, rows, heads, empty=empty)
    dead = 0
    for item in range(3):
        for place, head in enumerate(chosen or [0, 1]):
            for at, row in enumerate(rows[item].tolist()):
                nothing = bool(empty.expand(3, 2, -1)[item, head, row])
                expected = torch.zeros(KEYS) if nothing else whole[item, place, at]
                assert torch.equal(found[item, place, at], expected)
                dead += nothing
    assert 0 < dead < 3 * 3 * len(chosen or [0, 1])


@pytest.mark.parametrize("shape", [(1, 1), (1, 4)])
def test_rows_that_read_nothing_of_a_single_item(shape: tuple[int, int]) -> None:
    query, key = projections(batch=1)
    empty = torch.zeros(*shape, QUERIES, dtype=torch.bool)
    empty[0, -1, 2] = True
    rows, heads = torch.tensor([[2, 1]]), torch.tensor([0, 3])
    found = of_layer(query, key, rows, heads, empty=empty)
    sums = found.sum(-1)[0].round().int().tolist()
    assert sums == ([[0, 1], [0, 1]] if shape[1] == 1 else [[1, 1], [0, 1]])
