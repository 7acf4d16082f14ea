"""What every dense method is: a formula for the tower, and the way from similarity to Groundings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
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

__all__ = ["DenseMethod", "ReadNames", "describe", "grounded_together", "groundings_of"]


class DenseMethod(ABC):
    """A method that changes how patches attend in the last blocks.

    Attributes:
        id: explicit and unique.
        summary: one line.
        options: its options, a frozen dataclass derived from :class:`DenseOptions`.
        takes: none of the arguments that are about a decoder.
        least_blocks: how many blocks a tower needs.
        class_token: whether the tower needs a class token.
        score_is: what the score of a result is, in words.
    """

    id: str
    summary: str
    options: type[Any] = DenseOptions
    takes: frozenset[str] = frozenset()
    least_blocks: int = 1
    class_token: bool = False
    score_is: str = "largest cosine similarity of a patch with the phrase"

    @abstractmethod
    def path(self, options: Any, blocks: int) -> DensePath:
        """The shape of the dense path in a tower of so many blocks."""

    def attend(self, qkv: QKV, site: Site, options: Any) -> Tensor:
        """The dense attention: (batch, prefix + patches, dim), heads merged, before ``out``.

        A method has this one or an :meth:`update` of its own.
        """
        raise NotImplementedError(f"{self.id} has no attention of its own; call update.")

    def watch(self, x: Tensor, qkv: QKV, site: Site, options: Any) -> Any:
        """What is kept of a block that the path watches; ``x`` is the block's input.

        The default keeps the input's patches: (batch, patches, dim).
        """
        return x[:, site.prefix :]

    def update(self, qkv: QKV, site: Site, options: Any) -> Tensor:
        """What a block adds to the dense path: (batch, prefix + patches, dim)."""
        added: Tensor = site.block.out(self.attend(qkv, site, options))
        return added

    def weigh(self, site: Site, options: Any) -> Tensor | None:
        """Factors (batch, patches) of the patches' similarities; None, the default: all are 1."""
        return None

    def record(self) -> dict[str, Any]:
        """What a result says of the method beside its options: JSON values."""
        return {}

    def accepts(self, model: LoadedModel | DualEncoder) -> bool:
        """Dense methods run on dual encoders, but for those that :meth:`unfit` names."""
        return isinstance(model, DualEncoder) and not self.unfit(model)

    def unfit(self, encoder: DualEncoder) -> str:
        """Why it does not run on an encoder, a sentence; empty where it runs."""
        if self.class_token and not encoder.family.prefix_tokens:
            return (
                f"{self.id} reads the attention of the class token, and {encoder.id} (family "
                f"{encoder.family.id!r}) has none. Use another method."
            )
        blocks = len(encoder.blocks)
        if blocks < self.least_blocks:
            return (
                f"{self.id} reads a block before the last, and the tower of {encoder.id} has {blocks} "
                "in all. Use maskclip or clearclip, which read the last block alone."
            )
        return ""

    def check_texts(self, texts: int, options: Any) -> None:
        """Raise BadOptionError where the options need more texts than there are."""
        return None

    def companions(self, encoder: DualEncoder, options: Any) -> Tensor | None:
        """Unit vectors (n, joint) that an image is compared with besides the texts; None: none.

        Raises:
            BadOptionError, UnsupportedError: options that need texts which this model cannot read.
        """
        return None

    def refine(self, similarity: Tensor, whole: Tensor, options: Any) -> Tensor:
        """A last step on cosine similarities; none by default.

        Args:
            similarity: of patches (batch, patches, texts and then companions).
            whole: of the model's own image embeddings (batch, texts and then companions).
            options: of the method.

        Returns:
            (batch, patches, texts).
        """
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
        return self.prepare(model, phrases, request)(pixels)

    def prepare(
        self,
        model: LoadedModel | DualEncoder,
        phrases: Sequence[Prompt],
        request: GroundRequest,
    ) -> Callable[[NDArray[np.uint8]], list[Grounding]]:
        """Embed the phrases once, for images one after the other. Raises as :meth:`ground`."""
        assert isinstance(model, DualEncoder)  # `accepts` said so
        together = grounded_together([DenseSetup(self, model, request.options)], phrases)
        return lambda pixels: together(pixels)[0]


