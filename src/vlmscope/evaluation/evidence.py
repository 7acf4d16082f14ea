"""From the records of single samples to the evidence for a head set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.evaluation.judging import Judge
from vlmscope.evaluation.metrics import accuracy_at, mean_over_images
from vlmscope.methods.samples import image_id
from vlmscope.types import HeadEvidence, Interval

__all__ = ["evidence_of", "percentile"]


def evidence_of(
    judge: Judge, records: Sequence[dict[str, Any]], ids: Sequence[str], seed: int
) -> HeadEvidence:
    """Average the records; intervals are bootstraps over images.

    Args:
        judge: what made them.
        records: one per sample, at least one.
        ids: digest of each sample.
        seed: of the bootstraps.
    """
    images = [image_id(digest) for digest in ids]

    def mean(values: Any) -> Interval:
        return mean_over_images(values, images, seed=seed)

    whole = [record["set"] for record in records]
    ious = [found["iou"] for found in whole]
    masks = [found["mask_iou"] for found in whole if "mask_iou" in found]
    return HeadEvidence(
        samples=len(records),
        pointing=mean([found["pointing"] for found in whole]),
        mean_iou=mean(ious),
        acc50=accuracy_at(ious, 0.5, images, seed=seed),
        enrichment=mean([found["enrichment"] for found in whole]),
        chance_pointing=float(np.mean([record["chance"] for record in records])),
        per_head=tuple(_per_head(judge, records, images, seed)),
        sample_ids=tuple(ids),
        # over part of the samples it would not be comparable with the rest
        mask_iou=mean(masks) if len(masks) == len(records) else None,
        random_pointing=float(np.mean([record["rivals"] for record in records])),
        average_pointing=float(np.mean([record["average"] for record in records])),
    )


def _per_head(
    judge: Judge, records: Sequence[dict[str, Any]], images: Sequence[str], seed: int
) -> list[dict[str, Any]]:
    pointing = np.array([record["pointing"] for record in records], dtype=np.float64)
    enriched = np.array([record["enrichment"] for record in records], dtype=np.float64)
    rows = []
    for order, index in enumerate(judge.own):
        found = [record["own"][order] for record in records]
        ious = [item["iou"] for item in found]
        scores = {
            "pointing": mean_over_images([item["pointing"] for item in found], images, seed=seed),
            "mean_iou": mean_over_images(ious, images, seed=seed),
            "acc50": accuracy_at(ious, 0.5, images, seed=seed),
            "enrichment": mean_over_images(enriched[:, index], images, seed=seed),
        }
        rows.append(
            {
                "head": list(judge.heads[index]),
                **{name: list(interval) for name, interval in scores.items()},
                "percentile": percentile(pointing.mean(axis=0), index),
                "enrichment_percentile": percentile(enriched.mean(axis=0), index),
            }
        )
    return rows


def percentile(scores: NDArray[np.float64], index: int) -> float:
    """Share of the OTHER entries that one of them beats, ties counting half; 100 is best of all.

    Args:
        scores: float (heads,).
        index: which one.
    """
    others = np.delete(scores, index)
    if len(others) == 0:
        return 100.0
    beaten = (others < scores[index]).sum() + 0.5 * (others == scores[index]).sum()
    return float(100 * beaten / len(others))
