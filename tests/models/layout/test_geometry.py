"""Image token -> original pixels, proved by painting: which tokens change when pixels change?

The test looks at the vision tower's PATCH embeddings, before attention mixes the tokens.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

import vlmscope as vs
from families import llava
from vlmscope.errors import UnknownNameError
from vlmscope.models import LoadedModel

SIZES = {
    "square": (112, 112),
    "wide": (60, 180),
    "tall": (180, 60),
    "odd": (101, 67),
    "tiny": (9, 13),
    "large": (700, 903),
}


def patch_values(model: LoadedModel, pixels: np.ndarray, placement: str) -> torch.Tensor:
    """(cells, values): what each patch is embedded from, a linear map of its own pixels only."""
    values = model.fit(pixels, placement).tensors["pixel_values"]
    patch = model.hf.config.vision_config.patch_size
    cells = values.unfold(2, patch, patch).unfold(3, patch, patch)[0]  # (3, rows, columns, p, p)
    return cells.permute(1, 2, 0, 3, 4).reshape(cells.shape[1] * cells.shape[2], -1)


def overlaps(boxes: np.ndarray, paint: tuple[int, int, int, int], slack: float) -> np.ndarray:
    x0, y0, x1, y1 = paint
    return (
        (boxes[:, 0] < x1 + slack)
        & (boxes[:, 2] > x0 - slack)
        & (boxes[:, 1] < y1 + slack)
        & (boxes[:, 3] > y0 - slack)
    )


def inside(boxes: np.ndarray, paint: tuple[int, int, int, int]) -> np.ndarray:
    x0, y0, x1, y1 = paint
    return (boxes[:, 0] >= x0) & (boxes[:, 2] <= x1) & (boxes[:, 1] >= y0) & (boxes[:, 3] <= y1)


@pytest.mark.parametrize("setup", ["clip-crop", "siglip-squash", "clip-full"])
@pytest.mark.parametrize("placement", ["pad", "processor"])
@pytest.mark.parametrize("shape", list(SIZES))
def test_painted_pixels_change_the_tokens_that_claim_them(
    shape: str, placement: str, setup: str
) -> None:
    model = {
        "clip-crop": lambda: llava(),
        "siglip-squash": lambda: llava(vision="siglip", processor="squash"),
        "clip-full": lambda: llava(strategy="full"),
    }[setup]()
    height, width = SIZES[shape]
    rng = np.random.default_rng(0)
    plain = rng.integers(60, 200, (height, width, 3), dtype=np.uint8)
    tokens = vs.token_map(model, plain, "pizza", placement=placement)
    boxes = tokens.views[0].boxes
    before = patch_values(model, plain, placement)
    # resampling reaches this many original pixels beyond a cell (bicubic: two pixels of the
    # coarser of the two grids)
    cell = boxes[0]
    per_pixel = (cell[2] - cell[0]) / model.hf.config.vision_config.patch_size
    slack = (
        2 * max(1.0, per_pixel, (cell[3] - cell[1]) / model.hf.config.vision_config.patch_size) + 1
    )
    for top, left, bottom, right in (
        (0, 0, height // 2, width // 2),
        (
            height // 3,
            width // 3,
            height // 3 + max(1, height // 3),
            width // 3 + max(1, width // 3),
        ),
        (height // 2, 0, height, width),
    ):
        painted = plain.copy()
        painted[top:bottom, left:right] = 255 - painted[top:bottom, left:right]
        changed = (patch_values(model, painted, placement) - before).abs().amax(-1).numpy() > 1e-4
        paint = (left, top, right, bottom)
        assert not (changed & ~overlaps(boxes, paint, slack)).any(), "a token changed far away"
        visible = overlaps(boxes, (0, 0, width, height), 0.0)  # not wholly padding
        assert changed[inside(boxes, paint) & visible].all(), "a token inside did not change"
    assert tokens.placement in {"pad", "crop", "squash", "resize"}


@pytest.mark.parametrize("placement", ["pad", "processor"])
@pytest.mark.parametrize("shape", list(SIZES))
def test_what_a_crop_cuts_off_is_known_to_be_unseen(shape: str, placement: str) -> None:
    model = llava()
    height, width = SIZES[shape]
    pixels = np.full((height, width, 3), 128, dtype=np.uint8)
    tokens = vs.token_map(model, pixels, "pizza", placement=placement)
    x0, y0, x1, y1 = tokens.seen
    before = model.fit(pixels, placement).tensors["pixel_values"]
    outside = pixels.copy()
    margin = int(np.ceil(3 * max(1, min(height, width) / 56)))  # reach of the resampling
    outside[: max(0, int(y0) - margin)] = 0
    outside[int(y1) + margin :] = 0
    outside[:, : max(0, int(x0) - margin)] = 0
    outside[:, int(x1) + margin :] = 0
    after = model.fit(outside, placement).tensors["pixel_values"]
    assert torch.equal(before, after), "pixels outside `seen` reached the model"
    if placement == "pad":
        assert tokens.unseen_fraction == pytest.approx(0, abs=1e-9)
    elif height != width:
        assert tokens.placement == "crop"
        expected = 1 - min(height, width) / max(height, width)
        assert tokens.unseen_fraction == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("shape", list(SIZES))
@pytest.mark.parametrize("placement", ["pad", "processor"])
def test_one_hot_maps_light_their_own_rectangle(shape: str, placement: str) -> None:
    model = llava()
    height, width = SIZES[shape]
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    tokens = vs.token_map(model, pixels, "pizza", placement=placement)
    cells = len(tokens.image_positions)
    total = np.zeros((height, width))
    for cell in range(cells):
        lit = tokens.to_pixels(np.eye(cells)[cell], "nearest")
        total += lit
        ys, xs = np.nonzero(lit)
        x0, y0, x1, y1 = tokens.views[0].boxes[cell]
        if len(ys):
            assert x0 - 0.5 <= xs.min() and xs.max() + 1 <= x1 + 0.5
            assert y0 - 0.5 <= ys.min() and ys.max() + 1 <= y1 + 0.5
    x0, y0, x1, y1 = tokens.seen
    seen = np.zeros((height, width))
    seen[round(y0) : round(y1), round(x0) : round(x1)] = 1
    assert np.abs(total - seen).mean() < 0.05, "every pixel seen belongs to exactly one token"


@pytest.mark.parametrize("shape", ["square", "wide", "odd", "tiny"])
def test_density_conserves_the_mass_of_tokens_that_lie_on_the_image(shape: str) -> None:
    model = llava()
    pixels = np.zeros((*SIZES[shape], 3), dtype=np.uint8)
    tokens = vs.token_map(model, pixels, "pizza", placement="processor")
    weights = np.random.default_rng(0).random(len(tokens.image_positions))
    assert tokens.to_pixels(weights, "density").sum() == pytest.approx(weights.sum(), rel=1e-4)


def test_to_pixels_refuses_a_wrong_number_of_weights() -> None:
    tokens = vs.token_map(llava(), np.zeros((30, 30, 3), dtype=np.uint8), "pizza")
    with pytest.raises(ValueError, match="16 image tokens"):
        tokens.to_pixels(np.zeros(15))
    with pytest.raises(UnknownNameError, match="bilinear"):
        tokens.to_pixels(np.zeros(16), "bilinaer")


@pytest.mark.parametrize("size", [(20, 20000), (20000, 20), (1, 1), (1, 4000)])
@pytest.mark.parametrize("placement", ["pad", "processor"])
def test_extreme_shapes_fit_in_memory_and_keep_their_geometry(
    size: tuple[int, int], placement: str
) -> None:
    model = llava()
    pixels = np.full((*size, 3), 90, dtype=np.uint8)
    tokens = vs.token_map(model, pixels, "pizza", placement=placement)
    centre = tokens.views[0].boxes.mean(axis=0)
    assert (centre[0] + centre[2]) / 2 == pytest.approx(size[1] / 2, rel=0.02, abs=1)
    assert (centre[1] + centre[3]) / 2 == pytest.approx(size[0] / 2, rel=0.02, abs=1)


def test_an_unknown_placement_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="pad"):
        vs.token_map(llava(), np.zeros((30, 30, 3), dtype=np.uint8), "pizza", placement="padd")
