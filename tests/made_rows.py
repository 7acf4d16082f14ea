"""Rows of sentences as an evaluation keeps them, made by hand or at random."""

from __future__ import annotations

import random
from typing import Any

__all__ = ["made_row", "random_rows"]

_TEXTS = (
    "kettle",
    "the red mug",
    "second van from the left",
    "dog next to the chair",
    "the cup that is not full",
    "the big wooden spoon on the left side of the picture beside the plate",
)


def made_row(number: int, **changes: Any) -> dict[str, Any]:
    """A row with whatever is changed."""
    row = {
        "id": f"s{number}",
        "image": f"i{number // 3}",
        "text": "the red mug",
        "box": [1.0, 1.0, 5.0, 5.0],
        "point": [2.0, 2.0],
        "score": 0.5,
        "truth": [1.0, 1.0, 4.0, 5.0],
        "truths": [[1.0, 1.0, 4.0, 5.0]],
        "iou": 0.75,
        "mask_iou": 0.5,
        "inside": 5,
        "union": 10,
        "share": 0.1,
        "absent": False,
    }
    return {**row, **changes}


def random_rows(count: int, seed: int, masks: bool = True) -> list[dict[str, Any]]:
    """Rows of which a tenth mean nothing, in images of one to four sentences."""
    chance = random.Random(seed)
    image, rows = 0, []
    for number in range(count):
        image += chance.random() < 0.4
        changes: dict[str, Any] = {"image": f"i{image}", "text": chance.choice(_TEXTS)}
        changes["iou"] = chance.choice([0.0, 0.5, 0.49, chance.random()])
        changes["mask_iou"] = round(chance.random(), 2) if masks else None
        changes["share"] = chance.choice([0.01, 0.04, 0.5, chance.random() ** 3])
        if chance.random() < 0.1:
            nothing = dict.fromkeys(("truth", "iou", "mask_iou", "share"))
            changes |= {"absent": True, "truths": [], **nothing}
        rows.append(made_row(number, **changes))
    return rows
