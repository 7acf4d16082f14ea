"""Verification: how good heads are on samples that discovery never saw."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.resume import SampleLog
from vlmscope.data.samples import Sample, image_id
from vlmscope.data.targets import target_of
from vlmscope.errors import BadSampleError
from vlmscope.heads.choice import resolve_heads
from vlmscope.heads.judge import RANDOM_SETS, Judge
from vlmscope.heads.options import LocalizationHeadsOptions
from vlmscope.heads.sample_rows import Check
from vlmscope.heads.survey import survey
from vlmscope.metrics import accuracy_at, mean_over_images
from vlmscope.models import LoadedModel
from vlmscope.models.guard import check_model
from vlmscope.options import check_batch
from vlmscope.post import PostOptions
from vlmscope.post.options import with_post
from vlmscope.stats import Interval
from vlmscope.types import HeadEvidence, HeadSet

__all__ = ["evidence_of", "percentile", "unseen", "verify_heads"]


def verify_heads(
    model: LoadedModel,
    heads: Any,
    samples: Iterable[Any],
    *,
    post: PostOptions | str | None = None,
    placement: str | None = None,
    progress: bool = True,
    seed: int = 0,
    resume: str | os.PathLike[str] | None = None,
    batch: int = 1,
) -> HeadSet:
    """Measure a head set on samples with boxes or masks (docs/methods/localization-heads.md, Evidence).

    One forward pass per image reads every head of the decoder: the set's own for boxes, the others
    for percentiles and for random sets of as many heads from the layers that discovery reads.
    Pointing and enrichment use the mask where there is one, else the box; boxes are compared with
    the box, or the mask's tight box. Intervals are bootstraps over images.

    Args:
        model: the model.
        heads: anything that ``ground`` takes as heads.
        samples: ``(image, phrase, box or mask)`` or objects with ``.image``, ``.phrase`` and
            ``.box`` or ``.mask``. Samples that discovery used, by their digests, and rows that
            cannot be used are skipped, counted and warned of (``evidence.skipped``).
        post: setting of the post-processing, or the name of one; default: the model's.
        placement: how images are fitted; default: the family's.
        progress: show a bar on stderr.
        seed: of the random sets and the bootstrap.
        resume: a state file: finished samples are never computed twice.
        batch: how many images are looked at side by side, as for :func:`discover_heads`.

    Returns:
        The same set with ``evidence``, for the model it was verified on.

    Raises:
        BadHeadSetError: heads that the model does not have.
        BadSampleError: when no sample can be used.
        BadOptionError: ``batch`` that is no number of 1 or more.
        ModelMismatchError: a state file of another model, other heads or another setting.
        OutputError: a state file that is none, or cannot be written.
    """
    check_model(model)
    check_batch(batch)
    chosen = resolve_heads(heads, model)
    options = with_post(LocalizationHeadsOptions(), model.card.grounding, post)
    judge = Judge.of(model.row_layers, model.decoder_shape[1], chosen, options, seed)
    reading = {"rows": chosen.rows, "preset": chosen.prompt, "placement": placement}
    log = SampleLog(resume, _header(model, chosen, options, seed, reading))
    surveyed = survey(
        model,
        samples,
        log,
        judge.record,
        reading=reading,
        check=unseen(chosen.sample_ids),
        progress=progress,
        title="verifying heads",
        batch=batch,
    )
    evidence = replace(
        evidence_of(judge, [log[digest] for digest in surveyed.ids], surveyed.ids, seed),
        settings={**asdict(options), **reading, "seed": seed, "random_sets": RANDOM_SETS},
        skipped=tuple(surveyed.skipped),
    )
    return _verified(chosen, model, evidence)


def _header(
    model: LoadedModel, heads: HeadSet, options: PostOptions, seed: int, reading: dict[str, Any]
) -> dict[str, Any]:
    return {
        "job": "verification/2",
        "model": model.id,
        "revision": model.revision,
        "heads": [str(head) for head in heads.heads],
        "post": asdict(options),
        "seed": seed,
        **reading,
    }


def unseen(ids: Iterable[str]) -> Check:
    """Lets through samples with a target that are none of those that discovery used.

    Args:
        ids: digests of these.
    """
    used = frozenset(ids)

    def check(sample: Sample, pixels: NDArray[np.uint8], digest: str) -> None:
        if digest in used:
            raise BadSampleError(
                "The heads were discovered on this very sample, so it proves nothing. Verify on others."
            )
        target_of(sample, (pixels.shape[0], pixels.shape[1]))

    return check


def _verified(heads: HeadSet, model: LoadedModel, evidence: HeadEvidence) -> HeadSet:
    if heads.model == model.id and heads.revision == model.revision:
        return replace(heads, evidence=evidence)
    # the evidence is of this model, so the set now says that it is too, and where it came from
    made_for = heads.model if heads.revision is None else f"{heads.model} ({heads.revision})"
    note = f"Made for {made_for}, verified on {model.id}."
    notes = heads.notes if note in heads.notes else f"{heads.notes} {note}".strip()
    return replace(heads, evidence=evidence, model=model.id, revision=model.revision, notes=notes)


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
    ious = [scores["iou"] for scores in whole]
    masks = [scores["mask_iou"] for scores in whole if "mask_iou" in scores]
    return HeadEvidence(
        samples=len(records),
        pointing=mean([scores["pointing"] for scores in whole]),
        mean_iou=mean(ious),
        acc50=accuracy_at(ious, 0.5, images, seed=seed),
        enrichment=mean([scores["enrichment"] for scores in whole]),
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
    for order, index in enumerate(judge.members):
        placed = [record["own"][order] for record in records]
        ious = [item["iou"] for item in placed]
        scores = {
            "pointing": mean_over_images([item["pointing"] for item in placed], images, seed=seed),
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
