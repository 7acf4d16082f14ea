"""Which kinds of evidence are asked for, and under which settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from vlmscope.errors import BadOptionError, BadPhraseError, UnsupportedError
from vlmscope.evaluation.entrants.configured_methods import ConfiguredMethod
from vlmscope.evaluation.evidence.decision import SCORE
from vlmscope.evaluation.evidence.kinds import EVIDENCE
from vlmscope.evaluation.evidence.questions import checked_question, question_of
from vlmscope.models import DualEncoder, LoadedModel, Prompt

__all__ = ["NULL", "SCORE", "Evidence"]

NULL = "object"
"""The phrase that names nothing in particular."""


@dataclass(frozen=True)
class Evidence:
    """The kinds of evidence that rows hold beside the method's score.

    Attributes:
        kinds: ids, without ``score``.
        null: the null phrase of ``contrast``; None: :data:`NULL`.
        question: what ``answer`` asks, with ``{phrase}`` in it; None: the model's own.
    """

    kinds: tuple[str, ...] = ()
    null: str | None = None
    question: str | None = None

    @classmethod
    def of(
        cls, names: Sequence[str], null: str | None = None, question: str | None = None
    ) -> Evidence:
        """Check what was asked for; no model is needed.

        Args:
            names: ids; ``score`` is always there and may be named.
            null, question: as the attributes.

        Raises:
            UnknownNameError: a kind that does not exist.
            BadOptionError: a null phrase or a question that no kind asks for, or that is none.
        """
        kinds = tuple(EVIDENCE.get(name).id for name in dict.fromkeys(names) if name != SCORE)
        for kind, value, name in (("contrast", null, "null"), ("answer", question, "question")):
            if value is not None and kind not in kinds:
                raise BadOptionError(
                    f"A {name} belongs to the evidence {kind!r}, which is not asked for "
                    f"({', '.join((SCORE, *kinds))}). Add it, or leave {name} out."
                )
        if null is not None:
            _check_null(null)
        if question is not None:
            checked_question(question)
        return cls(kinds, null, question)

    def including(self, kind: str) -> Evidence:
        """The same with one kind more.

        Raises:
            UnknownNameError: a kind that does not exist.
        """
        EVIDENCE.get(kind)
        return self if kind in (SCORE, *self.kinds) else replace(self, kinds=(*self.kinds, kind))

    def without(self, kind: str) -> Evidence:
        """The same with one kind less."""
        return replace(self, kinds=tuple(each for each in self.kinds if each != kind))

    def on(self, model: LoadedModel | DualEncoder) -> Evidence:
        """The same with what it leaves to the model filled in.

        Raises:
            BadOptionError: a null phrase that the model cannot take.
        """
        chosen = self
        if "contrast" in self.kinds:
            chosen = replace(chosen, null=NULL if self.null is None else self.null)
            _check_readable(model, str(chosen.null))
        if "answer" in self.kinds and isinstance(model, LoadedModel):
            question = question_of(model) if self.question is None else self.question
            chosen = replace(chosen, question=checked_question(question))
        return chosen

    def check(self, method: ConfiguredMethod, model: Any) -> None:
        """Raise UnsupportedError for a method that does not have all of it; names both."""
        for kind in self.kinds:
            EVIDENCE.get(kind).check(method, model)

    def setting(self, kind: str) -> dict[str, Any]:
        """What a kind depends on, as JSON values: two numbers are comparable where it is the same."""
        settings: Mapping[str, dict[str, Any]] = {
            "contrast": {"null": self.null},
            "answer": {"question": self.question},
        }
        return settings.get(kind, {})

    @property
    def definitions(self) -> dict[str, str]:
        """Kind -> what it is, the score with them."""
        return {k: EVIDENCE.get(k).definition(self.setting(k)) for k in (SCORE, *self.kinds)}

    @property
    def digest(self) -> str:
        """A word for the kinds and their settings; empty where there is the score alone."""
        if not self.kinds:
            return ""
        content = json.dumps({kind: self.setting(kind) for kind in self.kinds}, sort_keys=True)
        return f"evidence:{hashlib.sha256(content.encode()).hexdigest()[:12]}"


def _check_null(null: str) -> None:
    try:
        Prompt(null)
    except BadPhraseError as error:
        raise BadOptionError(f"The null phrase {null!r} cannot be asked: {error}") from error


def _check_readable(model: LoadedModel | DualEncoder, null: str) -> None:
    _check_null(null)
    if not isinstance(model, DualEncoder):
        return
    if not model.family.templates:
        raise UnsupportedError(
            f"{model.id} reads no text but its labels, none of which names nothing, so there is no "
            "null phrase and no contrast. Leave contrast out."
        )
    try:
        model.text_embeddings([null], keep=False)
    except BadPhraseError as error:
        raise BadOptionError(f"The null phrase {null!r} cannot be asked: {error}") from error
