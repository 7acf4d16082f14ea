"""Where a phrase is, with the rows of all heads from the same pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from vlmscope.app.engine.pictures import StoredPicture
from vlmscope.app.engine.prefixes import PrefixKeeper
from vlmscope.attention import HeadMaps, HeadReading, ImageReading, image_layers, read_together
from vlmscope.methods.base import GroundRequest, check_accepts
from vlmscope.methods.catalogue import default_method, get_method
from vlmscope.methods.decoder import ReadingMethod
from vlmscope.methods.grounder import ground_options, grounder, with_image_notes
from vlmscope.models import DualEncoder, LoadedModel, Prompt
from vlmscope.results import Grounding
from vlmscope.types import Head

__all__ = ["Grounded", "ground_phrase"]


@dataclass(frozen=True, eq=False)
class Grounded:
    """A phrase in a picture.

    Attributes:
        grounding: where it is.
        maps: of all heads that can look at the image, from the same pass; None: not read.
    """

    grounding: Grounding
    maps: HeadMaps | None = field(default=None, repr=False)


def ground_phrase(
    model: LoadedModel | DualEncoder,
    keeper: PrefixKeeper | None,
    picture: StoredPicture,
    phrase: Prompt,
    method: str | None = None,
    heads: Any = None,
    all_heads: bool = False,
) -> Grounded:
    """Ground one phrase as :func:`vlmscope.ground` does, on a picture that may have been read before.

    Args:
        model: the model.
        keeper: its pictures; None: of an encoder.
        picture: where to look.
        phrase: what for.
        method: id; None: the one that :func:`vlmscope.ground` takes.
        heads: for methods that read chosen heads.
        all_heads: read the maps of all heads, too.

    Raises:
        UnknownNameError, UnsupportedError, BadHeadSetError, BadOptionError: as there.
    """
    chosen, cautions = default_method(model, heads) if method is None else (get_method(method), ())
    check_accepts(chosen, model)
    own = heads if "heads" in chosen.takes else None
    if (
        keeper is None
        or not isinstance(model, LoadedModel)
        or not isinstance(chosen, ReadingMethod)
    ):
        [result] = grounder(model, [phrase], chosen.id, own)(picture.opened)
        return Grounded(_cautioned(result, cautions))
    request = GroundRequest(own, None, None, None, ground_options(chosen, model, {}))
    grounded = _read(model, keeper, picture, phrase, chosen, request, all_heads)
    return replace(grounded, grounding=_cautioned(grounded.grounding, cautions))


def _read(
    model: LoadedModel,
    keeper: PrefixKeeper,
    picture: StoredPicture,
    phrase: Prompt,
    method: ReadingMethod,
    request: GroundRequest,
    all_heads: bool,
) -> Grounded:
    reads = method.reads(model, [phrase], request)
    readings: list[ImageReading] = list(reads.readings)
    if all_heads:
        readings.append(_every_head(model, phrase, reads.readings[0]))
    prefix = _prefix(model, keeper, picture, readings)
    read = read_together(model, keeper.fitted(picture), readings, prefix)
    [grounding] = reads.located(picture.opened.pixels, read[: len(reads.readings)])
    [grounding] = with_image_notes([grounding], picture.opened)
    return Grounded(grounding, read[-1][0] if all_heads else None)


def _every_head(model: LoadedModel, phrase: Prompt, beside: ImageReading) -> HeadReading:
    """All heads that can look at the image, in the row and prompt of another reading."""
    _, width = model.decoder_shape
    heads = tuple(Head(layer, head) for layer in image_layers(model) for head in range(width))
    return HeadReading((phrase,), heads, beside.rows, beside.preset, beside.placement)


def _prefix(
    model: LoadedModel,
    keeper: PrefixKeeper,
    picture: StoredPicture,
    readings: Sequence[ImageReading],
) -> Any:
    """The picture as it was read before, where all readings can share it."""
    places = {(model.resolve_preset(each.preset), each.placement) for each in readings}
    if len(places) > 1 or not all(isinstance(each.rows, str) for each in readings):
        return None
    return keeper.prefix(picture, *places.pop())


def _cautioned(grounding: Grounding, cautions: tuple[str, ...]) -> Grounding:
    return replace(grounding, warnings=cautions + grounding.warnings) if cautions else grounding
