"""The plainest of all: attention averaged over every head, what a few chosen heads have to beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from vlmscope.attention import MeanMaps, MeanReading, Reading, image_layers
from vlmscope.errors import BadOptionError
from vlmscope.methods.base import GroundRequest
from vlmscope.methods.decoder.base import AttentionMethod, PhraseMap
from vlmscope.models import LoadedModel, Prompt
from vlmscope.options import option
from vlmscope.post import PostOptions, attention_share

__all__ = ["MeanAttention", "MeanAttentionOptions"]


@dataclass(frozen=True)
class MeanAttentionOptions(PostOptions):
    """Which layers are averaged; the rest is post-processing."""

    first_layer: int = option(0, "first decoder layer that counts, from 0", at_least=0, whole=True)
    last_layer: int | None = option(
        None,
        "last decoder layer that counts; nothing above it is computed; None: the deepest",
        at_least=0,
        whole=True,
        optional=True,
    )


class MeanAttention(AttentionMethod):
    """The mean over all heads of a range of layers, in the read-out row."""

    id = "mean-attention"
    summary = "attention averaged over all heads, of all layers or of a range"
    options = MeanAttentionOptions
    scored = "share of the mean attention of all heads read that falls into the mask, 0 to 1"

    def readings(
        self, model: LoadedModel, phrases: Sequence[Prompt], request: GroundRequest
    ) -> tuple[MeanReading, ...]:
        layers = layer_range(model, request.options.first_layer, request.options.last_layer)
        rows = "last_text" if request.rows is None else request.rows
        reading = Reading(rows, layers, request.prompt, request.placement)
        return (MeanReading(tuple(phrases), reading),)

    def maps(self, read: Sequence[list[MeanMaps]], options: Any) -> list[PhraseMap]:
        return [
            PhraseMap(each.mean, partial(attention_share, each.token_map, each.mean), each)
            for each in read[0]
        ]


def layer_range(model: LoadedModel, first: int, last: int | None) -> tuple[int, ...]:
    """The layers from ``first`` to ``last`` that can look at the image.

    Raises:
        BadOptionError: a range that holds none.
    """
    looking = image_layers(model)
    end = looking[-1] if last is None else last
    count = model.decoder_shape[0]
    chosen = tuple(layer for layer in looking if first <= layer <= end)
    if not chosen or end >= count:
        raise BadOptionError(
            f"{model.id} has the layers 0 to {count - 1}, of which {_listed(looking, count)} look at "
            f"the image; first_layer={first} and last_layer={last} name none of these, or one that "
            "is not there."
        )
    return chosen


def _listed(layers: Sequence[int], count: int) -> str:
    return "all" if len(layers) == count else ", ".join(map(str, layers))
