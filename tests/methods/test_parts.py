"""Parts of an image without a phrase: groups against the definition, results, what is refused."""

from __future__ import annotations

import copy
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import vlmscope as vs
from dual_families import DUAL, clip
from families import llava
from towers import KINDS, tiny_tower
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


# -- towers that know no text -----------------------------------------------------------------

SPECIAL = {"dinov2": 1, "dinov2_with_registers": 4, "dinov3_vit": 3, "vit": 1}


def cosines_of(hf: Any, layer: int, size: tuple[int, int]) -> np.ndarray:
    """Resize and normalise by hand, run the model's own forward in float64, leave special tokens out."""
    resized = Image.fromarray(IMAGE).resize((size[1], size[0]), Image.Resampling.BICUBIC)
    values = torch.tensor(np.array(resized)).permute(2, 0, 1)[None].double() / 255
    mean, std = torch.tensor([[0.4, 0.5, 0.6], [0.2, 0.3, 0.25]])[..., None, None].double()
    more = {"interpolate_pos_encoding": True} if hf.config.model_type == "vit" else {}
    kept: dict[str, torch.Tensor] = {}
    model = copy.deepcopy(hf).double()
    blocks = next(each for each in model.modules() if isinstance(each, torch.nn.ModuleList))
    if layer:
        blocks[layer - 1].register_forward_hook(lambda *_: kept.update(x=_[2]))
    with torch.no_grad():
        last = model(pixel_values=(values - mean) / std, **more).last_hidden_state
    tokens = kept.get("x", last)
    tokens = tokens[0] if isinstance(tokens, tuple) else tokens
    patches = tokens.reshape(-1, tokens.shape[-1])[SPECIAL[hf.config.model_type] :]
    unit = patches / patches.norm(dim=1, keepdim=True)
    return (unit @ unit.T).numpy()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layer", [0, 1])
def test_equals_plain_steps(kind: str, layer: int) -> None:
    hf, processor = tiny_tower(kind)
    tower = vs.tower_from_pretrained(hf, processor, name=kind)
    found = vs.parts(tower, IMAGE, parts=3, side=35, layer=layer)
    assert found.details["grid"] == [5, 8] and found.model == kind and found.method == "parts"
    cosines = cosines_of(hf, layer, (35, 56))
    groups = by_hand(cosines, 3, 1.2)
    for index, group in enumerate(groups):
        map_ = cosines[:, group].mean(axis=1).reshape(5, 8)
        np.testing.assert_allclose(found.score_maps[index], map_, atol=2e-5)
        mean = cosines[np.ix_(group, group)].mean()
        assert found.presence[index] == pytest.approx(mean, abs=2e-5)
    assert found.labels.shape == IMAGE.shape[:2]


def test_the_default_side_is_the_towers_own() -> None:
    tower = vs.tower_from_pretrained(*tiny_tower("dinov2"))
    assert vs.parts(tower, IMAGE, keep_ratio=False).details["grid"] == [4, 4]


def test_a_block_that_the_tower_lacks_is_refused() -> None:
    tower = vs.tower_from_pretrained(*tiny_tower("dinov2"))
    with pytest.raises(BadOptionError, match="layer lies between 1 and 1, got 2"):
        vs.parts(tower, IMAGE, layer=2)


@pytest.mark.parametrize("kind", KINDS)
def test_loaded_as_a_model_it_says_what_it_is_for(kind: str, tmp_path: Path) -> None:
    hf, processor = tiny_tower(kind)
    hf.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    with pytest.raises(UnsupportedError, match=r"knows no text. Load it by vlmscope\.load_tower"):
        vs.load(str(tmp_path))
