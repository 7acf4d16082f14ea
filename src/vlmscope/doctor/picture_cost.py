"""What one picture costs a model: positions, image tokens, key-value cache; nothing is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vlmscope.models.loading.sources import Source

if TYPE_CHECKING:
    from vlmscope.models import ImageInputs, LoadedModel

__all__ = ["SIZE", "PictureCost", "picture_cost"]

SIZE = (768, 1024)
"""(height, width) of the picture that is counted."""

_PROMPT = "a dog"


@dataclass(frozen=True)
class PictureCost:
    """One picture of :data:`SIZE` with a short prompt.

    Attributes:
        image_tokens: that stand for a part of the image, in the sequence or beside it.
        positions: the whole sequence; None when it is not known.
        cache_bytes: of keys and values for these positions, of every layer that has some. Layers with a
            sliding window need less; cross-attention layers a little more, for tokens on no grid; the
            state of layers without attention rows, of one size whatever the length, is not in it.
        unknown: why the rest is None; empty when it is known.
    """

    image_tokens: int | None = None
    positions: int | None = None
    cache_bytes: int | None = None
    unknown: str = ""


def picture_cost(source: Source, hf: Any, element_bytes: int) -> PictureCost | None:
    """Count what a picture costs, by writing a prompt for a blank one.

    Args:
        source: pinned.
        hf: the model with shapes but without storage.
        element_bytes: of one key or value.

    Returns:
        None for models without a decoder.
    """
    from vlmscope.errors import UnsupportedError
    from vlmscope.models import FAMILIES, DualFamily
    from vlmscope.models.loading.refusals import explained

    try:
        family = FAMILIES.for_config(source.config, source.name)
    except UnsupportedError:
        return PictureCost(unknown="vlmscope does not cover this family")
    if isinstance(family, DualFamily):
        return None
    try:
        with explained(source.name):
            return _counted(source, hf, family, element_bytes)
    # a missing tokenizer, a family that needs weights: sizes still count
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        return PictureCost(unknown=f"could not be counted ({reason or type(error).__name__})")


def _counted(source: Source, hf: Any, family: Any, element_bytes: int) -> PictureCost:
    from vlmscope.models import FAMILIES, LoadedModel
    from vlmscope.models.kept_keys import kept_numbers
    from vlmscope.models.loading.processors import family_processor

    processor = family_processor(source.name, source.path, source.options, family)
    card = FAMILIES.card_of(source.name, family.id)
    model = LoadedModel(source.name, source.revision, hf, processor, family, card)
    fitted = _fitted(model)
    text = model.encode_prompt(_PROMPT, [fitted])
    positions = len(text.ids)
    # gaps between rows and tiles are positions, but stand for no part of the image
    shown = sum(len(layout.offsets) for layout in fitted.layouts) or fitted.expansion.tokens
    crossed, config = family.cross_layers(hf), model.decoder.config
    numbers = sum(
        kept_numbers(config, layer) * (shown if layer in crossed else positions)
        for layer in model.row_layers
    )
    return PictureCost(
        image_tokens=shown,
        positions=positions,
        cache_bytes=numbers * element_bytes,
    )


def _fitted(model: LoadedModel) -> ImageInputs:
    """A blank picture as the model takes it."""
    from vlmscope.models import ImageInputs
    from vlmscope.models.prompts.prompt import Expansion

    queries = getattr(model.hf.config, "num_query_tokens", None)
    if queries is None:
        return model.fit(np.zeros((*SIZE, 3), np.uint8))
    # as many whatever the image; what they were made of takes weights to say
    token = model.family.placeholder(model.hf, model.processor)
    return ImageInputs({}, Expansion.run(token, int(queries)), (), "")
