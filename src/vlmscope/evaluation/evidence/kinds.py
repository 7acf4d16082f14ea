"""The kinds of evidence that a sentence means something: one class each, registered at the end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from vlmscope.errors import BadOptionError, UnsupportedError
from vlmscope.evaluation.entrants.configured_methods import ConfiguredMethod
from vlmscope.evaluation.evidence.decision import SCORE
from vlmscope.evaluation.evidence.rejection import REJECTIONS
from vlmscope.methods.encoder import DenseMethod
from vlmscope.methods.encoder.similarity import PRESENCE
from vlmscope.models import DualEncoder, LoadedModel
from vlmscope.registry import Registry

__all__ = ["ATTENTION_PRESENCE", "EVIDENCE", "EvidenceKind"]

ATTENTION_PRESENCE: Mapping[str, str] = MappingProxyType(
    {
        "localization-heads": "the heads' attention on all image tokens, their mean",
        "mean-attention": "the mean attention of all heads read on all image tokens",
        "attend-minus-mean": "the attention on all image tokens beyond the prompt's mean, summed",
    }
)
"""Id of a method that reads attention -> what its map sums to: how much it looks at the image at all.

Not relative-attention's: the sum of ratios is no amount of attention.
"""


class EvidenceKind(ABC):
    """One number per sentence: more where the sentence more likely means something in the image.

    Attributes:
        id: explicit and unique.
        summary: one line.
        rule: where the line is that the kind brings with it, so that no split is needed to choose
            one; None: it has none.
    """

    id: ClassVar[str]
    summary: ClassVar[str]
    rule: ClassVar[float | None] = None

    @abstractmethod
    def definition(self, setting: Mapping[str, Any]) -> str:
        """What it is, exactly, and which passes over an image it costs, for the report."""

    @abstractmethod
    def check(self, method: ConfiguredMethod, model: Any) -> None:
        """Raise UnsupportedError for a method on a model that has no such evidence."""


class MethodScore(EvidenceKind):
    """The score that the method gives with its place."""

    id = SCORE
    summary = "the method's score"

    def definition(self, setting: Mapping[str, Any]) -> str:
        return "the method's score of the sentence; no pass of its own"

    def check(self, method: ConfiguredMethod, model: Any) -> None:
        return None


class PresenceScore(EvidenceKind):
    """What the method makes of the image as a whole."""

    id = "presence"
    summary = "what the method makes of the image as a whole"

    def definition(self, setting: Mapping[str, Any]) -> str:
        listed = "; ".join(f"{name}: {text}" for name, text in ATTENTION_PRESENCE.items())
        return f"methods on encoders: {PRESENCE}; {listed}; no pass of its own"

    def check(self, method: ConfiguredMethod, model: Any) -> None:
        if (
            not isinstance(method.method, DenseMethod)
            and method.method.id not in ATTENTION_PRESENCE
        ):
            raise UnsupportedError(
                f"The method {method.method.id!r} has no presence score: its map does not add up to "
                "how much it looks at the image. Leave the one or the other out; score and contrast "
                "are offered by every method."
            )


class Contrast(EvidenceKind):
    """How much more the phrase scores than one that names nothing."""

    id = "contrast"
    summary = "the score minus that of a phrase that names nothing"

    def definition(self, setting: Mapping[str, Any]) -> str:
        return (
            "the method's score of the sentence minus its score of the null phrase "
            f"{setting['null']!r} on the same image, where the null phrase lights up its own place; "
            "the null phrase is asked once per image and method, together with the sentences: no "
            "image tokens more where a family shares the image prefix, else one pass per image"
        )

    def check(self, method: ConfiguredMethod, model: Any) -> None:
        if isinstance(method.method, DenseMethod):
            try:
                method.method.check_texts(1, method.options)
            except BadOptionError as error:
                raise UnsupportedError(
                    f"The method {method.method.id!r} has no contrast under these options: what it "
                    "scores depends on the other phrases, and a null phrase would change it."
                ) from error


class YesOrNo(EvidenceKind):
    """What the model says when it is asked whether the thing is there."""

    id = "answer"
    summary = "the model's yes or no when it is asked whether it is there"
    rule = 0.5

    def definition(self, setting: Mapping[str, Any]) -> str:
        return (
            "p(yes) / (p(yes) + p(no)) of the first token of the model's answer to "
            f"{setting['question']!r}, the family's chat template around it where it has one; the same "
            "for all methods on a model; one more pass over the image for all sentences and methods "
            "where a family shares the image prefix, else one per sentence"
        )

    def check(self, method: ConfiguredMethod, model: Any) -> None:
        if isinstance(model, DualEncoder) or not isinstance(model, LoadedModel):
            raise UnsupportedError(
                f"{model.id} answers nothing: it is an encoder. So {method.method.id!r} has no "
                "evidence 'answer'; presence is what encoders have."
            )


class RejectionInWords(EvidenceKind):
    """Whether an answer in words says that there is nothing; only of who answers in words."""

    id = "rejection"
    summary = "an answer in words that there is nothing"
    rule = 0.5

    def definition(self, setting: Mapping[str, Any]) -> str:
        listed = ", ".join(map(repr, REJECTIONS))
        return (
            f"0 where an answer without a box says in words that nothing is meant ({listed}), else 1: "
            "an answer that cannot be parsed is no rejection; no pass of its own"
        )

    def check(self, method: ConfiguredMethod, model: Any) -> None:
        raise UnsupportedError(
            f"The method {method.method.id!r} writes no answer, so it rejects nothing in words. "
            "Leave rejection out: runs that write answers decide by it themselves."
        )


EVIDENCE: Registry[EvidenceKind] = Registry(
    "kind of evidence",
    (MethodScore(), PresenceScore(), Contrast(), YesOrNo(), RejectionInWords()),
)
