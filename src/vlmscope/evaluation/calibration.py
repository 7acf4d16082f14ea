"""Choosing a model's own post-processing, on samples kept apart for choosing."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention import HeadMaps
from vlmscope.evaluation.metrics import box_iou, contains
from vlmscope.evaluation.targets import Target, target_of
from vlmscope.methods import resolve_heads
from vlmscope.methods.localization_heads.measures import one_row
from vlmscope.methods.samples import Sample
from vlmscope.methods.survey import survey
from vlmscope.models import LoadedModel
from vlmscope.post import PAPER, PostOptions, combine, find_region
from vlmscope.resume import SampleLog
from vlmscope.types import TokenMap

__all__ = ["Setting", "calibrate_post", "settings_to_try"]


@dataclass(frozen=True)
class Setting:
    """How one setting of the post-processing did.

    Attributes:
        options: the setting.
        mean_iou: mean box IoU, 0..1.
        acc50: share of samples with box IoU of at least 0.5.
        pointing: share of samples whose peak lies inside the object.
    """

    options: PostOptions
    mean_iou: float
    acc50: float
    pointing: float

    @property
    def quality(self) -> float:
        """What settings are ranked by: box IoU and pointing alike, as users get box and point."""
        return (self.mean_iou + self.pointing) / 2


@dataclass(frozen=True, eq=False)
class _Case:
    token_map: TokenMap
    maps: NDArray[np.float64]  # (heads, tokens)
    target: Target


def settings_to_try() -> Iterator[PostOptions]:
    """The paper's setting, then its variants in smoothing, threshold and surface."""
    yield PAPER
    thresholds = [("mean", 0.4), ("otsu", 0.4)]
    thresholds += [("max-share", share) for share in (0.1, 0.2, 0.3, 0.4, 0.5)]
    sigmas = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
    for surface, sigma, (threshold, share) in itertools.product(
        ("grid", "pixels"), sigmas, thresholds
    ):
        yield PostOptions(sigma=sigma, threshold=threshold, share=share, surface=surface)


def calibrate_post(
    model: LoadedModel,
    heads: Any,
    samples: Iterable[Any],
    settings: Sequence[PostOptions] | None = None,
    *,
    progress: bool = True,
) -> tuple[Setting, ...]:
    """Try settings of the post-processing on the same maps, best first.

    Report the winner's figures on OTHER samples: on these it is the best of many.

    Args:
        model: the model.
        heads: anything that ``ground`` takes as heads.
        samples: with boxes or masks, as for :func:`vlmscope.evaluation.verify_heads`; their maps
            are kept in memory.
        settings: what to try; default: :func:`settings_to_try`.
        progress: show a bar on stderr.

    Raises:
        BadHeadSetError: heads that the model does not have.
        BadSampleError: when no sample can be used.
    """
    chosen = resolve_heads(heads, model)
    cases: list[_Case] = []

    def keep(sample: Sample, maps: HeadMaps) -> dict[str, Any]:
        target = target_of(sample, maps.token_map.image_size)
        cases.append(_Case(maps.token_map, one_row(maps), target))
        return {}

    def check(sample: Sample, pixels: NDArray[np.uint8], digest: str) -> None:
        target_of(sample, (pixels.shape[0], pixels.shape[1]))

    survey(
        model,
        samples,
        SampleLog(None, {}),
        keep,
        reading={"rows": chosen.rows, "preset": chosen.prompt, "heads": chosen.heads},
        check=check,
        progress=progress,
        title="reading maps",
    )
    tried = [_try(options, cases) for options in settings or settings_to_try()]
    return tuple(sorted(tried, key=lambda setting: -setting.quality))


def _try(options: PostOptions, cases: Sequence[_Case]) -> Setting:
    ious, hits = [], []
    for case in cases:
        combined = combine(case.token_map, case.maps, options)
        region = find_region(case.token_map, combined, options)
        ious.append(box_iou(region.box, case.target.box))
        hits.append(contains(case.target.shape, region.point))
    found = np.array(ious)
    return Setting(options, float(found.mean()), float((found >= 0.5).mean()), float(np.mean(hits)))
