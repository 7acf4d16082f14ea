"""Which SAM it was, for settings and digests of runs."""

from __future__ import annotations

from typing import Any

from vlmscope.refine import Refiner

__all__ = ["identity_of"]


def identity_of(refiner: Refiner) -> dict[str, Any]:
    """What masks depend on beside their prompts: JSON values."""
    weight = next(refiner.hf.vision_encoder.parameters())
    return {
        "sam": refiner.name,
        "sam_kind": refiner.kind.id,
        "sam_revision": refiner.revision,
        "sam_dtype": str(weight.dtype).removeprefix("torch."),
    }
