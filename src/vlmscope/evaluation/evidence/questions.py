"""Asked whether something is in the image, does a model lean to yes or to no? Nothing is generated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from vlmscope.attention.next_tokens import next_token_logits
from vlmscope.errors import BadOptionError, UnsupportedError
from vlmscope.models import LoadedModel, Prompt

__all__ = ["QUESTION", "AnswerWords", "checked_question", "preset_of", "question_of", "yes_shares"]

QUESTION = 'Does anything in the image fit the description "{phrase}"? Answer with yes or no.'
"""What a model is asked whose card says nothing else: it holds for names and for whole sentences."""

_PLACE = "{phrase}"
_YES, _NO = ("yes", "Yes", "YES"), ("no", "No", "NO")


def question_of(model: LoadedModel) -> str:
    """The question that a model is asked by default."""
    return model.card.question or QUESTION


def checked_question(question: str) -> str:
    """A question that holds ``{phrase}`` once.

    Raises:
        BadOptionError: it does not.
    """
    if question.count(_PLACE) != 1:
        raise BadOptionError(
            f"The question must hold {_PLACE} once, where the phrase goes, got {question!r}. For "
            f"example: {QUESTION}"
        )
    return question


def preset_of(model: LoadedModel) -> str:
    """How the question is written: in the chat template, as answers are what it is for."""
    presets = model.family.presets
    return "chat" if "chat" in presets else presets[0]


def yes_shares(
    model: LoadedModel, pixels: NDArray[np.uint8], phrases: Sequence[str], question: str
) -> list[float]:
    """p(yes) / (p(yes) + p(no)) of the first token of the answer, for every phrase.

    Args:
        model: the model.
        pixels: uint8 (height, width, 3).
        phrases: what is asked for.
        question: with ``{phrase}`` in it.

    Raises:
        UnsupportedError: a vocabulary without a token for yes or for no.
    """
    if not phrases:
        return []
    words = AnswerWords.of(model)
    prompts = [_asked(question, phrase) for phrase in phrases]
    logits = next_token_logits(model, pixels, prompts, preset=preset_of(model)).double()
    yes, no = (logits[:, ids].logsumexp(dim=1) for ids in (words.yes, words.no))
    shares: list[float] = torch.sigmoid(yes - no).tolist()
    return shares


def _asked(question: str, phrase: str) -> Prompt:
    before, after = question.split(_PLACE)
    stripped = phrase.strip()
    return Prompt(before + stripped + after, (len(before), len(before) + len(stripped)))


class AnswerWords:
    """The tokens that an answer of yes or of no may begin with.

    Attributes:
        yes, no: ids of ``yes``, ``Yes`` and ``YES`` (``no`` ...), with a space before it and
            without, where the word is a single token.
    """

    def __init__(self, yes: Sequence[int], no: Sequence[int]) -> None:
        self.yes, self.no = list(yes), list(no)

    @classmethod
    def of(cls, model: LoadedModel) -> AnswerWords:
        """Those of a model.

        Raises:
            UnsupportedError: it has none for the one or the other.
        """
        yes, no = (_tokens(model, words) for words in (_YES, _NO))
        if not yes or not no:
            raise UnsupportedError(
                f"The vocabulary of {model.id} has no single token for "
                f"{'no' if yes else 'yes'}, so its answer cannot be read off its first token. Take "
                "another kind of evidence."
            )
        return cls(yes, no)


def _tokens(model: LoadedModel, words: Sequence[str]) -> list[int]:
    tokenizer = model.processor.tokenizer
    ids = set()
    for word in (text for each in words for text in (each, f" {each}")):
        encoded = tokenizer(word, add_special_tokens=False)["input_ids"]
        if len(encoded) == 1 and encoded[0] != tokenizer.unk_token_id:
            ids.add(int(encoded[0]))
    return sorted(ids)
