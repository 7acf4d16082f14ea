"""ProxyCLIP against plain loops, with every kind of second tower; refused where there is none."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from naive_middle import proxied, tower_of
from test_self_proxy import FAMILIES, values_for

import vlmscope as vs
from dual_families import clip
from towers import KINDS, tiny_tower
from vlmscope.errors import BadOptionError, ModelMismatchError, UnknownNameError, UnsupportedError
from vlmscope.methods import get_method, methods_for
from vlmscope.methods.encoder import dense_tokens

IMAGE = np.random.default_rng(0).integers(0, 255, (40, 64, 3)).astype(np.uint8)
MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.3, 0.25)


def proxy_features(hf: Any, values: torch.Tensor, encoder: Any, size: tuple[int, int]) -> Any:
    """Undo one normalisation, resize, do the other, run the tower's own forward in float64."""
    images = getattr(encoder.processor, "image_processor", encoder.processor)
    pixels = values.double().clone()
    for c in range(3):
        pixels[:, c] = pixels[:, c] * images.image_std[c] + images.image_mean[c]
    if tuple(pixels.shape[-2:]) != size:
        pixels = F.interpolate(pixels.float(), size=size, mode="bicubic", antialias=True).double()
        pixels = pixels.clamp(0, 1)
    for c in range(3):
        pixels[:, c] = (pixels[:, c] - MEAN[c]) / STD[c]
    more = {"interpolate_pos_encoding": True} if hf.config.model_type == "vit" else {}
    with torch.no_grad():
        hidden = copy.deepcopy(hf).double()(pixel_values=pixels, **more).last_hidden_state[0]
    special = 1 + {"dinov2_with_registers": 3, "dinov3_vit": 2}.get(hf.config.model_type, 0)
    return hidden[special:]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", list(FAMILIES))
@pytest.mark.parametrize(
    ("patch", "grid", "options"),
    [(8, (4, 4), {}), (7, (3, 7), {"beta": 0.9, "gamma": 5.0})],
)
def test_equals_the_formula(
    family: str, kind: str, patch: int, grid: tuple[int, int], options: dict[str, float]
) -> None:
    encoder, (hf, processor) = FAMILIES[family](), tiny_tower(kind, patch)
    method = get_method("proxyclip").with_proxy(vs.tower_from_pretrained(hf, processor))
    torch.manual_seed(3)
    values = torch.rand(1, 3, grid[0] * encoder.patch, grid[1] * encoder.patch) - 0.5
    found = dense_tokens(encoder, values, grid, method, method.options(**options)).patches[0]
    features = proxy_features(hf, values, encoder, (grid[0] * patch, grid[1] * patch))
    tower = tower_of(encoder, values, grid)
    expected = proxied(tower, features, options.get("beta", 1.2), options.get("gamma", 3.0))
    scale = expected.abs().max()
    torch.testing.assert_close(found.double() / scale, expected / scale, atol=2e-5, rtol=0)


def test_a_batch_equals_one_by_one() -> None:
    encoder = clip()
    method = get_method("proxyclip").with_proxy(vs.tower_from_pretrained(*tiny_tower("dinov2")))
    values = values_for(encoder, (3, 7), batch=3)
    batch = dense_tokens(encoder, values, (3, 7), method, method.options()).patches
    single = [
        dense_tokens(encoder, v[None], (3, 7), method, method.options()).patches for v in values
    ]
    torch.testing.assert_close(batch, torch.cat(single), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_tower_is_loaded_and_given(kind: str, tmp_path: Path) -> None:
    hf, processor = tiny_tower(kind)
    hf.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    tower = vs.load_tower(str(tmp_path))
    assert tower.patch == 7 and "PatchTower" in repr(tower)
    encoder = clip()
    found = vs.ground(encoder, IMAGE, "a dog", method="proxyclip", proxy=tower)
    held = vs.tower_from_pretrained(hf, processor)
    again = vs.ground(encoder, IMAGE, "a dog", proxy=held)
    assert found.method == again.method == "proxyclip"
    np.testing.assert_allclose(found.score_map, again.score_map, atol=1e-6)
    assert found.details["proxy"]["id"] == str(tmp_path)
    labels = vs.segment(encoder, IMAGE, "dog, sky", method="proxyclip", proxy=tower)
    assert labels.details["proxy"]["id"] == str(tmp_path)


def test_without_a_tower_it_is_refused_and_says_what_to_give() -> None:
    encoder = clip()
    assert "proxyclip" not in [each.id for each in methods_for(encoder)]
    for call in (
        lambda: vs.ground(encoder, IMAGE, "a dog", method="proxyclip"),
        lambda: vs.segment(encoder, IMAGE, "dog, sky", method="proxyclip"),
    ):
        with pytest.raises(UnsupportedError, match=r"load_tower\('facebook/dinov2-base'\)"):
            call()


def test_a_tower_where_none_is_read_is_refused() -> None:
    encoder, tower = clip(), vs.tower_from_pretrained(*tiny_tower("dinov2"))
    with pytest.raises(BadOptionError, match="'gem' has no use for a second vision tower"):
        vs.ground(encoder, IMAGE, "a dog", method="gem", proxy=tower)
    with pytest.raises(BadOptionError, match="'gem' has no use"):
        vs.segment(encoder, IMAGE, "dog, sky", method="gem", proxy=tower)
    assert vs.segment(encoder, IMAGE, "dog, sky", proxy=tower).method == "proxyclip"
    with pytest.raises(BadOptionError, match="proxy takes a vision tower.*got str"):
        vs.ground(encoder, IMAGE, "a dog", method="proxyclip", proxy="facebook/dinov2-base")


def test_what_is_no_tower_is_refused(tmp_path: Path) -> None:
    hf, processor = tiny_tower("dinov2")
    with pytest.raises(UnsupportedError, match=r"type 'clip'.*dinov2 \(facebook/dinov2-base\)"):
        vs.tower_from_pretrained(clip().hf, processor)
    with pytest.raises(ModelMismatchError, match="str is no image processor"):
        vs.tower_from_pretrained(hf, "processor")
    with pytest.raises(UnknownNameError, match="vision tower"):
        vs.load_tower("dinov2")
