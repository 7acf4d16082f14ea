"""Discovery of localization heads: images and expressions in, a measured HeadSet out."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from vlmscope.data.resume import SampleLog
from vlmscope.errors import BadOptionError, UnsupportedError
from vlmscope.heads.captions import CaptionedImages
from vlmscope.heads.choice import FROM_CAPTIONS, decoder_shape, quantised
from vlmscope.heads.measures import Measures, measure, stack
from vlmscope.heads.options import DiscoveryOptions
from vlmscope.heads.readings import ReadGroup, coordinate_reading, read_contrasted
from vlmscope.heads.selection import Selection, entropies_of, select
from vlmscope.heads.survey import Survey, survey
from vlmscope.models import LoadedModel
from vlmscope.models.guard import check_model
from vlmscope.options import check_batch
from vlmscope.stats import bootstrap_ratios
from vlmscope.types import Head, HeadFrequency, HeadSet
from vlmscope.version import __version__

__all__ = ["check_depth", "chosen_heads", "discover_heads"]


def discover_heads(
    model: LoadedModel,
    samples: Iterable[Any] | None = None,
    options: DiscoveryOptions | None = None,
    *,
    images: Iterable[Any] | None = None,
    progress: bool = True,
    resume: str | os.PathLike[str] | None = None,
    batch: int = 1,
) -> HeadSet:
    """Find the localization heads of a model, without labels.

    See docs/methods/localization-heads.md (Discovery).

    One forward pass per image; of every sample a few numbers per head are kept. Consecutive
    samples on one image share its pass. The paper uses 1,000 pairs.

    Args:
        model: the model.
        samples: (image, phrase) pairs or objects with ``.image`` and ``.phrase``; boxes and masks
            that they may carry are never looked at. Rows that cannot be used are skipped, counted
            and warned of (``HeadSet.skipped``).
        options: see :class:`DiscoveryOptions`.
        images: in place of samples: images alone, anything that ``open_image`` takes. The model
            captions each, and the noun phrases of the caption are looked for, checked against
            nothing; the set says so (``options["phrases"]``, ``notes``).
        progress: show a bar on stderr.
        resume: a state file: finished samples are added to it and never computed twice. The same
            file serves every variant of the criteria, as these need no new forward pass.
        batch: how many images are looked at side by side, those of the same number of tokens in one
            pass; maps may differ in their last digits from those of one image at a time. With
            ``images`` each is looked at alone: it is encoded once for its caption and its phrases;
            so it is by the criteria contrastive and coordinates.

    Raises:
        BadSampleError: when no sample can be used, or no caption holds a noun.
        BadOptionError: when the model has no layers left after ``skip_layers``, both samples and
            images are given, or neither, or ``batch`` is no number of 1 or more.
        ModelMismatchError: a state file of another model, prompt or read-out row.
        OutputError: a state file that is none, or cannot be written.
        UnsupportedError: a model without a decoder, or one where no head's attention has any
            structure at all.
    """
    check_model(model)
    check_batch(batch)
    options = options or DiscoveryOptions()
    check_depth(model, options)
    if (samples is None) == (images is None):
        raise BadOptionError(
            "Heads are discovered from samples, (image, phrase) pairs, or from images alone. Give one "
            f"of the two, got {'neither' if samples is None else 'both'}."
        )
    reading = {
        "rows": options.rows,
        "preset": options.preset,
        "placement": options.placement,
        "first_layer": options.skip_layers,
    }
    read_group = _read_group(model, options)
    alone = images is not None or read_group is not None
    log = SampleLog(resume, _header(model, reading, options))
    captioned = None if images is None else _captioned(model, images, log, options)
    rows: Iterable[Any] = (captioned or ()) if samples is None else samples
    surveyed = survey(
        model,
        rows,
        log,
        lambda _, maps: measure(maps),
        reading=reading,
        prefix_of=None if captioned is None else captioned.prefix_of,
        progress=progress,
        title="discovering heads",
        batch=1 if alone else batch,
        read_group=read_group,
    )
    found = chosen_heads(model, options, [log[digest] for digest in surveyed.ids], surveyed)
    return found if captioned is None else _from_captions(found, captioned)


def chosen_heads(
    model: LoadedModel,
    options: DiscoveryOptions,
    records: Sequence[dict[str, Any]],
    surveyed: Survey,
) -> HeadSet:
    """Heads out of measurements, without another look at an image.

    Args:
        model: that was read.
        options: of discovery; every layer from ``skip_layers`` on was read.
        records: of :func:`vlmscope.heads.measures.measure`, one for each sample, at least one.
        surveyed: the samples' digests, and what was skipped.

    Raises:
        BadOptionError: records without what the criterion ranks by.
        UnsupportedError: no head's attention has any structure at all.
    """
    _, width = decoder_shape(model)
    measures = stack(records)
    layers = [layer for layer in model.row_layers if layer >= options.skip_layers]
    heads = [Head(layer, head) for layer, head in itertools.product(layers, range(width))]
    selection = select(measures, options)
    return _head_set(model, options, heads, measures, selection, surveyed, records[0])


def check_depth(model: LoadedModel, options: DiscoveryOptions) -> None:
    """Refuse to leave out every layer.

    Raises:
        BadOptionError: no layer is left after ``skip_layers``.
        UnsupportedError: a model without a decoder.
    """
    layers, _ = decoder_shape(model)
    if options.skip_layers >= layers:
        raise BadOptionError(
            f"skip_layers must be less than the decoder's {layers} layers, got {options.skip_layers}."
        )
    if options.skip_layers > model.row_layers[-1]:
        raise BadOptionError(
            f"skip_layers={options.skip_layers} leaves no layer with attention rows; those of {model.id} "
            f"are {', '.join(map(str, model.row_layers))}."
        )


def _read_group(model: LoadedModel, options: DiscoveryOptions) -> ReadGroup | None:
    """What a criterion reads of a picture beyond the row of each phrase."""
    if options.criterion == "contrastive":
        return read_contrasted
    if options.criterion == "coordinates":
        return coordinate_reading(model, options.skip_layers, options.preset)
    return None


def _header(
    model: LoadedModel, reading: dict[str, Any], options: DiscoveryOptions
) -> dict[str, Any]:
    other = options.criterion in ("contrastive", "coordinates")
    return {
        "job": "discovery",
        "model": model.id,
        "revision": model.revision,
        "shape": model.decoder_shape,
        **reading,
        **({"criterion": options.criterion} if other else {}),
        # a file with distractors serves the published criteria, one of written boxes serves none of them
        **({"rows": "box, asked for"} if options.criterion == "coordinates" else {}),
    }


def _head_set(
    model: LoadedModel,
    options: DiscoveryOptions,
    heads: list[Head],
    measures: Measures,
    selection: Selection,
    surveyed: Survey,
    first: dict[str, Any],
) -> HeadSet:
    best = [index for index in selection.order.tolist() if selection.frequency[index] > 0]
    if not best:
        raise UnsupportedError(
            f"No head of {model.id} has attention with any structure on these samples, so none can "
            "be chosen. Look at the maps of a few samples, or read another row."
        )
    return HeadSet(
        heads=tuple(heads[index] for index in best[: options.k]),
        model=model.id,
        revision=model.revision,
        source="discovered",
        prompt=first["preset"],
        rows=options.rows,
        shape=model.decoder_shape,
        samples=len(surveyed.ids),
        trials=options.trials,
        tau=selection.tau,
        sums=tuple(np.sort(measures.sums.mean(axis=0)).tolist()),
        frequencies=_frequencies(options, heads, measures, selection),
        options={**asdict(options), "placement_used": first["placement"], **quantised(model)},
        sample_ids=tuple(surveyed.ids),
        version=__version__,
        notes=_notes(options, selection, len(best)),
        trial_taus=selection.trial_taus,
        skipped=tuple(surveyed.skipped),
    )


def _captioned(
    model: LoadedModel, images: Iterable[Any], log: SampleLog, options: DiscoveryOptions
) -> CaptionedImages:
    return CaptionedImages(model, images, log, options.preset, options.placement)


def _from_captions(heads: HeadSet, captioned: CaptionedImages) -> HeadSet:
    """The set with where its phrases come from."""
    note = (
        f"The phrases are noun phrases of the model's own captions ({captioned.question!r}), checked "
        "against nothing."
    )
    return replace(
        heads,
        options={**heads.options, FROM_CAPTIONS: "the model's own captions"},
        notes=f"{note} {heads.notes}".strip(),
        skipped=(*captioned.skipped, *heads.skipped),
    )


def _frequencies(
    options: DiscoveryOptions, heads: list[Head], measures: Measures, selection: Selection
) -> tuple[HeadFrequency, ...]:
    intervals = bootstrap_ratios(
        selection.marks, selection.draws, resamples=options.resamples, seed=options.seed
    )
    sums = measures.sums.mean(axis=0)
    entropies = entropies_of(measures, options)
    rows = []
    for index in selection.order.tolist():
        finite = entropies[:, index][np.isfinite(entropies[:, index])]
        entropy = float(finite.mean()) if len(finite) else None
        rows.append(HeadFrequency(heads[index], intervals[index], float(sums[index]), entropy))
    return tuple(rows)


def _notes(options: DiscoveryOptions, selection: Selection, selected: int) -> str:
    notes = []
    if selection.survivors <= options.candidates:
        notes.append(
            f"Only {selection.survivors} heads pass the attention sum, no more than the "
            f"{options.candidates} that are marked in each sample: the entropy hardly ranks them."
        )
    if selected < options.k:
        notes.append(
            f"Asked for {options.k} heads; only {selected} were selected in any sample, and are the set."
        )
    return " ".join(notes)
