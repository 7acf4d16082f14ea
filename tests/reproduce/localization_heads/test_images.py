"""What is measured on an image is what grounding gives, with and without a SAM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from sams import refiner
from vlmscope.data.datasets import open_dataset
from vlmscope.heads import discover_heads
from vlmscope.metrics.masks import intersection_union
from vlmscope.models import LoadedModel
from vlmscope.reproduce.localization_heads.conditions import conditions_of
from vlmscope.reproduce.localization_heads.images import Reader
from vlmscope.reproduce.localization_heads.sums import COLUMNS
from vlmscope.reproduce.localization_heads.variants import MAIN, Variant, variants_of
from vlmscope.tiny import referring_samples
from vlmscope.types import HeadSet
from vlmscope.types.boxes import box_iou


@pytest.fixture(scope="module")
def heads(model: LoadedModel) -> HeadSet:
    return discover_heads(model, referring_samples(range(20_000_000, 20_000_006)), progress=False)


@pytest.fixture(scope="module")
def variants(model: LoadedModel, heads: HeadSet) -> dict[str, Variant]:
    criteria: dict[str, Any] = {"sum": [(3, 1), (4, 1)], "entropy": [(2, 0)], "tau": []}
    return {each.id: each for each in variants_of(model, heads, criteria)}


def by_hand(groundings: Any, referents: Any) -> list[float]:
    """The sums, from boxes and masks as grounding gives them."""
    rows = []
    for found, referent in zip(groundings, referents, strict=True):
        iou = box_iou(found.box, referent.target.box)
        inside, union = intersection_union(found.mask, referent.target.mask)
        rows.append([1, iou >= 0.5, iou, 1, inside / union, inside, union])
    return [float(value) for value in np.sum(np.array(rows, dtype=float), axis=0)]


SETTINGS: dict[str, dict[str, Any]] = {
    MAIN: {},
    "k1": {"k": 1},
    "greedy": {"greedy": True, "k": 3},
    "unsmoothed": {"smoothing": "none"},
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("drawn", [False, True])
def test_the_sums_are_those_of_ground(
    model: LoadedModel,
    heads: HeadSet,
    variants: dict[str, Variant],
    root: Path,
    name: str,
    drawn: bool,
) -> None:
    data = open_dataset("refcoco", root / "refcoco", split="val")
    sample = data.load(data.image_ids[0])
    condition = conditions_of(model)[-1]  # chat, as the processor fits: not the defaults
    sam = refiner() if drawn else None
    sums = Reader(model, condition, sam).sums(sample, list(variants.values()))[name]
    groundings = vs.ground(
        model,
        sample.image.pixels,
        [referent.label for referent in sample.referents],
        heads=heads,
        prompt=condition.preset,
        placement=condition.placement,
        post="paper",
        **SETTINGS[name],
    )
    if sam is not None:
        groundings = sam.refine(groundings, "box")
    assert sums == pytest.approx(by_hand(groundings, sample.referents))
    assert len(sums) == len(COLUMNS)


def test_variants_that_no_head_is_left_for_are_not_there(variants: dict[str, Variant]) -> None:
    assert "tau" not in variants
    assert "named" not in variants
    assert [str(head) for head in variants["sum"].heads] == ["L3H1", "L4H1"]
    assert len(variants["greedy"].heads) > 3
    assert next(iter(variants)) == MAIN
