"""Parts of an image without a phrase: groups against the definition, results, what is refused."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch

import vlmscope as vs
from dual_families import DUAL, clip
from families import llava
from vlmscope.errors import BadOptionError, UnknownNameError, UnsupportedError
from vlmscope.methods.encoder import original_tokens
from vlmscope.methods.parts import grouped

IMAGE = np.random.default_rng(0).integers(0, 255, (40, 64, 3)).astype(np.uint8)


def by_hand(cosines: np.ndarray, parts: int, beta: float) -> list[list[int]]:
    """Join the two groups with the largest mean cosine, until it is too small or few are left."""
    groups = [[i] for i in range(len(cosines))]
    least = beta * cosines.mean()
    while len(groups) > 1:
        pairs = combinations(range(len(groups)), 2)
        means = {(a, b): cosines[np.ix_(groups[a], groups[b])].mean() for a, b in pairs}
        a, b = max(means, key=means.__getitem__)
        if (len(groups) <= parts) if parts else (means[a, b] < least):
            break
        groups[a] += groups.pop(b)
    return sorted((sorted(group) for group in groups), key=lambda group: (-len(group), group[0]))


def similar(seed: int, count: int = 14) -> np.ndarray:
    points = np.random.default_rng(seed).normal(size=(count, 3)) + 0.7
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    return unit @ unit.T


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("parts", "beta"), [(0, 1.2), (0, 0.5), (1, 1.2), (3, 1.2), (14, 0.0)])
def test_groups_are_joined_by_their_mean_similarity(seed: int, parts: int, beta: float) -> None:
    cosines = similar(seed)
    member = grouped(cosines, parts, beta)
    assert member.sum(axis=1).tolist() == [1.0] * 14
    found = [np.flatnonzero(column).tolist() for column in member.T]
    assert found == by_hand(cosines, parts, beta)


def test_one_patch_is_one_part() -> None:
    assert grouped(np.ones((1, 1)), 0, 1.2).tolist() == [[1.0]]


@pytest.mark.parametrize("family", list(DUAL))
def test_a_result_is_a_segmentation_of_a_middle_block(family: str) -> None:
    encoder = DUAL[family]()
    found = vs.parts(encoder, IMAGE, parts=3, layer=2, side=48)
    assert found.names == ("part 1", "part 2", "part 3") and found.method == "parts"
    assert found.labels.shape == IMAGE.shape[:2] and set(np.unique(found.labels)) <= {0, 1, 2}
    fitted = encoder.fit(IMAGE, 48)
    with torch.no_grad():
        x = original_tokens(encoder, fitted.values, fitted.grid, 2)[0]
        again = encoder.family.embed(encoder.hf, fitted.values, fitted.grid)
        for block in encoder.blocks[:2]:
            again = block.forward(again, block.project(block.norm1(again)))
    torch.testing.assert_close(x, again[0])
    patches = torch.nn.functional.normalize(x[encoder.family.prefix_tokens :], dim=-1).numpy()
    cosines = patches @ patches.T
    groups = by_hand(cosines, 3, 1.2)
    for index, group in enumerate(groups):
        map_ = cosines[:, group].mean(axis=1).reshape(fitted.grid)
        np.testing.assert_allclose(found.score_maps[index], map_, atol=1e-5)
        mean = cosines[np.ix_(group, group)].mean()
        assert found.presence[index] == pytest.approx(mean, abs=1e-5)


def test_the_same_image_has_the_same_parts() -> None:
    one, other = (vs.parts(clip(), IMAGE) for _ in range(2))
    assert one.names == other.names and np.array_equal(one.labels, other.labels)


def test_what_is_refused() -> None:
    encoder = clip()
    with pytest.raises(UnsupportedError, match="parts needs the image tower.*answers in words"):
        vs.parts(llava(), IMAGE)
    with pytest.raises(UnknownNameError, match="option of parts"):
        vs.parts(encoder, IMAGE, part=3)
    with pytest.raises(BadOptionError, match="layer lies between 1 and 3, got 4"):
        vs.parts(encoder, IMAGE, layer=4)
    with pytest.raises(BadOptionError, match="has 4x6 patches"):
        vs.parts(encoder, IMAGE, parts=25)
    with pytest.raises(BadOptionError, match="no more than 4096"):
        vs.parts(encoder, IMAGE, side=600)
