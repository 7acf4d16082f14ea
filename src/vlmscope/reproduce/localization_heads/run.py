"""The reproduction: models one after the other, then claims, tables and protocol."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from vlmscope.errors import BadOptionError, BadSampleError
from vlmscope.models import LoadedModel
from vlmscope.refine import Refiner
from vlmscope.reproduce.kept import KeptResults, slug
from vlmscope.reproduce.listeners import Listener
from vlmscope.reproduce.localization_heads.claims import PAPER
from vlmscope.reproduce.localization_heads.conditions import conditions_of
from vlmscope.reproduce.localization_heads.drawing import RULE
from vlmscope.reproduce.localization_heads.findings import Evidence
from vlmscope.reproduce.localization_heads.outcomes import ModelOutcome
from vlmscope.reproduce.localization_heads.overlap import Overlap, image_overlaps
from vlmscope.reproduce.localization_heads.protocol import protocol_of, stated_of
from vlmscope.reproduce.localization_heads.scope import Scope
from vlmscope.reproduce.localization_heads.splits import PaperSplit, find_splits
from vlmscope.reproduce.localization_heads.tables import tables_of
from vlmscope.reproduce.localization_heads.work import VERIFICATION, ModelWork
from vlmscope.reproduce.reproductions import Reproduction
from vlmscope.reproduce.steps import take_steps
from vlmscope.types import HeadSet
from vlmscope.version import __version__

__all__ = ["reproduce_localization_heads"]

HEADS = "heads.json"
"""File of the heads that were found, beside the finished steps of a model."""


def reproduce_localization_heads(
    models: Sequence[str],
    open_model: Callable[[str], LoadedModel],
    root: str | os.PathLike[str],
    scope: Scope | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    refiner: Refiner | None = None,
    listener: Listener | None = None,
) -> Reproduction:
    """Put the claims of the paper to the test.

    Args:
        models: names, one after the other: a model is let go of before the next is opened.
        open_model: loads one.
        root: a folder with the folders refcoco, refcoco+, refcocog and reasonseg, or some of them.
        scope: how much is run.
        folder: where finished steps are kept; the same call goes on where it stopped.
        refiner: a SAM that draws masks for the boxes; without one no claim about masks is decided.
        listener: told of costs and progress.

    Raises:
        BadOptionError: no model.
        BadSampleError: none of the sets is there, or none to discover or to score heads on.
        ModelMismatchError: a folder with results of something else.
        OutputError: a folder that cannot be written.
    """
    if not models:
        raise BadOptionError("No model was named. Name one, such as llava-hf/llava-1.5-7b-hf.")
    scope, listener = scope or Scope(), listener or Listener()
    splits = find_splits(root, scope.partial)
    trains, scored = _usable(splits)
    with ExitStack() as stack:
        if folder is None:  # variants of the criteria are worked out from the states of samples
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="vlmscope-"))
        outcomes = []
        for name in models:
            work = ModelWork(
                open_model(name), trains, scored, scope, refiner, progress=listener.progress
            )
            outcomes.append(_outcome(work, Path(folder), listener))
            del work  # the next model may need the room
    overlaps = [each for train in trains for each in image_overlaps(train, scored)]
    return Reproduction(
        PAPER,
        Evidence(outcomes, splits, scope, refiner is not None).findings(),
        tables_of(outcomes, overlaps),
        tuple((f"{o.model}: {title}", cost) for o in outcomes for title, cost in o.costs),
        protocol_of(outcomes, splits, scope, refiner, RULE),
        tuple(line for outcome in outcomes for line in outcome.skipped)
        + tuple(_unlisted(split) for split in (*trains, *scored) if split.opened.skipped),
        _notes(splits, overlaps),
    )


def _usable(
    splits: Sequence[PaperSplit],
) -> tuple[tuple[PaperSplit, ...], tuple[PaperSplit, ...]]:
    """Train splits, and those that are scored; refused where either is lacking."""
    there = [each for each in splits if each.data is not None]
    trains = tuple(each for each in there if each.split == "train")
    scored = tuple(each for each in there if each.split != "train")
    for name, found in (("train split to discover heads on", trains), ("split to score", scored)):
        if not found:
            reasons = "; ".join(dict.fromkeys(each.missing for each in splits if each.missing))
            raise BadSampleError(f"There is no {name}: {reasons}. See: vlmscope data check.")
    return trains, scored


def _outcome(work: ModelWork, folder: Path, listener: Listener) -> ModelOutcome:
    """Take the steps for one model."""
    model, place = work.model, folder / "models" / slug(work.model.id)
    kept = KeptResults(place, _header(work))
    steps = work.steps()
    costs = [(step.title, step.cost) for step in steps]
    listener.costs(model.id, costs)
    take_steps(steps, kept, listener.say)
    HeadSet.from_dict(kept[VERIFICATION]["heads"]).save(place / HEADS)
    return ModelOutcome(
        model.id,
        stated_of(model),
        conditions_of(model),
        work.trains,
        work.scored,
        {step.id: kept[step.id] for step in steps},
        tuple(costs),
        work.scope.seed,
    )


def _header(work: ModelWork) -> dict[str, Any]:
    """What has to be the same for results to be put together."""
    model, refiner = work.model, work.refiner
    return {
        "job": "localization-heads",
        "version": __version__,
        "model": model.id,
        "revision": model.revision,
        "dtype": str(model.dtype),
        "quantisation": model.card.quantisation,
        "max_side": model.max_side,
        "data": {each.name: each.opened.digest for each in (*work.trains, *work.scored)},
        "sam": None if refiner is None else [refiner.name, refiner.revision],
        **work.scope.to_dict(),
    }


def _unlisted(split: PaperSplit) -> str:
    skipped = split.opened.skipped
    first = f"{skipped[0].image_id}: {skipped[0].reason}"
    return f"{split.name}: {len(skipped)} images or sentences cannot be used; the first: {first}"


def _notes(splits: Sequence[PaperSplit], overlaps: Sequence[Overlap]) -> tuple[str, ...]:
    """Sentences to read first: what is lacking, and images in both."""
    missing = list(dict.fromkeys(each.missing for each in splits if each.missing))
    both = [f"{each.shared} of {each.scored} in {each.train}" for each in overlaps if each.shared]
    return (
        *(f"Not measured: {reason}." for reason in missing),
        *([f"Images in both, on which no head was discovered: {'; '.join(both)}."] if both else []),
    )
