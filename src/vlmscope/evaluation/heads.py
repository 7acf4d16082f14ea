"""Verification: how good heads are on samples that discovery never saw."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import BadSampleError
from vlmscope.evaluation.evidence import evidence_of
from vlmscope.evaluation.judging import RANDOM_SETS, Judge
from vlmscope.evaluation.targets import target_of
from vlmscope.methods import get_method, ground_options, resolve_heads
from vlmscope.methods.samples import Sample
from vlmscope.methods.survey import survey
from vlmscope.models import LoadedModel
from vlmscope.post import PostOptions
from vlmscope.resume import SampleLog
from vlmscope.types import HeadEvidence, HeadSet

__all__ = ["verify_heads"]


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
) -> HeadSet:
    """Measure a head set on samples with boxes or masks (localization_heads: "Evidence").

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

    Returns:
        The same set with ``evidence``, for the model it was verified on.

    Raises:
        BadHeadSetError: heads that the model does not have.
        BadSampleError: when no sample can be used.
        ModelMismatchError: a state file of another model, other heads or another setting.
        OutputError: a state file that is none, or cannot be written.
    """
    chosen = resolve_heads(heads, model)
    options = ground_options(
        get_method("localization-heads"), model, {} if post is None else {"post": post}
    )
    judge = Judge.of(model.decoder_shape, chosen, options, seed)
    reading = {"rows": chosen.rows, "preset": chosen.prompt, "placement": placement}
    log = SampleLog(resume, _header(model, chosen, options, seed, reading))
    found = survey(
        model,
        samples,
        log,
        judge.record,
        reading=reading,
        check=_checker(chosen),
        progress=progress,
        title="verifying heads",
    )
    evidence = replace(
        evidence_of(judge, [log[digest] for digest in found.ids], found.ids, seed),
        settings={**asdict(options), **reading, "seed": seed, "random_sets": RANDOM_SETS},
        skipped=tuple(found.skipped),
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


def _checker(heads: HeadSet) -> Callable[[Sample, NDArray[np.uint8], str], None]:
    used = frozenset(heads.sample_ids)

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
