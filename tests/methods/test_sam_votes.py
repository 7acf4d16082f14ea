"""``segment`` with a SAM whose masks vote: a naive loop agrees, and every bad input is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import vlmscope as vs
from dual_families import clip
from sams import bold, noise, refiner, tiny_sam2, tiny_sam3
from vlmscope.errors import BadOptionError
from vlmscope.methods import segmenter
from vlmscope.models import DualEncoder
from vlmscope.refine import AutomaticOptions, Refiner, automatic_masks
from vlmscope.types import BACKGROUND

LOOSE = AutomaticOptions(points=3, least_iou=0.2, least_stability=0.3, most_overlap=1.0)
CLASSES = ["dog", "bus", "sky"]
KINDS: dict[str, Callable[[], Refiner]] = {
    "sam": lambda: bold(refiner()),
    "sam2": lambda: bold(Refiner.wrap(*tiny_sam2(), name="tiny-sam2")),
    "sam3": lambda: bold(Refiner.wrap(*tiny_sam3(), name="tiny-sam3")),
}


@pytest.fixture(scope="module")
def encoder() -> DualEncoder:
    return clip()


@pytest.fixture(params=KINDS)
def sam(request: pytest.FixtureRequest) -> Refiner:
    return KINDS[request.param]()


def expected_labels(
    encoder: DualEncoder, pixels: NDArray[np.uint8], sam: Refiner, least: float | None
) -> NDArray[np.int64]:
    """Mask by mask, the largest first, each over the whole picture."""
    plain = vs.segment(encoder, pixels, CLASSES, "maskclip")
    where = encoder.fit(pixels).token_map
    maps = np.stack([where.to_pixels(each.reshape(-1)) for each in plain.score_maps], axis=-1)

    def decide(values: NDArray[np.floating]) -> NDArray[np.int64]:
        best = values.argmax(axis=-1)
        return best if least is None else np.where(values.max(axis=-1) < least, BACKGROUND, best)

    labels = decide(maps)
    for each in automatic_masks(sam, sam.embed(pixels), LOOSE):
        labels[each.mask] = decide(maps[each.mask].mean(axis=0))
    return labels


@pytest.mark.parametrize("least", [None, "median"])
def test_each_mask_takes_the_class_of_its_mean(
    encoder: DualEncoder, sam: Refiner, least: str | None
) -> None:
    pixels = noise(48, 72)
    plain = vs.segment(encoder, pixels, CLASSES, "maskclip")
    limit = None if least is None else float(np.median(plain.score_maps.max(axis=0)))
    found = vs.segment(
        encoder, pixels, CLASSES, "maskclip", refine=sam, refine_masks=LOOSE, least_score=limit
    )
    expected = expected_labels(encoder, pixels, sam, limit)
    assert (found.labels == expected).mean() > 0.999  # but for rounding where two classes are equal
    assert not np.array_equal(found.labels, plain.labels)
    np.testing.assert_array_equal(found.score_maps, plain.score_maps)
    np.testing.assert_array_equal(found.presence, plain.presence)


def test_the_record_says_whose_masks_they_are(encoder: DualEncoder) -> None:
    sam = bold(refiner())
    found = vs.segment(encoder, noise(48, 72), CLASSES, "maskclip", refine=sam, refine_masks=LOOSE)
    record = found.details["refined"]
    assert (record["model"], record["kind"]) == ("tiny-sam", "sam")
    assert record["masks"] == {
        "points": 3,
        "least_iou": 0.2,
        "least_stability": 0.3,
        "most_overlap": 1.0,
    }
    ready = segmenter(encoder, CLASSES, "maskclip", refine=sam)
    assert ready.header["refined"]["masks"]["points"] == 32  # as published
    assert "refined" not in segmenter(encoder, CLASSES, "maskclip").header


def test_masks_vote_for_classes_that_do_not_compete_and_for_pixels_that_are_refined(
    encoder: DualEncoder,
) -> None:
    sam, pixels = bold(refiner()), noise(48, 72)
    options: dict[str, Any] = {"compete": False, "threshold": "mean"}
    plain = vs.segment(encoder, pixels, CLASSES, "maskclip", **options)
    found = vs.segment(
        encoder, pixels, CLASSES, "maskclip", refine=sam, refine_masks=LOOSE, **options
    )
    masks = automatic_masks(sam, sam.embed(pixels), LOOSE)
    last = masks[-1].mask
    assert len(np.unique(found.labels[last])) == 1 < len(np.unique(plain.labels[last]))
    fine = vs.segment(
        encoder, pixels, CLASSES, "maskclip", refine=sam, refine_masks=LOOSE, refine_pixels=3
    )
    assert len(np.unique(fine.labels[last])) == 1


def test_a_sam_that_is_sure_of_nothing_changes_nothing(encoder: DualEncoder) -> None:
    strict = AutomaticOptions(points=2, least_iou=50.0)
    plain = vs.segment(encoder, noise(48, 72), CLASSES, "maskclip")
    found = vs.segment(
        encoder, noise(48, 72), CLASSES, "maskclip", refine=refiner(), refine_masks=strict
    )
    np.testing.assert_array_equal(found.labels, plain.labels)
    np.testing.assert_array_equal(found.confidence, plain.confidence)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"refine": "facebook/sam-vit-base"}, "refine takes a Refiner, .* got str"),
        ({"refine_masks": LOOSE}, "there is no SAM. Give one with refine"),
        ({"refine": True, "refine_masks": LOOSE}, "got bool"),
    ],
)
def test_bad_input_is_said(encoder: DualEncoder, more: dict[str, Any], message: str) -> None:
    with pytest.raises(BadOptionError, match=message):
        segmenter(encoder, CLASSES, **more)
    with pytest.raises(BadOptionError, match="takes AutomaticOptions, got dict"):
        segmenter(encoder, CLASSES, refine=refiner(), refine_masks={"points": 3})
