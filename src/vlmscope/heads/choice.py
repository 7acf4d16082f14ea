"""Which heads are read: whatever form they are named in, sets that others published, and cautions."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vlmscope.errors import BadHeadSetError, UnknownNameError, UnsupportedError
from vlmscope.heads.kept import kept_for
from vlmscope.io import is_there
from vlmscope.models import LoadedModel
from vlmscope.types import Head, HeadSet, parse_heads

__all__ = [
    "FROM_CAPTIONS",
    "decoder_shape",
    "head_cautions",
    "known_heads",
    "published_for",
    "published_names",
    "published_set",
    "quantised",
    "resolve_heads",
]

FROM_CAPTIONS = "phrases"
"""Option of a set whose phrases the model wrote itself; says so."""

_QUANTISATION = "quantisation"

_FOLDER = Path(__file__).parent / "published"


def resolve_heads(heads: Any, model: LoadedModel) -> HeadSet:
    """A head set that fits the model.

    Args:
        heads: a HeadSet, the path of a head file, the name of a published set,
            ``"L14H24,L14H13"``, or a sequence of (layer, head) pairs or such words; None: the
            heads that ship with the model, else those kept for it on this machine, else those
            published for it.
        model: the model.

    Raises:
        BadHeadSetError: none to be found, unreadable, no heads at all, one named twice, or one
            that the model does not have; says the valid range.
        UnsupportedError: a model without a decoder.
    """
    layers, width = decoder_shape(model)
    chosen = _known(model) if heads is None else _given(heads, model)
    for head in chosen.heads:
        if not (0 <= head.layer < layers and 0 <= head.head < width):
            raise BadHeadSetError(
                f"{model.id} has no head {head}: its layers are 0 to {layers - 1} and its heads 0 "
                f"to {width - 1}{_made_for(chosen, model)}."
            )
        if head.layer not in model.row_layers:
            raise BadHeadSetError(
                f"{model.id} has no head {head}: layer {head.layer} has no attention rows, layers "
                f"{', '.join(map(str, model.row_layers))} have{_made_for(chosen, model)}."
            )
    if len(set(chosen.heads)) < len(chosen.heads):
        twice = next(head for head in chosen.heads if chosen.heads.count(head) > 1)
        raise BadHeadSetError(f"The head {twice} is named twice, which would count it double.")
    return chosen


def decoder_shape(model: Any) -> tuple[int, int]:
    """(layers, heads) of a model's decoder.

    Raises:
        UnsupportedError: an encoder has none.
    """
    shape: tuple[int, int] | None = getattr(model, "decoder_shape", None)
    if shape is None:
        raise UnsupportedError(
            f"{model.id} is an encoder without a decoder, so it has no localization heads. "
            "See: vlmscope methods"
        )
    return shape


def _made_for(heads: HeadSet, model: LoadedModel) -> str:
    return "" if heads.model == model.id else f" (these heads were made for {heads.model})"


def known_heads(model: Any) -> HeadSet | None:
    """The set that is used where none is named, or None: shipped, else kept here, else published."""
    return model.card.head_set or kept_for(model) or published_for(model.id)


def _known(model: LoadedModel) -> HeadSet:
    known = known_heads(model)
    if known is None:
        raise BadHeadSetError(
            f"No localization heads are known for {model.id}. Discover them from a few hundred "
            f"images: vlmscope heads discover {model.id} --images FOLDER; later calls find them. "
            "Or name heads: L14H24,L14H13, or a head file."
        )
    return known


def _given(heads: Any, model: LoadedModel) -> HeadSet:
    if isinstance(heads, HeadSet):
        return heads
    if isinstance(heads, str | os.PathLike):
        return _named(os.fspath(heads), model)
    if not isinstance(heads, Iterable):
        raise BadHeadSetError(
            "Heads are a HeadSet, a file, 'L14H24,L14H13' or (layer, head) pairs, got "
            f"{type(heads).__name__}."
        )
    return _bare(tuple(_one(item) for item in heads), model)


def _named(text: str, model: LoadedModel) -> HeadSet:
    if text in published_names():
        return published_set(text)
    if text.endswith(".json") or is_there(Path(text)) or "/" in text or os.sep in text:
        return HeadSet.load(text)
    try:
        return _bare(parse_heads(text), model)
    except BadHeadSetError as error:
        raise BadHeadSetError(
            f"{error} A head file ends in .json; published sets: {', '.join(published_names())}."
        ) from error


def _one(item: Any) -> Head:
    if isinstance(item, str):
        return parse_heads([item])[0]
    try:
        layer, head = item
        if isinstance(layer, bool) or isinstance(head, bool):
            raise TypeError
        return Head(operator.index(layer), operator.index(head))
    except (TypeError, ValueError) as error:
        raise BadHeadSetError(
            f"A head is a (layer, head) pair of whole numbers or 'L14H24', got {item!r}."
        ) from error


def _bare(heads: tuple[Head, ...], model: LoadedModel) -> HeadSet:
    if not heads:
        raise BadHeadSetError("No head was named. Give at least one, for example 'L14H24'.")
    return HeadSet(heads=heads, model=model.id, revision=model.revision, source="given")


def head_cautions(
    heads: HeadSet, model: LoadedModel, rows: object, preset: str | None
) -> tuple[str, ...]:
    """Sentences on a head set that is about to be used.

    Args:
        heads: the set.
        model: the model it is used on.
        rows: the read-out row that is read.
        preset: the preset that the prompt is written in.
    """
    cautions = []
    if heads.model != model.id:
        cautions.append(f"These heads were made for {heads.model}, not for {model.id}.")
    elif heads.revision and model.revision and heads.revision != model.revision:
        cautions.append(
            f"These heads were made for revision {heads.revision}, the model is {model.revision}."
        )
    if heads.evidence is not None and not heads.evidence.better_than_chance:
        cautions.append(
            "These heads are no better than chance on the samples they were verified on: pointing "
            f"{heads.evidence.pointing} against {heads.evidence.chance_pointing:.3f} by chance."
        )
    if heads.evidence is None and "unverified" in heads.source:
        cautions.append(
            "These heads were published by others and are unverified here: "
            "vlmscope heads verify measures what they are worth."
        )
    if heads.evidence is None and FROM_CAPTIONS in heads.options:
        cautions.append(
            "These heads were discovered from the model's own captions, which nothing has checked, and "
            "are unverified: vlmscope heads verify --keep measures what they are worth."
        )
    if heads.source == "discovered":
        cautions += _quantised_differently(heads, model)
        cautions += _read_differently(heads, rows, preset)
    return tuple(cautions)


def quantised(model: LoadedModel) -> dict[str, str]:
    """What a head set's options say of the model's quantised weights; nothing where they are not."""
    card = getattr(model, "card", None)
    return {} if card is None or card.quantisation is None else {_QUANTISATION: card.quantisation}


def _quantised_differently(heads: HeadSet, model: LoadedModel) -> list[str]:
    before, now = heads.options.get(_QUANTISATION), quantised(model).get(_QUANTISATION)
    if before == now:
        return []
    then, here = (f"quantised by {each}" if each else "full" for each in (before, now))
    return [
        f"These heads were discovered in weights that were {then}, those of the model are {here}."
    ]


def _read_differently(heads: HeadSet, rows: object, preset: str | None) -> list[str]:
    cautions = []
    if rows != heads.rows:
        cautions.append(
            f"These heads were discovered in the row {heads.rows!r}, this reads {rows!r}."
        )
    if heads.prompt is not None and preset not in (None, heads.prompt):
        cautions.append(
            f"These heads were discovered with the prompt {heads.prompt!r}, this uses {preset!r}."
        )
    return cautions


def published_names() -> tuple[str, ...]:
    """Names of the published sets, for example ``llava-1.5-7b``."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))


def published_set(name: str) -> HeadSet:
    """A published set by its name.

    Raises:
        UnknownNameError: lists the names.
    """
    if name not in published_names():
        raise UnknownNameError("published head set", name, published_names())
    return HeadSet.load(_FOLDER / f"{name}.json")


def published_for(model: str) -> HeadSet | None:
    """The set published for a model id, or None."""
    sets = (published_set(name) for name in published_names())
    return next((heads for heads in sets if heads.model == model), None)
