"""A SAM whose masks of everything in an image vote for classes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import BadOptionError
from vlmscope.refine import AutomaticMask, AutomaticOptions, Refiner, automatic_masks

__all__ = ["SamVotes"]


@dataclass(frozen=True, eq=False)
class SamVotes:
    """Which SAM makes masks, and which of them stay.

    Attributes:
        refiner: the SAM.
        options: the rules.
    """

    refiner: Refiner
    options: AutomaticOptions

    @classmethod
    def of(cls, refiner: Any, options: Any = None) -> SamVotes | None:
        """Checked; None where there is no SAM.

        Raises:
            BadOptionError: rules without a SAM, or something that is none.
        """
        if refiner is None and options is not None:
            raise BadOptionError(
                "refine_masks says which masks SAM makes, and there is no SAM. Give one with refine, "
                "such as vlmscope.load_sam('facebook/sam-vit-base')."
            )
        if refiner is None:
            return None
        if not isinstance(refiner, Refiner):
            raise BadOptionError(
                "refine takes a Refiner, such as vlmscope.load_sam('facebook/sam-vit-base') gives, got "
                f"{type(refiner).__name__}."
            )
        rules = AutomaticOptions() if options is None else options
        if not isinstance(rules, AutomaticOptions):
            raise BadOptionError(
                f"refine_masks takes AutomaticOptions, got {type(rules).__name__}."
            )
        return cls(refiner, rules)

    @property
    def record(self) -> dict[str, Any]:
        """What the masks depend on: JSON values."""
        return {
            "model": self.refiner.name,
            "revision": self.refiner.revision,
            "kind": self.refiner.kind.id,
            "masks": asdict(self.options),
            "rule": "a mask goes to the class with the largest mean score inside; the smaller mask lies "
            "on top; pixels without a mask keep their class",
        }

    def masks(self, pixels: NDArray[np.uint8]) -> list[AutomaticMask]:
        """Of one image, uint8 (height, width, 3), the largest first.

        Raises:
            BadImageError: an image too narrow for SAM.
            UnsupportedError: a model whose half precision overflows.
        """
        return automatic_masks(self.refiner, self.refiner.embed(pixels), self.options)
