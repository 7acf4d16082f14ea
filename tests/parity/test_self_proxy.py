"""self-proxy against plain loops, on every family; what its threshold does at its ends."""

from __future__ import annotations

import pytest
import torch
from naive_middle import middle, tower_of

from dual_families import DUAL, clip, siglip2
from vlmscope.errors import BadOptionError
from vlmscope.methods import get_method
from vlmscope.methods.encoder import dense_tokens
from vlmscope.methods.encoder.proxies import alike, proxy_attention
from vlmscope.models import DualEncoder

FAMILIES = {**DUAL, "siglip2": siglip2}
METHOD = get_method("self-proxy")


def values_for(encoder: DualEncoder, grid: tuple[int, int], batch: int = 1) -> torch.Tensor:
    torch.manual_seed(3)
    return torch.randn(batch, 3, grid[0] * encoder.patch, grid[1] * encoder.patch)


def tokens(encoder: DualEncoder, grid: tuple[int, int], **options: object) -> torch.Tensor:
    found = dense_tokens(
        encoder, values_for(encoder, grid), grid, METHOD, METHOD.options(**options)
    )
    return found.patches[0].double()


@pytest.mark.parametrize("grid", [(4, 4), (3, 7)])
@pytest.mark.parametrize("family", list(FAMILIES))
@pytest.mark.parametrize(
    ("options", "after"),
    [({}, 3), ({"layer": 1, "beta": 0.5, "gamma": 8.0}, 1), ({"layer": 2, "beta": 2.0}, 2)],
)
def test_equals_the_formula(
    family: str, grid: tuple[int, int], options: dict[str, float], after: int
) -> None:
    encoder = FAMILIES[family]()
    expected = middle(
        tower_of(encoder, values_for(encoder, grid), grid),
        after,
        options.get("beta", 1.2),
        options.get("gamma", 3.0),
    )
    scale = expected.abs().max()
    torch.testing.assert_close(
        tokens(encoder, grid, **options) / scale, expected / scale, atol=1e-5, rtol=0
    )


def test_a_threshold_that_nothing_reaches_leaves_the_values() -> None:
    encoder = clip()
    maskclip = get_method("maskclip")
    values = values_for(encoder, (3, 4))
    plain = dense_tokens(encoder, values, (3, 4), maskclip, maskclip.options()).patches[0].double()
    torch.testing.assert_close(tokens(encoder, (3, 4), beta=1e6), plain, atol=1e-5, rtol=1e-5)


def test_an_image_of_one_colour_is_no_number_less() -> None:
    features = torch.ones(1, 5, 4) + torch.arange(5)[:, None] * 1e-3
    weights = proxy_attention(alike(features), 1.2, 3.0)
    assert torch.equal(weights, torch.eye(5)[None])


def test_no_threshold_at_all_is_a_softmax() -> None:
    torch.manual_seed(0)
    cosines = alike(torch.rand(2, 6, 4))  # none below 0
    found = proxy_attention(cosines.clone(), 0.0, 2.0)
    torch.testing.assert_close(found, (2 * cosines).softmax(-1))


def test_layers_that_are_not_there_are_refused() -> None:
    with pytest.raises(BadOptionError, match="4 blocks, so layer lies between 1 and 3, got 4"):
        tokens(clip(), (4, 4), layer=4)
    alone = clip(num_hidden_layers=1)
    assert not METHOD.accepts(alone)
    assert "has 1 in all" in METHOD.unfit(alone)
    with pytest.raises(BadOptionError, match="this tower has 1"):
        tokens(alone, (4, 4))


@pytest.mark.parametrize(("blocks", "after"), [(2, 1), (4, 3), (12, 9), (24, 18)])
def test_the_default_layer_goes_with_the_tower(blocks: int, after: int) -> None:
    path = METHOD.path(METHOD.options(), blocks)
    assert path.watches == (after,) and path.depth == 1
    assert not path.residual and not path.feed_forward
