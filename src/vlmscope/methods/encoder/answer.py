"""From similarity to Groundings: one phrase, one region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.errors import BadOptionError
from vlmscope.methods.encoder.similarity import (
    PRESENCE,
    DenseAnswer,
    Similarity,
    compare_together,
    presence,
    similarity,
)
from vlmscope.methods.encoder.texts import (
    alike_caution,
    phrase_embeddings,
    read_alike,
    unknown_caution,
)
from vlmscope.models import Prompt
from vlmscope.post import locate
from vlmscope.results import Grounding

__all__ = ["DenseAnswer", "answer", "answer_together", "describe", "similarity"]


def answer(
    how: DenseAnswer, pixels: NDArray[np.uint8], phrases: Sequence[Prompt]
) -> list[Grounding]:
    """Ground every phrase in one image.

    Raises:
        BadOptionError: phrases are to compete, but there are no two different ones.
    """
    return answer_together([how], pixels, phrases)[0]


def answer_together(
    hows: Sequence[DenseAnswer], pixels: NDArray[np.uint8], phrases: Sequence[Prompt]
) -> list[list[Grounding]]:
    """As :func:`answer` for several methods of one model; those that see the image alike share a pass.

    Returns:
        For each method one Grounding per phrase.
    """
    asked = [prompt.text.strip() for prompt in phrases]
    names = list(dict.fromkeys(asked))  # a phrase that is given twice does not rival itself
    groups: dict[Any, list[int]] = {}
    for index, how in enumerate(hows):
        if how.options.compete and len(names) < 2:
            raise BadOptionError(
                "With compete=True phrases are told from each other, so two different ones are "
                f"needed; got {asked}. Add another phrase or leave compete out."
            )
        groups.setdefault((how.view, how.options.templates), []).append(index)
    results: dict[int, list[Grounding]] = {}
    for (_, templates), members in groups.items():
        text = phrase_embeddings(hows[0].encoder, names, templates)
        found = compare_together([hows[index] for index in members], pixels, text)
        for index, own in zip(members, found, strict=True):
            by_name = _groundings(hows[index], pixels, names, text, own)
            results[index] = [by_name[name] for name in asked]
    return [results[index] for index in range(len(hows))]


def _groundings(
    how: DenseAnswer,
    pixels: NDArray[np.uint8],
    names: Sequence[str],
    text: Tensor,
    found: Similarity,
) -> dict[str, Grounding]:
    shown = found.patches
    if how.options.compete:
        shown = (shown * how.encoder.family.logit_scale(how.encoder.hf)).softmax(dim=-1)
    there = presence(found)
    alike = read_alike(text, range(len(names)))
    return {
        name: replace(
            _grounding(how, pixels, name, found, i, shown[:, i].numpy(), float(there[i])),
            warnings=_warnings(
                how, name, [[names[j] for j in each] for each in alike if i in each]
            ),
        )
        for i, name in enumerate(names)
    }


def _grounding(
    how: DenseAnswer,
    pixels: NDArray[np.uint8],
    name: str,
    found: Similarity,
    index: int,
    shown: NDArray[np.float32],
    there: float,
) -> Grounding:
    token_map, raw = found.token_map, found.patches[:, index].numpy()
    return Grounding.of(
        locate(token_map, shown, how.options),
        phrase=name,
        method=how.method.id,
        model=how.encoder.id,
        image=pixels,
        score=float(raw.max()),
        scores=raw,
        details={
            **describe(how, found),
            "score": "largest cosine similarity of a patch with the phrase",
            "presence": there,
            "presence_is": PRESENCE,
        },
    )


def _warnings(how: DenseAnswer, name: str, alike: Sequence[Sequence[str]]) -> tuple[str, ...]:
    return (
        *unknown_caution(how.encoder, [name]),
        *(alike_caution(how.encoder, each, "their maps are the same") for each in alike),
        *how.method.cautions(how.encoder, how.options),
    )


def describe(how: DenseAnswer, found: Similarity) -> dict[str, Any]:
    """The settings of a result, for the record: JSON values."""
    return {
        "options": asdict(how.options),
        "grid": list(found.token_map.views[0].grid),
        "side": how.side,
        "windows": found.windows,
        "revision": how.encoder.revision,
        "notes": list(how.encoder.family.notes),
    }
