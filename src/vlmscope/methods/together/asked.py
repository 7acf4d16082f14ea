"""A method with phrases, ready for whatever a model is shown in one prompt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention.pictures import Shown, even_shares, picture_shares, read_shown
from vlmscope.errors import BadOptionError, BadPhraseError, UnsupportedError
from vlmscope.methods.base import GroundRequest
from vlmscope.methods.decoder import ReadingMethod, Reads
from vlmscope.methods.grounder import (
    chosen_method,
    ground_options,
    prompts_of,
    refuse_foreign,
    refuse_pixel_options,
)
from vlmscope.models import LoadedModel, Prompt
from vlmscope.models.guard import check_model
from vlmscope.post import joint_limits
from vlmscope.results import Grounding

__all__ = ["Asked", "Found", "asked"]

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Found:
    """One phrase in all that was shown.

    Attributes:
        parts: a Grounding for each picture.
        share: of the attention on pictures what each gets.
        even: the same if every token got as much.
        frames: of a clip read as a video: for each part the first frame that it shows, and the one
            after its last; None for pictures.
    """

    parts: tuple[Grounding, ...]
    share: tuple[float, ...]
    even: tuple[float, ...]
    frames: tuple[tuple[int, int] | None, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Those of all parts, each once, but for what only says that one of them has no box."""
        said = [text for part in self.parts if part.box is not None for text in part.warnings]
        return tuple(dict.fromkeys(said))

    def fields(self, records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """What is in every result of pictures that share a prompt.

        Args:
            records: for each part what goes into its details beside the method's.
        """
        parts = tuple(
            replace(part, details={**part.details, **record})
            for part, record in zip(self.parts, records, strict=True)
        )
        first = parts[0]
        return {
            "phrase": first.phrase,
            "method": first.method,
            "model": first.model,
            "parts": parts,
            "share": self.share,
            "even": self.even,
            "warnings": self.warnings,
        }


@dataclass(frozen=True, eq=False)
class Asked:
    """A method that reads a decoder's attention, with its phrases.

    Attributes:
        model: the model.
        prompts: what is looked for.
        request: how.
        reads: what the method reads, and what it makes of that.
        cautions: what to know of the choice of the method.
    """

    model: LoadedModel
    prompts: tuple[Prompt, ...]
    request: GroundRequest
    reads: Reads
    cautions: tuple[str, ...]

    def find(self, shown: Shown) -> list[Found]:
        """Every phrase in all that is shown.

        A clip that is read as a video is drawn on the first frame of each of its steps.
        """
        read = read_shown(shown, self.reads.readings)
        tokens = read[0][0].token_map
        frames = [_frames(tokens, number) for number in range(tokens.images)]
        on = [
            shown.pictures[number if each is None else each[0]]
            for number, each in enumerate(frames)
        ]
        parts = self._jointly(on, read)
        return [
            Found(
                tuple(part[index] for part in parts),
                _floats(picture_shares(read[-1][index].token_map, read[-1][index].attention)),
                _floats(even_shares(read[-1][index].token_map)),
                tuple(frames),
            )
            for index in range(len(self.prompts))
        ]

    def _jointly(self, pictures: Sequence[Pixels], read: list[list[Any]]) -> list[list[Grounding]]:
        """For each picture a Grounding of each phrase, all under one threshold."""
        alone = [[[m.of_image(n) for m in maps] for maps in read] for n in range(len(pictures))]
        first = [self.reads.located(on, own) for on, own in zip(pictures, alone, strict=True)]
        limits = [
            joint_limits([part[index].located for part in first], self.request.options)  # type: ignore[misc]
            for index in range(len(self.prompts))
        ]
        return [
            [
                replace(each, warnings=self.cautions + each.warnings)
                for each in self.reads.located(on, own, [limit[number] for limit in limits])
            ]
            for number, (on, own) in enumerate(zip(pictures, alone, strict=True))
        ]


def _frames(token_map: Any, number: int) -> tuple[int, int] | None:
    frames: tuple[int, int] | None = next(v.frames for v in token_map.views if v.image == number)
    return frames


def _floats(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def asked(
    model: Any,
    phrases: Any,
    method: str | None,
    heads: Any,
    placement: str | None,
    prompt: str | None,
    rows: str | int | Sequence[int] | None,
    options: Mapping[str, Any],
) -> Asked:
    """Check everything that does not depend on the pictures.

    Raises:
        UnsupportedError: a model without a decoder, or a method that reads no attention of one.
        BadPhraseError: no phrase.
        BadOptionError: an option that has no meaning for several pictures.
    """
    check_model(model)
    if not isinstance(model, LoadedModel):
        raise UnsupportedError(
            f"{model.id} has no decoder, so it sees one picture at a time and no prompt that holds "
            "several. Ground them one by one: vlmscope.ground."
        )
    chosen, cautions = chosen_method(model, method, heads, None)
    if not isinstance(chosen, ReadingMethod):
        raise UnsupportedError(
            f"The method {method!r} does not read a decoder's attention, so it knows no prompt with "
            "several pictures. Take one that does, such as mean-attention."
        )
    refuse_pixel_options(options)
    settings = ground_options(chosen, model, options)
    if getattr(settings, "greedy", False):
        raise BadOptionError(
            "greedy=True chooses other heads for each picture, whose shares could not be compared. "
            "Leave it out."
        )
    prompts = tuple(prompts_of(phrases))
    if not prompts:
        raise BadPhraseError("There is no phrase. Say what to look for, such as 'a red circle'.")
    request = GroundRequest(heads, placement, prompt, rows, settings)
    refuse_foreign(chosen, request)
    return Asked(model, prompts, request, chosen.reads(model, prompts, request), cautions)
