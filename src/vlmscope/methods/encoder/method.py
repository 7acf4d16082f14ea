"""What every dense method is: a formula for the tower, and the way from similarity to Groundings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.errors import BadOptionError
from vlmscope.methods.base import GroundRequest
from vlmscope.methods.encoder.options import DenseOptions
from vlmscope.methods.encoder.similarity import (
    PRESENCE,
    DenseSetup,
    Similarity,
    compare_together,
    presence,
)
from vlmscope.methods.encoder.texts import (
    alike_caution,
    phrase_embeddings,
    read_alike,
    unknown_caution,
)
from vlmscope.methods.encoder.tower import DensePath, Site
from vlmscope.models import DualEncoder, LoadedModel, Prompt
from vlmscope.models.encoders.blocks import QKV
from vlmscope.post import locate
from vlmscope.results import Grounding

__all__ = ["DenseMethod", "describe", "ground_together"]


class DenseMethod(ABC):
    """A method that changes how patches attend in the last blocks.

    Attributes:
        id: explicit and unique.
        summary: one line.
        options: its options, a frozen dataclass derived from :class:`DenseOptions`.
        takes: none of the arguments that are about a decoder.
    """

    id: str
    summary: str
    options: type[Any] = DenseOptions
    takes: frozenset[str] = frozenset()

    @abstractmethod
    def path(self, options: Any, blocks: int) -> DensePath:
        """The shape of the dense path in a tower of so many blocks."""

    @abstractmethod
    def attend(self, qkv: QKV, site: Site, options: Any) -> Tensor:
        """The dense attention: (batch, prefix + patches, dim), heads merged, before ``out``."""

    def accepts(self, model: LoadedModel | DualEncoder) -> bool:
        """Dense methods run on dual encoders."""
        return isinstance(model, DualEncoder)

    def refine(self, similarity: Tensor, options: Any) -> Tensor:
        """A last step on cosine similarities (batch, patches, phrases); none by default."""
        return similarity

    def cautions(self, encoder: DualEncoder, options: Any) -> tuple[str, ...]:
        """Sentences to read before trusting this method on this model; none by default."""
        return ()

    def ground(
        self,
        model: LoadedModel | DualEncoder,
        pixels: NDArray[np.uint8],
        phrases: Sequence[Prompt],
        request: GroundRequest,
    ) -> list[Grounding]:
        """Ground every phrase in one image: one pass through the tower for all of them.

        Raises:
            BadOptionError: phrases are to compete, but there are no two different ones.
        """
        assert isinstance(model, DualEncoder)  # `accepts` said so
        setup = DenseSetup(self, model, request.options)
        return ground_together([setup], pixels, phrases)[0]


def ground_together(
    setups: Sequence[DenseSetup], pixels: NDArray[np.uint8], phrases: Sequence[Prompt]
) -> list[list[Grounding]]:
    """Ground phrases in one image by methods of one model; those that see it alike share a pass.

    Returns:
        For each method one Grounding per phrase.

    Raises:
        BadOptionError: phrases are to compete, but there are no two different ones.
    """
    texts = [prompt.text.strip() for prompt in phrases]
    names = list(dict.fromkeys(texts))  # a phrase that is given twice does not rival itself
    groups: dict[Any, list[int]] = {}
    for index, setup in enumerate(setups):
        if setup.options.compete and len(names) < 2:
            raise BadOptionError(
                "With compete=True phrases are told from each other, so two different ones are "
                f"needed; got {texts}. Add another phrase or leave compete out."
            )
        groups.setdefault((setup.view, setup.options.templates), []).append(index)
    results: dict[int, list[Grounding]] = {}
    for (_, templates), members in groups.items():
        vectors = phrase_embeddings(setups[0].encoder, names, templates)
        compared = compare_together([setups[index] for index in members], pixels, vectors)
        for index, similarity in zip(members, compared, strict=True):
            by_name = _groundings(setups[index], pixels, names, vectors, similarity)
            results[index] = [by_name[name] for name in texts]
    return [results[index] for index in range(len(setups))]


def _groundings(
    setup: DenseSetup,
    pixels: NDArray[np.uint8],
    names: Sequence[str],
    vectors: Tensor,
    similarity: Similarity,
) -> dict[str, Grounding]:
    shown = similarity.patches
    if setup.options.compete:
        shown = (shown * setup.encoder.family.logit_scale(setup.encoder.hf)).softmax(dim=-1)
    presences = presence(similarity)
    alike = read_alike(vectors, range(len(names)))
    return {
        name: replace(
            _grounding(
                setup, pixels, name, similarity, i, shown[:, i].numpy(), float(presences[i])
            ),
            warnings=(
                *_warnings(setup, name, [[names[j] for j in each] for each in alike if i in each]),
                *similarity.token_map.picture_notes,
            ),
        )
        for i, name in enumerate(names)
    }


def _grounding(
    setup: DenseSetup,
    pixels: NDArray[np.uint8],
    name: str,
    similarity: Similarity,
    index: int,
    shown: NDArray[np.float32],
    presence_score: float,
) -> Grounding:
    token_map, raw = similarity.token_map, similarity.patches[:, index].numpy()
    return Grounding.of(
        locate(token_map, shown, setup.options),
        phrase=name,
        method=setup.method.id,
        model=setup.encoder.id,
        image=pixels,
        score=float(raw.max()),
        scores=raw,
        details={
            **describe(setup, similarity),
            "score": "largest cosine similarity of a patch with the phrase",
            "presence": presence_score,
            "presence_is": PRESENCE,
        },
    )


def _warnings(setup: DenseSetup, name: str, alike: Sequence[Sequence[str]]) -> tuple[str, ...]:
    return (
        *unknown_caution(setup.encoder, [name]),
        *(alike_caution(setup.encoder, each, "their maps are the same") for each in alike),
        *setup.method.cautions(setup.encoder, setup.options),
    )


def describe(setup: DenseSetup, similarity: Similarity) -> dict[str, Any]:
    """The settings of a result, for the record: JSON values."""
    return {
        "options": asdict(setup.options),
        "grid": list(similarity.token_map.views[0].grid),
        "side": setup.side,
        "windows": similarity.windows,
        "revision": setup.encoder.revision,
        "notes": list(setup.encoder.family.notes),
    }
