"""What requests hold, as JSON: types and ranges are checked before anything is computed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "AnswerBody",
    "CompareBody",
    "DecisionBody",
    "FaithfulnessBody",
    "GroundBody",
    "KnockoutBody",
    "PatchBody",
    "SteerBody",
]

_MOST_LAYERS = 10_000  # no model has as many layers, heads or cells
_MOST_CELLS = 10_000_000

Number = Annotated[int, Field(ge=0, lt=_MOST_LAYERS, strict=True)]
Pair = tuple[Number, Number]
Heads = Annotated[list[Pair], Field(min_length=1, max_length=4_096)]
Word = Annotated[str, Field(min_length=1, max_length=100)]
Side = Annotated[float, Field(ge=0, le=1_000_000)]


class _Body(BaseModel):
    """Only what is named here, and numbers that are numbers."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class _AboutImage(_Body):
    image: Annotated[str, Field(min_length=1, max_length=64)]


class GroundBody(_AboutImage):
    """Where a phrase is."""

    phrase: str
    method: Word | None = None
    heads: Heads | None = None
    all_heads: bool = True


class AnswerBody(_AboutImage):
    """What the model says, and what each word looked at."""

    question: str
    max_tokens: Annotated[int, Field(ge=1, le=4_096)] = 64


class KnockoutBody(_AboutImage):
    """What the model says with edges blocked in window after window of layers."""

    question: str
    window: Annotated[int, Field(ge=1, lt=_MOST_LAYERS)] = 1
    edges: Annotated[str, Field(min_length=1, max_length=400)] = "image->query"
    heads: Annotated[list[Number], Field(min_length=1, max_length=4_096)] | None = None


class SteerBody(_AboutImage):
    """What the model says when heads are made to look at a box."""

    question: str
    heads: Heads | None = None
    box: tuple[Side, Side, Side, Side]
    strength: Annotated[float, Field(ge=-100, le=100)] = 4.0


class FaithfulnessBody(_AboutImage):
    """Whether the answer needs what the map of a phrase lights up."""

    phrase: str
    question: str | None = None
    method: Word | None = None
    heads: Heads | None = None


class PatchBody(_AboutImage):
    """Who reads one cell of the image, and what it says."""

    phrase: str
    cell: Annotated[int, Field(ge=0, lt=_MOST_CELLS)]


class CompareBody(_AboutImage):
    """A phrase by several methods."""

    phrase: str
    methods: Annotated[list[Word], Field(min_length=1, max_length=100)] | None = None


class DecisionBody(_Body):
    """What a person decided about an object of a folder; null takes a decision back."""

    id: Annotated[str, Field(min_length=1, max_length=10_000)]
    phrase: Annotated[str, Field(max_length=100_000)]
    instance: Annotated[int, Field(ge=0, lt=1 << 31)]
    decision: Literal["accept", "reject", "unsure"] | None
    box: tuple[Side, Side, Side, Side] | None = None
