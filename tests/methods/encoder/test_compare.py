"""From tokens to similarities with texts, on an encoder whose tokens are the colours of its patches."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from handmade import map_of, view_over
from vlmscope.methods.encoder.options import DenseOptions
from vlmscope.methods.encoder.similarity import (
    DenseSetup,
    Similarity,
    against,
    best_of_each,
    compare,
    compare_together,
    presence,
    similarity,
)
from vlmscope.methods.encoder.tower import DenseTokens
from vlmscope.models.encoders.dual import FittedPatches

# the package exports a function of the module's name
MODULE = importlib.import_module("vlmscope.methods.encoder.similarity")
TEXT = F.normalize(torch.tensor([[1.0, 0.0, 0.0], [1.0, 1.0, -1.0]]), dim=-1)
PIXELS = np.zeros((1, 1, 3), np.uint8)


class Encoder:
    """Patches of one value; what was asked for is kept."""

    patch, native_side, id = 1, 32, "colours"
    family, hf = (
        SimpleNamespace(vision_config=lambda hf: SimpleNamespace(hidden_size=3), id="colours"),
        None,
    )
    card = SimpleNamespace(side=None)

    def __init__(self, grid: tuple[int, int] = (4, 6)) -> None:
        self.grid = grid
        torch.manual_seed(0)
        self.values = torch.randn(1, 3, *grid)
        self.token_map = map_of(grid, [view_over((0, 0, grid[1], grid[0]), grid)])
        self.fitted: list[tuple[Any, ...]] = []
        self.batches: list[int] = []

    def fit(self, *arguments: Any) -> FittedPatches:
        self.fitted.append(arguments)
        return FittedPatches(self.values, self.grid, self.token_map)


class Method:
    """Turns the channels of tokens by some places; halves similarities in the end."""

    id = "turned"

    def __init__(self, turn: int) -> None:
        self.turn = turn

    def companions(self, encoder: Any, options: Any) -> None:
        return None

    def refine(self, values: Tensor, whole: Tensor, options: Any) -> Tensor:
        assert values.ndim == 3 and len(values) == 1 and whole.shape == (1, values.shape[-1])
        return values / 2


def tokens_of_methods(
    encoder: Any, values: Tensor, grid: Any, runs: Sequence[Any], pooled: bool = False
) -> list[DenseTokens]:
    encoder.batches.append(len(values))
    assert values.shape[-2:] == grid
    tokens = values.flatten(2).transpose(1, 2)
    turned = [tokens.roll(method.turn, dims=-1) for method, _ in runs]
    return [DenseTokens(each, each.mean(1) if pooled else None) for each in turned]


@pytest.fixture(autouse=True)
def no_tower(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "tokens_of_methods", tokens_of_methods)


def setup(encoder: Any, turn: int = 0, **options: Any) -> DenseSetup:
    method: Any = Method(turn)
    return DenseSetup(method, encoder, DenseOptions(**options))


def cosines(tokens: Tensor) -> Tensor:
    """(tokens, 3) against the texts, one by one."""
    return torch.stack([torch.stack([t @ w / t.norm() for w in TEXT]) for t in tokens])


# one image


def test_every_patch_against_every_text() -> None:
    encoder = Encoder()
    found = compare(setup(encoder, side=48, keep_ratio=False), PIXELS, TEXT)
    tokens = encoder.values[0].flatten(1).T
    torch.testing.assert_close(found.patches, cosines(tokens) / 2)
    torch.testing.assert_close(found.whole, cosines(tokens.mean(0)[None])[0])
    assert found.token_map is encoder.token_map and found.windows == 1
    assert encoder.fitted == [(PIXELS, 48, False)] and encoder.batches == [1]


def test_windows_are_blended_and_the_best_one_stands_for_the_image() -> None:
    encoder = Encoder()
    chosen = setup(encoder, window=4, stride=2)
    found = compare(chosen, PIXELS, TEXT)
    assert found.windows == 2 and encoder.batches == [2]
    image = encoder.values[0].flatten(1).T.reshape(4, 6, 3)
    by_window = cosines(torch.stack([part.mean((0, 1)) for part in (image[:, :4], image[:, 2:])]))
    torch.testing.assert_close(found.whole, by_window.amax(dim=0))
    assert by_window.argmax(dim=0).tolist() == [1, 0], "each window has to be the best of a text"
    expected = cosines(encoder.values[0].flatten(1).T) / 2  # windows see a patch alike
    torch.testing.assert_close(found.patches, expected)


@pytest.mark.parametrize(
    ("columns", "window", "batches"),
    [
        (241 + 16, 241, [16, 1]),  # 16 windows of 241 tokens are 3856
        (64 + 64, 64, [64, 1]),  # 64 windows of 64 are 4096 exactly
        (5001, 5000, [1, 1]),  # one that is larger goes alone
    ],
)
def test_windows_of_4096_tokens_at_a_time(columns: int, window: int, batches: list[int]) -> None:
    encoder = Encoder((1, columns))
    compare(setup(encoder, window=window, stride=1), PIXELS, TEXT)
    assert encoder.batches == batches


# methods together


def test_methods_together_share_a_pass() -> None:
    encoder = Encoder()
    setups = [setup(encoder, turn) for turn in (0, 1, 2)]
    together = compare_together(setups, PIXELS, TEXT)
    assert len(encoder.fitted) == len(encoder.batches) == 1
    for each, found in zip(setups, together, strict=True):
        alone = compare(each, PIXELS, TEXT)
        assert torch.equal(found.patches, alone.patches) and torch.equal(found.whole, alone.whole)
    assert not torch.equal(together[0].patches, together[1].patches)


@pytest.mark.parametrize("options", [{"side": 64}, {"keep_ratio": False}, {"window": 4}])
def test_methods_that_see_the_image_otherwise_are_refused(options: dict[str, Any]) -> None:
    encoder = Encoder()
    with pytest.raises(ValueError, match="share the model and the view"):
        compare_together([setup(encoder), setup(encoder, **options)], PIXELS, TEXT)
    with pytest.raises(ValueError, match="share the model and the view"):
        compare_together([setup(encoder), setup(encoder), setup(Encoder())], PIXELS, TEXT)


def test_the_side_is_the_users_else_the_checkpoints_else_the_models() -> None:
    encoder = Encoder()
    assert setup(encoder, side=48).side == 48
    assert setup(encoder).view == (32, True, 0, 0)
    encoder.card = SimpleNamespace(side=40)
    assert setup(encoder, window=16, stride=8, keep_ratio=False).view == (40, False, 16, 8)


# tokens that are there already


def test_tokens_of_a_pass_over_the_whole_image() -> None:
    encoder = Encoder()
    encoder.patch = 8
    tokens = encoder.values.flatten(2).transpose(1, 2)
    given = DenseTokens(tokens, tokens.mean(1))
    found = against(setup(encoder), given, encoder.token_map, TEXT)
    torch.testing.assert_close(found.patches, cosines(tokens[0]) / 2)
    torch.testing.assert_close(found.whole, cosines(tokens.mean(1))[0])
    assert found.token_map is encoder.token_map and found.windows == 1


def test_phrases_are_embedded_in_the_templates_of_the_options(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoder = Encoder()

    def embedded(model: Any, phrases: Sequence[str], templates: str) -> Tensor:
        assert model is encoder and list(phrases) == ["red", "green"] and templates == "imagenet"
        return TEXT

    monkeypatch.setattr(MODULE, "phrase_embeddings", embedded)
    chosen = setup(encoder, templates="imagenet")
    patches, token_map = similarity(chosen, PIXELS, ["red", "green"])
    assert torch.equal(patches, compare(chosen, PIXELS, TEXT).patches)
    assert token_map is encoder.token_map


# presence, and the best text of a class


def test_presence_is_the_mean_of_the_peak_and_the_whole() -> None:
    patches = torch.tensor([[1.0, -2.0], [3.0, -8.0], [2.0, -4.0]])
    found = Similarity(patches, torch.tensor([0.5, 1.0]), Encoder().token_map, 1)
    assert presence(found).tolist() == [1.75, -0.5]


def test_the_best_text_of_each_class() -> None:
    values = torch.tensor([[[-1.0, -5.0, -2.0], [4.0, 0.0, -1.0]]])
    assert best_of_each(values, (1, 1, 0), 2).tolist() == [[[-2.0, -1.0], [-1.0, 4.0]]]
    assert best_of_each(values, (0, 1, 2), 3) is values
