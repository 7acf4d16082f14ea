"""What is known of a checkpoint before it is loaded: for `vlmscope models`, and for its defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import ModelLoadError
from vlmscope.io import parse_json
from vlmscope.tiny.world.likeness import World
from vlmscope.types import HeadSet

__all__ = ["Checkpoint", "ModelCard", "read_card"]

_FILE = "vlmscope.json"
_KINDS: Mapping[str, tuple[type, ...]] = {
    "system": (str, type(None)),
    "question": (str, type(None)),
    "grounding": (dict,),
    "side": (int, type(None)),
    "world": (dict,),
}


@dataclass(frozen=True)
class Checkpoint:
    """A well-known checkpoint, as its family's file lists it.

    Attributes:
        id: embedded or hub id.
        size: parameters, as people say it.
        licence: of the weights; converted weights have that of what they were made from.
        notes: one sentence.
        side: of the images that a dual encoder is given by default, in pixels; None: its own.
        embedded: whether it comes with vlmscope.
    """

    id: str
    size: str
    licence: str
    notes: str = ""
    side: int | None = None
    embedded: bool = False

    def card(self, family: str) -> ModelCard:
        """Its card, in the family of an id."""
        return ModelCard(
            self.id,
            family,
            self.size,
            self.licence,
            side=self.side,
            embedded=self.embedded,
            notes=self.notes,
        )


@dataclass(frozen=True)
class ModelCard:
    """What is known of one checkpoint before it is loaded.

    Attributes:
        id: embedded or hub id.
        family: id of its family.
        size: parameters, as people say it.
        licence: of the weights.
        system: the system sentence of the ``paper`` preset; None: the family's.
        question: how it is asked whether something is in a picture, ``{phrase}`` in it; None: in
            plain English.
        grounding: the model's own post-processing defaults, empty for the method's.
        heads: a head set that ships with the model, or None.
        side: of the images that a dual encoder is given by default, in pixels; None: its own.
        embedded: whether it comes with vlmscope.
        notes: one sentence.
        quantisation: of the weights that were loaded, as their configuration or layers say; None: none.
        world: the pictures that it was trained on, where it declares that it knows no others; None: it
            makes no such claim.
    """

    id: str
    family: str
    size: str = "unknown"
    licence: str = "unknown"
    system: str | None = None
    question: str | None = None
    grounding: dict[str, Any] = field(default_factory=dict)
    heads: Path | None = None
    side: int | None = None
    embedded: bool = False
    notes: str = ""
    quantisation: str | None = None
    world: World | None = None

    def picture_notes(self, pixels: NDArray[np.uint8]) -> tuple[str, ...]:
        """A sentence about a picture, uint8 (height, width, 3), from outside the world it declares."""
        if self.world is None or self.world.holds(pixels):
            return ()
        return (
            f"{self.id} knows {self.world.knows} only, and this picture looks like none: do not trust "
            f"what it finds here. Use a real checkpoint, for example {self.world.instead}.",
        )

    @cached_property
    def head_set(self) -> HeadSet | None:
        """The heads that ship with the model, read when they are first asked for.

        Raises:
            BadHeadSetError: a file that is no head set.
        """
        return None if self.heads is None else HeadSet.load(self.heads)


def read_card(folder: Path, card: ModelCard) -> ModelCard:
    """Complete a card from the ``vlmscope.json`` and ``heads.json`` beside a checkpoint, if any.

    Raises:
        ModelLoadError: a ``vlmscope.json`` that is damaged, or declares a world that cannot be read.
    """
    heads = folder / "heads.json"
    card = replace(card, heads=heads if heads.is_file() else None)
    file = folder / _FILE
    if not file.is_file():
        return card
    settings = _settings(file)
    if "world" in settings:
        settings["world"] = World.of_record(settings["world"], card.id)
    return replace(card, **settings)


def _settings(file: Path) -> dict[str, Any]:
    """What the file says of a card."""
    try:
        record = parse_json(file.read_text(encoding="utf-8-sig"))
        if not isinstance(record, dict):
            raise ValueError(f"it holds {type(record).__name__}, not an object")
        values = {name: record[name] for name in _KINDS if name in record}
        wrong = next((name for name in values if not isinstance(values[name], _KINDS[name])), None)
        if wrong is not None or isinstance(values.get("side"), bool):
            name = wrong or "side"
            raise ValueError(f"{name} is {repr(values[name])[:40]}")
    except (OSError, ValueError) as error:
        raise ModelLoadError(
            f"{file} cannot be read ({error}). It holds the defaults that belong to the checkpoint: "
            "fetch it again, or remove it to do without them."
        ) from error
    return values
