"""The reproduction: models one after the other, then claims, tables, curves and protocol."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from vlmscope.data.datasets import Dataset, dataset_kinds
from vlmscope.errors import BadOptionError, UnsupportedError
from vlmscope.models import DualEncoder, LoadedModel
from vlmscope.reproduce.gem.drawing import plots_of
from vlmscope.reproduce.gem.findings import Evidence
from vlmscope.reproduce.gem.outcomes import ModelOutcome
from vlmscope.reproduce.gem.paper import PAPER
from vlmscope.reproduce.gem.settings import Settings
from vlmscope.reproduce.gem.tables import tables_of
from vlmscope.reproduce.gem.work import ModelWork
from vlmscope.reproduce.kept import KeptResults, slug
from vlmscope.reproduce.listeners import Listener
from vlmscope.reproduce.reproductions import Reproduction
from vlmscope.reproduce.steps import take_steps
from vlmscope.stats import LEVEL, RESAMPLES
from vlmscope.version import __version__

__all__ = ["reproduce_gem"]


def reproduce_gem(
    models: Sequence[str],
    open_model: Callable[[str], LoadedModel | DualEncoder],
    data: Dataset,
    settings: Settings | None = None,
    *,
    split: str | None = None,
    limit: int | None = None,
    folder: str | os.PathLike[str] | None = None,
    listener: Listener | None = None,
) -> Reproduction:
    """Put the claims of the paper to the test.

    Args:
        models: names, one after the other: a model is let go of before the next is opened.
        open_model: loads one.
        data: a set with label maps.
        settings: how images are seen and scored.
        split: of the set, for the record; None: the usual one.
        limit: only so many images; no claim is decided then.
        folder: where finished steps and images are kept; the same call goes on where it stopped.
        listener: told of costs and progress.

    Raises:
        BadOptionError: no model, a set without label maps, or a limit below 1.
        BadSampleError: no image can be used.
        UnsupportedError: a model that is no dual encoder.
        ModelMismatchError: a folder with results of something else.
        OutputError: a folder that cannot be written.
    """
    settings, listener = settings or Settings(), listener or Listener()
    _check(models, data, limit)
    place = None if folder is None else Path(folder)
    outcomes = []
    for name in models:
        work = ModelWork(_opened(open_model, name), data, settings, limit, listener.progress)
        outcomes.append(_outcome(work, place, listener))
        del work  # the next model may need the room
    dataset = _named(data, split)
    evidence = Evidence(outcomes, dataset, _reservations(data, outcomes[0], limit))
    listed = [f"{data.id}: image {each.image_id}: {each.reason}" for each in data.skipped]
    return Reproduction(
        PAPER,
        evidence.findings(),
        tables_of(outcomes),
        tuple((f"{o.model}: {title}", cost) for o in outcomes for title, cost in o.costs),
        _protocol(outcomes, data, dataset, settings, limit),
        (*listed, *(line for outcome in outcomes for line in outcome.skipped)),
        tuple(dict.fromkeys(note for outcome in outcomes for note in outcome.notes)),
        plots_of(outcomes),
    )


def _named(data: Dataset, split: str | None) -> str:
    """Id and split, by the split's name where it was left out."""
    kinds = {kind.id: kind for kind in dataset_kinds()}
    usual = kinds[data.id].splits[:1] if data.id in kinds else ()
    return " ".join((data.id, *((split,) if split else usual)))


def _check(models: Sequence[str], data: Dataset, limit: int | None) -> None:
    if not models:
        raise BadOptionError("No model was named. Name one, such as openai/clip-vit-base-patch16.")
    if "segmentation" not in data.tasks:
        raise BadOptionError(
            f"{data.id} has no label maps, which mIoU is measured on. Give a set that has, such as "
            "coco-panoptic."
        )
    if limit is not None and (isinstance(limit, bool) or limit < 1):
        raise BadOptionError(f"limit must be at least 1, got {limit!r}. Leave it out for all.")


def _opened(open_model: Callable[[str], LoadedModel | DualEncoder], name: str) -> DualEncoder:
    model = open_model(name)
    if not isinstance(model, DualEncoder):
        raise UnsupportedError(
            f"{name} is no dual encoder, and GEM is a path through the vision tower of one. Take a "
            "CLIP, SigLIP or BLIP, such as openai/clip-vit-base-patch16; see: vlmscope models"
        )
    return model


def _outcome(work: ModelWork, folder: Path | None, listener: Listener) -> ModelOutcome:
    """Take the steps for one model."""
    id = work.encoder.id
    place = None if folder is None else folder / "models" / slug(id)
    kept = KeptResults(place, work.header)
    steps = work.steps()
    costs = tuple((step.title, step.cost) for step in steps)
    listener.costs(id, list(costs))
    take_steps(steps, kept, listener.say)
    return work.outcome(kept, costs)


def _reservations(data: Dataset, outcome: ModelOutcome, limit: int | None) -> tuple[str, ...]:
    protocol = data.protocol
    return (
        *([f"only the first {len(outcome.records)} images (--limit)"] if limit is not None else []),
        *(["a rendered set"] if "rendered" in protocol else []),
        *([f"partial: {protocol['partial']}"] if "partial" in protocol else []),
    )


def _protocol(
    outcomes: Sequence[ModelOutcome],
    data: Dataset,
    dataset: str,
    settings: Settings,
    limit: int | None,
) -> dict[str, Any]:
    return {
        "models": {each.model: dict(each.stated) for each in outcomes},
        "data": {"name": dataset, "digest": data.digest, **data.protocol},
        "words": data.words.to_dict(),
        "limit": limit,
        "settings": asdict(settings),
        "images": "squashed to a square; one template, 'a photo of a {}.'",
        "mIoU": "one pooled confusion matrix, mean over the classes with true pixels; arg-max over all "
        "classes of the word list, bilinear to the original image; pixels without a class are ignored, "
        "so there is no background and no threshold",
        "passes": "one pass of the original path per image; every setting runs beside it",
        "published setting": "last 6 blocks, 1 iteration, adaptive temperature, q, k and v",
        "interval": f"{LEVEL:.0%} percentile bootstrap over images, {RESAMPLES} resamples, seed "
        f"{settings.seed}; differences of the same resamples",
        "software": {
            "vlmscope": __version__,
            "torch": version("torch"),
            "transformers": version("transformers"),
        },
    }