@dataclass(frozen=True, eq=False)
class ReadNames:
    """What is asked for, as a model reads it under one set of templates.

    Attributes:
        encoder: the model.
        names: the phrases; each occurs once.
        templates: id of the set.
    """

    encoder: DualEncoder
    names: tuple[str, ...]
    templates: str

    @cached_property
    def vectors(self) -> Tensor:
        """Unit vectors (names, joint)."""
        return phrase_embeddings(self.encoder, self.names, self.templates)

    @cached_property
    def warnings(self) -> dict[str, tuple[str, ...]]:
        """Of each name: words that are not known, names that are read alike."""
        alike = read_alike(self.vectors, range(len(self.names)))
        return {
            name: (
                *unknown_caution(self.encoder, [name]),
                *(
                    alike_caution(
                        self.encoder, [self.names[j] for j in each], "their maps are the same"
                    )
                    for each in alike
                    if index in each
                ),
            )
            for index, name in enumerate(self.names)
        }


def grounded_together(
    setups: Sequence[DenseSetup], phrases: Sequence[Prompt]
) -> Callable[[NDArray[np.uint8]], list[list[Grounding]]]:
    """Prepare phrases for methods of one model; those that see an image alike share a pass.

    Returns:
        From an image, uint8 (height, width, 3), to one list per method of one Grounding per phrase.
        The phrases are embedded with the first image.

    Raises:
        BadOptionError: phrases are to compete, but there are no two different ones.
    """
    texts = [prompt.text.strip() for prompt in phrases]
    names = tuple(dict.fromkeys(texts))  # a phrase that is given twice does not rival itself
    groups: dict[Any, list[int]] = {}
    for index, setup in enumerate(setups):
        if setup.options.compete and len(names) < 2:
            raise BadOptionError(
                "With compete=True phrases are told from each other, so two different ones are "
                f"needed; got {texts}. Add another phrase or leave compete out."
            )
        groups.setdefault((setup.view, setup.options.templates), []).append(index)
    read = {each: ReadNames(setups[0].encoder, names, each) for each in {t for _, t in groups}}

    def ground(pixels: NDArray[np.uint8]) -> list[list[Grounding]]:
        results: dict[int, list[Grounding]] = {}
        for (_, templates), members in groups.items():
            some = [setups[index] for index in members]
            compared = compare_together(some, pixels, read[templates].vectors)
            for index, similarity in zip(members, compared, strict=True):
                by_name = groundings_of(setups[index], pixels, read[templates], similarity)
                results[index] = [by_name[name] for name in texts]
        return [results[index] for index in range(len(setups))]

    return ground


def groundings_of(
    setup: DenseSetup,
    pixels: NDArray[np.uint8],
    read: ReadNames,
    similarity: Similarity,
) -> dict[str, Grounding]:
    """One Grounding per name, of an image, uint8 (height, width, 3), that was compared with all of them."""
    shown = similarity.patches
    if setup.options.compete:
        shown = (shown * setup.encoder.family.logit_scale(setup.encoder.hf)).softmax(dim=-1)
    presences = presence(similarity)
    cautions = setup.method.cautions(setup.encoder, setup.options)
    notes = similarity.token_map.picture_notes
    results = {}
    for i, name in enumerate(read.names):
        made = _grounding(
            setup, pixels, name, similarity, i, shown[:, i].numpy(), float(presences[i])
        )
        warnings = (*read.warnings[name], *cautions, *notes, *made.warnings)
        results[name] = replace(made, warnings=warnings)
    return results


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
            "score": setup.method.score_is,
            "presence": presence_score,
            "presence_is": PRESENCE,
        },
    )


def describe(setup: DenseSetup, similarity: Similarity) -> dict[str, Any]:
    """The settings of a result, for the record: JSON values."""
    return {
        "options": asdict(setup.options),
        **setup.method.record(),
        "grid": list(similarity.token_map.views[0].grid),
        "side": setup.side,
        "windows": similarity.windows,
        "revision": setup.encoder.revision,
        "notes": list(setup.encoder.family.notes),
    }
