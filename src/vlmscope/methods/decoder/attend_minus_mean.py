"""Attend minus mean (attend-and-segment; Cao et al., arXiv 2410.08209, "groundLMM").

Published for answers: with a_i the attention of output token i on the image, averaged over all heads
of all layers, its map is a_i - (1/N) sum_j a_j over the N output tokens. What every token looks at,
attention sinks above all, falls away.

Here the phrase stands in the prompt. Its map is that of the read-out row minus the mean over the rows
of every prompt token after the image, the phrase's own included; with an answer in the Prompt, over
the rows that predict the answer, as published (rows="box" then gives the published method).

A mean over few tokens, most of which look at the object too, takes the object away. On tiny-llava, 226
phrases of one to four words on scenes kept for choosing: pointing .35 with the bare phrase, .81 with
"the" before it, .86 in "where is the ...".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from vlmscope.attention import MeanMaps, MeanReading, Reading, image_layers
from vlmscope.methods.base import GroundRequest
from vlmscope.methods.decoder.base import AttentionMethod, PhraseMap
from vlmscope.models import LoadedModel, Prompt
from vlmscope.options import option
from vlmscope.post import PostOptions, attention_share

__all__ = ["AttendMinusMean", "AttendMinusMeanOptions"]

_NOTHING = (
    "The rows that are read are all that the mean is taken over, so nothing is left. Put the phrase "
    "into a sentence, such as Prompt('where is the cat ?', (9, 16)), or read another row."
)
_OWN = (
    "The mean is taken over the phrase's own tokens alone, which look at the object too. Put the phrase "
    "into a sentence, such as Prompt('where is the cat ?', (9, 16))."
)
_BELOW = (
    "Nowhere does the row that is read look more than the prompt's rows do on average, so nothing "
    "lights up. Read another row, or see the map with keep_negative=True."
)


@dataclass(frozen=True)
class AttendMinusMeanOptions(PostOptions):
    """What becomes of negative values; the rest is post-processing."""

    keep_negative: bool = option(
        False,
        "keep values below zero, where the phrase looks less than the rest of the "
        "prompt; else they are 0 before smoothing (published: kept, but only the maximum is used)",
    )


class AttendMinusMean(AttentionMethod):
    """The mean over all heads and layers, minus its mean over the prompt's other rows."""

    id = "attend-minus-mean"
    summary = (
        "attention averaged over all heads, minus its mean over the prompt's tokens (groundLMM)"
    )
    options = AttendMinusMeanOptions
    scored = (
        "share of the mean attention, beyond what the prompt's tokens give on average, in the mask"
    )

    def readings(
        self, model: LoadedModel, phrases: Sequence[Prompt], request: GroundRequest
    ) -> tuple[MeanReading, ...]:
        reading = Reading(
            rows="last_text" if request.rows is None else request.rows,
            layers=image_layers(model),
            preset=request.prompt,
            placement=request.placement,
            rest=True,
        )
        return (MeanReading(tuple(phrases), reading),)

    def maps(self, read: Sequence[list[MeanMaps]], options: Any) -> list[PhraseMap]:
        return [_difference(each, options.keep_negative) for each in read[0]]


def _difference(read: MeanMaps, keep_negative: bool) -> PhraseMap:
    assert read.rest is not None  # it was asked for
    # two sums over the same rows may differ by rounding, whose map would be located like any other
    nothing = np.allclose(read.mean, read.rest, rtol=1e-5, atol=0.0)
    weights = np.zeros_like(read.mean) if nothing else read.mean - read.rest
    below = not keep_negative and not (weights > 0).any()
    if not keep_negative:
        weights = np.maximum(weights, 0.0)
    score = partial(attention_share, read.token_map, weights)
    record = {"mean_over": list(read.rest_tokens)}
    return PhraseMap(weights, score, read, record, _cautions(read, nothing, below))


def _cautions(read: MeanMaps, nothing: bool, below: bool) -> tuple[str, ...]:
    if nothing:
        return (_NOTHING,)
    phrase, answer = (len(read.token_map.positions(role)) for role in ("phrase", "generated"))
    alone = (_OWN,) if not answer and phrase == len(read.rest_tokens) else ()
    return (*alone, *((_BELOW,) if below else ()))
