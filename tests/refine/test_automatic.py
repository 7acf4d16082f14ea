"""Masks of everything: a naive loop agrees, so does transformers where it says the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from transformers import SamImageProcessorPil

from sams import bold, noise, refiner, tiny_sam, tiny_sam2, tiny_sam3
from vlmscope.errors import BadOptionError, UnsupportedError
from vlmscope.refine import AutomaticOptions, Embedded, Frame, Refiner, automatic_masks
from vlmscope.refine.automatic import grid_points, stability, unlike

# random weights promise little of their IoU: the published thresholds would leave no mask; and their
# masks are scattered over the whole image, so that all boxes overlap
LOOSE = AutomaticOptions(points=4, least_iou=0.2, least_stability=0.3, most_overlap=1.0)


class Discs:
    """Stands for a SAM that draws three discs around each point."""

    name = "discs"

    def embed(self, pixels: np.ndarray) -> Embedded:
        frame = Frame(pixels.shape[:2], (64, 64), (64, 64), padded=False)
        return Embedded(self.name, "", frame, None)

    def at_points(
        self, embedded: Embedded, points: Sequence[tuple[float, float]]
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        y, x = torch.meshgrid(torch.arange(64) + 0.5, torch.arange(64) + 0.5, indexing="ij")
        centres = embedded.frame.to_canvas(points)
        away = ((x - centres[:, 0, None, None]) ** 2 + (y - centres[:, 1, None, None]) ** 2).sqrt()
        radii = torch.tensor([5.0, 12.0, 30.0])[None, :, None, None]
        scores = torch.sin(centres @ torch.tensor([[1.0, 5.0, 9.0], [2.0, 3.0, 4.0]])).abs()
        yield radii - away[:, None], scores


KINDS: dict[str, Callable[[], Refiner]] = {
    "sam": lambda: bold(refiner()),
    "sam2": lambda: bold(Refiner.wrap(*tiny_sam2(), name="tiny-sam2")),
    "sam3": lambda: bold(Refiner.wrap(*tiny_sam3(), name="tiny-sam3")),
    "discs": lambda: cast(Refiner, Discs()),
}


@pytest.fixture(params=KINDS)
def sam(request: pytest.FixtureRequest) -> Refiner:
    """Every generation."""
    return KINDS[request.param]()


def asked_one_by_one(sam: Refiner, pixels: np.ndarray, options: AutomaticOptions) -> list[Any]:
    """(score, stability, mask) of what stays, by the rules, one point after the other."""
    embedded = sam.embed(pixels)
    height, width = pixels.shape[:2]
    candidates = []
    for row in range(options.points):
        for column in range(options.points):
            x = (column + 0.5) / options.points * width
            y = (row + 0.5) / options.points * height
            [(logits, scores)] = sam.at_points(embedded, [(x, y)])
            for maps, score in zip(embedded.frame.restore(logits[0]), scores[0], strict=True):
                inner, outer = int((maps > 1).sum()), int((maps > -1).sum())
                if score > options.least_iou and outer and inner / outer > options.least_stability:
                    mask = (maps > 0).numpy()
                    ys, xs = np.nonzero(mask)
                    box = (xs.min(), ys.min(), xs.max(), ys.max())
                    candidates.append((float(score), inner / outer, mask, box))
    kept: list[Any] = []
    for each in sorted(candidates, key=lambda c: -c[0]):
        if all(iou(each[3], other[3]) <= options.most_overlap for other in kept):
            kept.append(each)
    return sorted(kept, key=lambda c: -c[2].sum())


def iou(one: Any, two: Any) -> float:
    width = min(one[2], two[2]) - max(one[0], two[0])
    height = min(one[3], two[3]) - max(one[1], two[1])
    inner = max(0, width) * max(0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, two)]
    union = sum(areas) - inner
    return inner / union if union else 0.0


@pytest.mark.parametrize("size", [(40, 60), (70, 30)])
@pytest.mark.parametrize("overlap", [0.4, 0.7, 1.0])
def test_a_naive_loop_agrees(sam: Refiner, size: tuple[int, int], overlap: float) -> None:
    pixels, options = noise(*size), replace(LOOSE, most_overlap=overlap)
    expected = asked_one_by_one(sam, pixels, options)
    found = automatic_masks(sam, sam.embed(pixels), options)
    assert len(found) == len(expected) > (5 if overlap == 1 else 0)
    for each, (score, share, mask, box) in zip(found, expected, strict=True):
        assert each.score == pytest.approx(score, abs=1e-5)
        assert each.stability == pytest.approx(share, abs=1e-5)
        assert each.box == tuple(int(edge) for edge in box)
        assert each.area == mask.sum()
        np.testing.assert_array_equal(each.mask, mask)


@pytest.mark.parametrize("thresholds", [(0.3, 0.3), (0.5, 0.0), (0.1, 0.5)])
def test_transformers_keeps_the_same_before_suppression(thresholds: tuple[float, float]) -> None:
    sam = bold(refiner())
    pixels = noise(40, 60)
    embedded = sam.embed(pixels)
    least_iou, least_stability = thresholds
    loose = AutomaticOptions(4, least_iou, least_stability, most_overlap=1.0)
    found = automatic_masks(sam, embedded, loose)
    [(logits, scores)] = sam.at_points(embedded, grid_points((40, 60), 4))
    full = embedded.frame.restore(logits.flatten(0, 1)).unflatten(0, logits.shape[:2])
    images: SamImageProcessorPil = tiny_sam()[1].image_processor
    _, theirs, boxes = images.filter_masks(
        full, scores, (40, 60), [0, 0, 60, 40], least_iou, least_stability
    )
    solid = boxes.any(dim=1)  # an empty mask, of which nothing can come, has the box 0, 0, 0, 0
    pairs = zip(theirs[solid].tolist(), boxes[solid].tolist(), strict=True)
    ours = [(each.score, list(each.box)) for each in found]
    assert len(ours) > 1
    assert sorted(ours) == sorted(pairs)


def test_points_lie_in_the_middle_of_equal_parts() -> None:
    assert grid_points((10, 40), 2) == [(10, 2.5), (30, 2.5), (10, 7.5), (30, 7.5)]
    from transformers.models.sam.image_processing_pil_sam import _build_point_grid

    theirs = _build_point_grid(5) * np.array([60, 40])
    np.testing.assert_allclose(grid_points((40, 60), 5), theirs)


def test_stability_by_hand() -> None:
    logits = torch.tensor([[[2.0, 0.5, -0.5, -2.0]], [[-3.0, -3.0, -3.0, -3.0]]])
    share, nothing = stability(logits)
    assert share == pytest.approx(1 / 3)
    assert torch.isnan(nothing)


def test_boxes_that_overlap_a_better_one_go() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 5], [20, 20, 20, 30]], float)
    assert unlike(boxes, [0.5, 0.9, 0.7, 0.1], 0.7) == [1, 2, 3]
    assert unlike(boxes, [0.5, 0.9, 0.7, 0.1], 0.5) == [1, 3]
    # what a suppressed box overlaps is not suppressed by it; of equals the first stays
    assert unlike(boxes[:2], [0.5, 0.5], 0.7) == [0]
    assert unlike(boxes[:0], [], 0.7) == []


def test_a_large_image_is_judged_at_a_bounded_size_and_drawn_at_its_own() -> None:
    sam = bold(refiner())
    found = automatic_masks(sam, sam.embed(noise(600, 2048)), replace(LOOSE, points=2))
    assert found
    for each in found:
        assert each.mask.shape == (600, 2048)
        assert max(each.box) < 1024 and each.area <= 1024 * 300
        assert each.mask.mean() == pytest.approx(each.area / (1024 * 300), abs=0.01)


def test_the_image_is_embedded_once_and_points_go_in_pieces() -> None:
    sam = refiner()
    runs: list[int] = []
    sam.hf.vision_encoder.register_forward_hook(lambda *_: runs.append(1))
    sizes: list[int] = []
    sam.hf.mask_decoder.register_forward_hook(lambda _, __, out: sizes.append(out[0].shape[1]))
    automatic_masks(sam, sam.embed(noise(40, 60)), AutomaticOptions(points=5))
    assert len(runs) == 1
    assert sizes == [16, 9]


def test_bad_input_is_said() -> None:
    sam = refiner()
    embedded = sam.embed(noise(20, 20))
    with pytest.raises(BadOptionError, match="was made by tiny-sam, not by other"):
        automatic_masks(replace(sam, name="other"), embedded)
    for wrong in (
        {"points": 0},
        {"least_iou": -1.0},
        {"least_stability": 2.0},
        {"most_overlap": "a"},
    ):
        with pytest.raises(BadOptionError, match=next(iter(wrong))):
            AutomaticOptions(**wrong)
    with torch.no_grad():
        sam.hf.mask_decoder.iou_prediction_head.proj_out.bias += torch.inf
    with pytest.raises(UnsupportedError, match="not finite"):
        automatic_masks(sam, embedded)
