"""Relative attention (ViCrop; Zhang et al., ICLR 2025, arXiv 2502.17422).

A = a(question) / a(generic prompt), cell by cell: a is the attention from the token that starts the
answer to the image, averaged over the heads of ONE layer. Places that every prompt looks at divide out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention import MeanMaps, MeanReading, Reading, image_layers
from vlmscope.errors import BadOptionError, BadPhraseError
from vlmscope.methods.base import GroundRequest
from vlmscope.methods.decoder.base import AttentionMethod, PhraseMap
from vlmscope.models import LoadedModel, Prompt
from vlmscope.options import option
from vlmscope.post import PostOptions, mask_coverage
from vlmscope.post.maps import check_finite

__all__ = ["RelativeAttention", "RelativeAttentionOptions", "default_layer"]

GENERIC = "Write a general description of the image."
"""The paper's."""

_DEPTH = (14, 32)
_FLOOR = 1e-3
# rows that a generic prompt has just as well; an answer or a position it has not
_SHARED_ROWS = ("last_input", "last_text", "phrase")


@dataclass(frozen=True)
class RelativeAttentionOptions(PostOptions):
    """The layer and the generic prompt; the rest is post-processing."""

    layer: int | None = option(
        None,
        "decoder layer that is read, from 0; None: the one as deep as the paper's 14 of "
        "32 (LLaVA-1.5-7B), rounded down; the best one differs between models",
        at_least=0,
        whole=True,
        optional=True,
    )
    generic: str = option(
        GENERIC, "prompt whose attention is divided by, in words that the model knows"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.generic, str) or not self.generic.strip():
            raise BadOptionError(
                f"The option generic takes a sentence, got {self.generic!r}. For example: {GENERIC}"
            )


class RelativeAttention(AttentionMethod):
    """The ratio of the attention for a phrase to the attention for a generic prompt, at one layer.

    Read as published where the user says nothing else: the model's chat template, the last input
    token.
    """

    id = "relative-attention"
    summary = "attention for the phrase over attention for a generic prompt, one layer (ICLR 2025)"
    options = RelativeAttentionOptions
    scored = (
        "attention in the mask for the phrase over that for the generic prompt; 1: no difference"
    )

    def readings(
        self, model: LoadedModel, phrases: Sequence[Prompt], request: GroundRequest
    ) -> tuple[MeanReading, ...]:
        """The phrases and the generic prompt, on one pass over the image where that is possible."""
        options: RelativeAttentionOptions = request.options
        layer = default_layer(model) if options.layer is None else _checked(model, options.layer)
        preset = "chat" if "chat" in model.family.presets else None
        reading = Reading(
            rows="last_input" if request.rows is None else request.rows,
            layers=(layer,),
            preset=request.prompt or preset,
            placement=request.placement,
        )
        neutral = _generic_prompt(options.generic)
        if reading.rows in _SHARED_ROWS:
            return (MeanReading((*phrases, neutral), reading),)
        alone = Reading("last_input", reading.layers, reading.preset, reading.placement)
        return MeanReading((neutral,), alone), MeanReading(tuple(phrases), reading)

    def maps(self, read: Sequence[list[MeanMaps]], options: Any) -> list[PhraseMap]:
        if len(read) == 1:
            *reads, generic = read[0]
        else:
            [generic], reads = read
        return [_ratio(each, generic, options.generic) for each in reads]


def default_layer(model: LoadedModel) -> int:
    """The layer as deep as 14 of 32, rounded down; the nearest that looks at the image, if it does not."""
    wanted = model.decoder_shape[0] * _DEPTH[0] // _DEPTH[1]
    return min(image_layers(model), key=lambda layer: abs(layer - wanted))


def _checked(model: LoadedModel, layer: int) -> int:
    looking = image_layers(model)
    if layer not in looking:
        raise BadOptionError(
            f"The option layer is one that looks at the image; of {model.id} these are "
            f"{', '.join(map(str, looking))}. Got {layer}."
        )
    return layer


def _generic_prompt(text: str) -> Prompt:
    try:
        return Prompt.of(text)
    except BadPhraseError as error:
        raise BadOptionError(f"The option generic cannot be asked: {error}") from error


def _ratio(read: MeanMaps, generic: MeanMaps, text: str) -> PhraseMap:
    above, below = check_finite(read.mean), check_finite(generic.mean)
    # a cell that the generic prompt all but ignores would outshine everything
    floor = _FLOOR * float(below.mean())
    ratio = np.divide(above, np.maximum(below, floor), out=np.zeros_like(above), where=below.any())
    details: dict[str, Any] = {"generic": text, "generic_row_tokens": list(generic.row_tokens)}
    notes = tuple(f"In the generic prompt: {note}" for note in generic.token_map.notes)
    return PhraseMap(ratio, partial(_raised, read, generic), read, details, notes)


def _raised(read: MeanMaps, generic: MeanMaps, mask: NDArray[np.bool_]) -> float:
    """How many times more attention falls into a mask for the phrase; 0 for an empty mask."""
    inside = mask_coverage(read.token_map, mask)
    usual = float(generic.mean @ inside)
    return float(read.mean @ inside) / usual if usual > 0 else 0.0
