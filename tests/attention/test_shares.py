"""Summed shares equal what whole attention matrices give, in prefill and in decoding."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import vlmscope as vs
from families import llava
from lvlms import made
from vlmscope.attention.shares import SOURCES, TARGETS, shares
from vlmscope.errors import AttentionError
from vlmscope.models import Prompt

PHRASE = "what colour is the red circle on the left ?"


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (40, 90, 3), dtype=np.uint8)


def by_hand(maps: torch.Tensor, tokens: vs.TokenMap) -> tuple[np.ndarray, np.ndarray]:
    """From whole matrices (layers, heads, rows = positions, keys)."""
    means, entropies = [], []
    for target in TARGETS:
        role = {"last": "text"}.get(target, target)
        rows = tokens.positions(role)[-1:] if target == "last" else tokens.positions(role)
        found = maps[:, :, rows].double()
        parts = [found[..., tokens.positions(source)].sum(-1) for source in SOURCES]
        means.append(torch.stack(parts, -1).mean(2))
        image = found[..., tokens.positions("image")]
        p = image / image.sum(-1, keepdim=True)
        entropies.append(torch.special.entr(p).sum(-1).mean(2))
    return torch.stack(means).numpy(), torch.stack(entropies).numpy()


@pytest.mark.parametrize("kind", ["llama", "mistral"])
def test_sums_equal_whole_matrices(
    kind: str, image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vlmscope.attention.shares._BLOCK", 900)  # several blocks of rows
    model = llava(kind)
    prompt = Prompt(PHRASE, answer="a large blue star")
    tokens = vs.token_map(model, image, prompt)
    with vs.capture(model, rows=list(range(len(tokens))), keys="all") as trace:
        vs.prefill(model, image, prompt)
    means, entropies = by_hand(trace.maps, tokens)
    with shares(model) as found:
        vs.prefill(model, image, prompt)
    assert found.rows.tolist() == [len(tokens.positions("query")), 1, 4]
    np.testing.assert_allclose(found.means, means, atol=1e-5)
    np.testing.assert_allclose(found.entropies, entropies, atol=1e-4)
    np.testing.assert_allclose(found.means.sum(-1), 1, atol=1e-5)
    assert means[..., 0].std() > 0.01, "heads should differ"


def test_generated_rows_are_read_as_they_come(image: np.ndarray) -> None:
    model = llava("llama-gqa")
    with vs.capture(model, rows="generated", keys="all") as trace, shares(model) as found:
        answer = vs.generate(model, image, PHRASE, max_new_tokens=4, min_new_tokens=4)
    # the last token that was generated is never read by the model
    assert found.rows[2] == 3
    own = trace.maps[:, :, 1:].double()  # rows of generated tokens; row 0 is the last prompt token
    image_part = own[..., answer.token_map.positions("image")].sum(-1).mean(2)
    np.testing.assert_allclose(found.means[2][..., 0], image_part, atol=1e-5)
    np.testing.assert_allclose(
        found.means[1][..., 0],
        trace.maps[:, :, 0][..., answer.token_map.positions("image")].sum(-1),
        atol=1e-5,
    )


def test_a_blocked_image_gets_nothing(image: np.ndarray) -> None:
    model = llava()
    with shares(model) as found, vs.knockout(model, [("image", "query")], layers=[1]):
        vs.prefill(model, image, PHRASE)
    assert found.means[0, 1, :, 0].max() == 0.0 and found.means[0, 2, :, 0].max() > 0
    assert found.entropies[0, 1].max() == 0.0


def test_cross_attention_layers_read_the_image_alone() -> None:
    with shares(made("mllama")) as found:
        vs.prefill(made("mllama"), np.zeros((60, 60, 3), dtype=np.uint8), PHRASE)
    np.testing.assert_allclose(found.means[0][[1, 3]][..., 0], 1, atol=1e-6)
    np.testing.assert_allclose(found.means[0][[0, 2]][..., 0], 0, atol=1e-6)


def test_a_group_without_rows_is_not_a_number(image: np.ndarray) -> None:
    model = llava()
    with shares(model, ["generated"]) as found:
        vs.prefill(model, image, PHRASE)
    assert found.rows.tolist() == [0] and np.isnan(found.means).all()


def test_bad_use_is_refused(image: np.ndarray) -> None:
    model = llava()
    with pytest.raises(AttentionError, match="Targets are query, last, generated"):
        with shares(model, ["image"]):
            pass
    with pytest.raises(AttentionError, match="one prompt at a time"), shares(model):
        vs.prefill(model, image, [PHRASE, "pizza"])
