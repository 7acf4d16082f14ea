"""cls-attention against plain loops, on every family with a class token; refused by name on others."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from naive_middle import rows, tower_of
from test_self_proxy import values_for

import vlmscope as vs
from dual_families import DUAL, siglip, siglip2
from vlmscope.errors import UnsupportedError
from vlmscope.methods import get_method, methods_for
from vlmscope.methods.encoder import DenseSetup, compare, dense_tokens, phrase_embeddings
from vlmscope.models import DualEncoder

METHOD = get_method("cls-attention")
WITH_CLASS_TOKEN = [name for name in DUAL if name != "siglip"]
IMAGE = np.random.default_rng(0).integers(0, 255, (40, 64, 3)).astype(np.uint8)


def attention(
    encoder: DualEncoder, values: torch.Tensor, grid: tuple[int, int], count: int
) -> list:
    """One factor per patch: head by head, block by block, the largest 1."""
    tower = tower_of(encoder, values, grid)
    total = [0.0] * (grid[0] * grid[1])
    for n in range(len(tower.blocks) - count, len(tower.blocks)):
        with torch.no_grad():
            q, k, _ = tower.blocks[n].qkv(tower.states[n])
        for a, b in zip(q, k, strict=True):
            row = rows(a[0] @ b.T / a.shape[-1] ** 0.5)[tower.prefix :]
            total = [t + float(w) / len(q) for t, w in zip(total, row, strict=True)]
    return [each / max(total) for each in total]


@pytest.mark.parametrize("grid", [(4, 4), (3, 7)])
@pytest.mark.parametrize("layers", [0, 1, 3])
@pytest.mark.parametrize("family", WITH_CLASS_TOKEN)
def test_factors_are_the_class_tokens_attention(
    family: str, layers: int, grid: tuple[int, int]
) -> None:
    encoder = DUAL[family]()
    values = values_for(encoder, grid)
    found = dense_tokens(encoder, values, grid, METHOD, METHOD.options(layers=layers)).weights
    assert found is not None
    expected = attention(encoder, values, grid, layers or 4)
    assert found[0].tolist() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("patches", "same"), [("values", "maskclip"), ("own", "clip")])
@pytest.mark.parametrize("family", WITH_CLASS_TOKEN)
def test_the_map_is_the_product(family: str, patches: str, same: str) -> None:
    encoder = DUAL[family]()
    texts = ["zebra", "sky"] if not encoder.family.templates else ["a dog", "the sky"]
    words = phrase_embeddings(encoder, texts, "none")
    found = compare(DenseSetup(METHOD, encoder, METHOD.options(patches=patches)), IMAGE, words)
    plain_method = get_method(same)
    plain = compare(DenseSetup(plain_method, encoder, plain_method.options()), IMAGE, words)
    fitted = encoder.fit(IMAGE)
    factors = torch.tensor(attention(encoder, fitted.values, fitted.grid, 4), dtype=torch.float32)
    torch.testing.assert_close(
        found.patches, plain.patches * factors[:, None], atol=1e-5, rtol=1e-4
    )
    torch.testing.assert_close(found.whole, plain.whole)


def test_a_batch_has_factors_of_its_own() -> None:
    encoder = DUAL["clip"]()
    values = values_for(encoder, (3, 7), batch=3)
    batch = dense_tokens(encoder, values, (3, 7), METHOD, METHOD.options()).weights
    single = [
        dense_tokens(encoder, v[None], (3, 7), METHOD, METHOD.options()).weights for v in values
    ]
    assert batch is not None
    torch.testing.assert_close(batch, torch.cat(single))


@pytest.mark.parametrize("build", [siglip, siglip2])
def test_a_tower_without_a_class_token_is_refused_by_name(build) -> None:
    encoder = build()
    assert "cls-attention" not in [each.id for each in methods_for(encoder)]
    for call in (
        lambda: vs.ground(encoder, IMAGE, "a dog", method="cls-attention"),
        lambda: vs.segment(encoder, IMAGE, "dog, sky", method="cls-attention"),
    ):
        with pytest.raises(UnsupportedError, match=rf"class token, and {encoder.id} .* has none"):
            call()


def test_the_score_says_what_it_is() -> None:
    found = vs.ground(DUAL["clip"](), IMAGE, "a dog", method="cls-attention")
    assert "product" in found.details["score"]
    assert found.score == pytest.approx(float(found.score_map.max()))
