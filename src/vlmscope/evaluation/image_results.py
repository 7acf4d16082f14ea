"""What one method finds in one image, in the forms that tasks need; computed when first needed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.data.datasets import IGNORE, EvalSample, Referent
from vlmscope.errors import UnsupportedError
from vlmscope.evaluation.entrants.configured_methods import ConfiguredMethod
from vlmscope.evaluation.evidence.kinds import ATTENTION_PRESENCE
from vlmscope.evaluation.pixel_classes import classify_pixels
from vlmscope.evaluation.places import Place
from vlmscope.evaluation.pointed import pointed
from vlmscope.evaluation.reads.shared_reads import SharedReads
from vlmscope.evaluation.words.vocabulary import Concepts, Vocabulary, owners, texts_of
from vlmscope.methods import GroundRequest
from vlmscope.methods.encoder import DenseMethod, Similarity
from vlmscope.methods.encoder.pixel_adaptive import class_scores
from vlmscope.methods.encoder.presence_rules import rivals
from vlmscope.methods.encoder.seen import SeenImage, protocol_labels
from vlmscope.methods.encoder.similarity import best_of_each, presence
from vlmscope.models import DualEncoder, Prompt
from vlmscope.post import locate, pointing_hits, smooth, visible_areas
from vlmscope.results import Grounding
from vlmscope.types import TokenMap

__all__ = [
    "ClassEvidence",
    "DenseImageResult",
    "GroundedImageResult",
    "ImageResult",
    "is_dense",
]


class ImageResult(ABC):
    """One method on one image."""

    @abstractmethod
    def pointing(self) -> list[tuple[int, float]]:
        """For every referent: 1 if it is hit, else 0; and what a random token or pixel would hit."""

    @abstractmethod
    def places(self) -> list[Place]:
        """For every referent, where the method puts it."""

    @abstractmethod
    def classes(self) -> NDArray[np.int64]:
        """The best class of every pixel that counts, in the order of ``np.nonzero``.

        Raises:
            UnsupportedError: a method whose scores are not comparable between classes.
        """

    @abstractmethod
    def evidence(self) -> ClassEvidence:
        """How much speaks for each class.

        Raises:
            UnsupportedError: as :meth:`classes`.
        """


@dataclass(frozen=True, eq=False)
class ClassEvidence:
    """How much speaks for each concept being in the image: float32 (concepts,) each.

    Attributes:
        peak: largest similarity of a patch.
        presence: the method's presence score.
        rivals: presence against the other concepts
            (:func:`vlmscope.methods.encoder.presence_rules.rivals`).
    """

    peak: NDArray[np.float32]
    presence: NDArray[np.float32]
    rivals: NDArray[np.float32]

    def of(self, columns: list[int]) -> ClassEvidence:
        """That of some of the concepts."""
        return ClassEvidence(self.peak[columns], self.presence[columns], self.rivals[columns])


@dataclass(frozen=True, eq=False)
class DenseImageResult(ImageResult):
    """A method that yields patch tokens.

    Attributes:
        method: the method.
        sample: the image and its truth.
        words: the classes.
        compare: the image against text embeddings (texts, joint).
        null: a phrase that names nothing, for contrast, or None.
        seen: the image as a protocol with a name has it seen, and which of its methods this is; None:
            pixels get their classes by arg-max.
    """

    method: ConfiguredMethod
    sample: EvalSample
    words: Vocabulary
    compare: Callable[[Tensor], Similarity]
    null: str | None = None
    seen: tuple[SeenImage, int] | None = None
    _known: dict[Concepts, _Scores] = field(default_factory=dict, repr=False)
    _places: list[Place] = field(default_factory=list, repr=False)

    def pointing(self) -> list[tuple[int, float]]:
        if not self.sample.referents:
            return []
        scores = self._of_referents()
        visible = visible_areas(scores.token_map) > 0
        results = []
        for column, referent in zip(scores.patches.T, self.sample.referents, strict=True):
            hits = referent.target.hits(scores.token_map)
            weights = np.atleast_2d(smooth(scores.token_map, column, self.method.options))
            [hit] = pointing_hits(weights, hits, visible)
            results.append((hit, float(hits.sum() / max(1, visible.sum()))))
        return results

    def places(self) -> list[Place]:
        if not self._places and self.sample.referents:
            scores = self._of_referents()
            pairs = zip(scores.patches.T, scores.evidence.presence, strict=True)
            self._places.extend(self._place(scores, *each) for each in pairs)
        return self._places

    def classes(self) -> NDArray[np.int64]:
        assert self.sample.labels is not None  # the task asks for no other sample
        where = self.sample.labels != IGNORE
        if not where.any():
            return np.zeros(0, dtype=np.int64)
        if self.seen is not None:
            return self.by_protocol()[where]
        return classify_pixels(*self.compared(), where)

    def by_protocol(self, masks: Iterable[NDArray[np.bool_]] | None = None) -> NDArray[np.int64]:
        """The class of every pixel under a protocol with a name: (height, width).

        Every pixel has a class, for what is below a threshold has one, too.

        Args:
            masks: bool (height, width), whose pixels share their mean scores; None: there are none.
        """
        assert self.seen is not None  # whoever asks has looked
        seen, index = self.seen
        concepts, background = self.words.concepts, self.words.background
        text = self.words.embed(concepts, self.method.options.templates)
        protocol, own = self.method.protocol, owners(concepts)
        labels = protocol_labels(seen, index, protocol, text, own, len(concepts), background, masks)
        return labels.labels.astype(np.int64)

    def compared(self) -> tuple[TokenMap, NDArray[np.floating]]:
        """The scores of all classes as they are compared, float (cells, classes), and their cells."""
        scores = self._against(self.words.concepts)
        pixels, options = self.sample.image.pixels, self.method.options
        return class_scores(scores.token_map, scores.patches, pixels, options)

    def evidence(self) -> ClassEvidence:
        return self._against(self.words.concepts).evidence

    def _place(self, scores: _Scores, weights: NDArray[np.float32], presence: np.float32) -> Place:
        located = locate(scores.token_map, weights, self.method.options)
        # the score is that of ``ground``: the largest similarity of a patch
        score, evidence = float(weights.max()), {"presence": float(presence)}
        if scores.null is not None:
            evidence["contrast"] = score - scores.null
        return Place(located.mask, located.box, located.point, score, located, evidence=evidence)

    def _of_referents(self) -> _Scores:
        """Referents that are classes are scored among all classes, others among themselves."""
        concepts = tuple(texts_of(self.words.model, r.names) for r in self.sample.referents)
        if not set(concepts) <= set(self.words.concepts):
            return self._against(concepts)
        scores = self._against(self.words.concepts)
        columns = [self.words.concepts.index(concept) for concept in concepts]
        evidence = scores.evidence.of(columns)
        return _Scores(scores.patches[:, columns], evidence, scores.token_map, scores.null)

    def _against(self, concepts: Concepts) -> _Scores:
        """The image against concepts, each by the best of its texts; computed once."""
        if concepts not in self._known:
            model = self.words.model
            assert isinstance(model, DualEncoder)  # `accepts` said so
            scale = float(model.family.logit_scale(model.hf))
            text = self.words.embed(concepts, self.method.options.templates)
            if self.null is None:
                self._known[concepts] = _scores(concepts, self.compare(text), None, scale)
            else:  # one text more in the same pass, which changes nothing for the others
                null = self.words.embed_alone(self.null, self.method.options.templates)
                similarity = self.compare(torch.cat([text, null]))
                peak = float(similarity.patches[:, -1].max())
                texts = slice(0, len(text))
                without = replace(
                    similarity,
                    patches=similarity.patches[:, texts],
                    whole=similarity.whole[texts],
                )
                self._known[concepts] = _scores(concepts, without, peak, scale)
        return self._known[concepts]


@dataclass(frozen=True, eq=False)
class _Scores:
    """Concepts against patches: float32 (tokens, concepts), and what speaks for each concept.

    And the score of the null phrase, if there is one.
    """

    patches: NDArray[np.float32]
    evidence: ClassEvidence
    token_map: TokenMap
    null: float | None


def _scores(
    concepts: Concepts, similarity: Similarity, null: float | None, logit_scale: float
) -> _Scores:
    index, count = owners(concepts), len(concepts)
    patches = best_of_each(similarity.patches, index, count)
    presences = best_of_each(presence(similarity), index, count)
    against = rivals(patches, logit_scale).numpy()
    evidence = ClassEvidence(patches.amax(dim=0).numpy(), presences.numpy(), against)
    return _Scores(patches.numpy(), evidence, similarity.token_map, null)


@dataclass(frozen=True, eq=False)
class GroundedImageResult(ImageResult):
    """A method that answers phrase by phrase, through ``ground``.

    Attributes:
        method: the method.
        model: the model.
        sample: the image and its truth.
        null: a phrase that names nothing, for contrast, or None.
        shared: the passes of methods that share them; None: the method runs its own.
    """

    method: ConfiguredMethod
    model: Any
    sample: EvalSample
    null: str | None = None
    shared: SharedReads | None = None
    _grounded: list[Grounding] = field(default_factory=list, repr=False)
    _nulls: list[Grounding] = field(default_factory=list, repr=False)

    def pointing(self) -> list[tuple[int, float]]:
        return pointed(self.sample, [grounding.point for grounding in self._groundings()])

    def places(self) -> list[Place]:
        groundings = self._groundings()
        null = self._nulls[0].score if self._nulls else None
        return [
            Place(g.mask, g.box, g.point, g.score, g.located, evidence=_evidence(g, null))
            for g in groundings
        ]

    def classes(self) -> NDArray[np.int64]:
        self._refuse()

    def evidence(self) -> ClassEvidence:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise UnsupportedError(
            f"The method {self.method.method.id!r} gives no scores that are comparable between "
            "classes. Leave out the tasks that compare classes."
        )

    def _groundings(self) -> list[Grounding]:
        if not self._grounded and self.sample.referents:
            prompts = [self._prompt(referent) for referent in self.sample.referents]
            if self.null is not None:  # asked with the sentences, to share the image's prefix
                prompts.append(Prompt(self.null))
            grounded = self._ground(prompts)
            count = len(self.sample.referents)
            self._grounded.extend(grounded[:count])
            self._nulls.extend(grounded[count:])
        return self._grounded

    def _ground(self, prompts: Sequence[Prompt]) -> list[Grounding]:
        if self.shared is not None:
            return self.shared.ground(self.method, prompts)
        request = GroundRequest(None, None, None, None, self.method.options)
        return self.method.method.ground(self.model, self.sample.image.pixels, prompts, request)

    def _prompt(self, referent: Referent) -> Prompt:
        texts = texts_of(self.model, referent.names)
        if len(texts) > 1:
            raise UnsupportedError(
                f"The method {self.method.method.id!r} cannot choose the best of several names, got "
                f"{', '.join(texts[:4])}. Use a word list with one name per class."
            )
        return Prompt.of(texts[0])


def _evidence(grounding: Grounding, null: float | None) -> dict[str, float]:
    """What else speaks for a phrase than its score."""
    evidence = {}
    if grounding.method in ATTENTION_PRESENCE and grounding.located is not None:
        # smoothing neither adds nor loses attention
        evidence["presence"] = float(grounding.located.weights.sum())
    if null is not None:
        evidence["contrast"] = grounding.score - null
    return evidence


def is_dense(method: ConfiguredMethod) -> bool:
    """Whether a method scores patches against names, so that classes can be compared."""
    return isinstance(method.method, DenseMethod)
