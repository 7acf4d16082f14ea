"""The signs of one mention: what the passes over its answer say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vlmscope.analysis.hallucination.hidden_states import lens
from vlmscope.analysis.hallucination.mentions import Assertion
from vlmscope.analysis.hallucination.passes import Answered, AnswerPasses, ImagePasses
from vlmscope.analysis.tokens.words import Word
from vlmscope.models import LoadedModel

__all__ = ["SaidMention", "signs_of"]


@dataclass(frozen=True, eq=False)
class SaidMention:
    """A mention of an object in an answer.

    Attributes:
        mention: what is asserted.
        answer: the question and its answer.
        words: all words of the answer.
    """

    mention: Assertion
    answer: Answered
    words: Sequence[Word]

    @property
    def tokens(self) -> list[list[int]]:
        """The answer's tokens of each word that asserts it."""
        return [list(self.words[index].tokens) for index in self.mention.words]


def signs_of(
    model: LoadedModel,
    passes: ImagePasses,
    said: Sequence[SaidMention],
    share: float,
    rng: np.random.Generator,
) -> list[dict[str, float]]:
    """Every sign but its base rate of each mention on an image; see :data:`SIGNS`.

    Args:
        model: the model.
        passes: over the image.
        said: the mentions.
        share: of the image tokens that count as attended, one token at least.
        rng: draws random ones.
    """
    answers = list({id(each.answer): each.answer for each in said}.values())
    read = dict(zip(map(id, answers), passes.read(answers), strict=True)) if answers else {}
    looks = [_Look.of(each, read[id(each.answer)], share, rng) for each in said]
    every = [(each, np.arange(read[id(each)].maps.shape[-1])) for each in answers]
    some = [(each.said.answer, tokens) for each in looks for tokens in (each.patches, each.drawn)]
    without = iter(passes.without([*every, *some]) if looks else [])
    blocked = {id(each): next(without) for each in answers}
    return [
        each.signs(model, blocked[id(each.said.answer)], next(without), next(without))
        for each in looks
    ]


@dataclass(frozen=True, eq=False)
class _Look:
    """A mention, what is read of its answer, and the image tokens that will be taken away."""

    said: SaidMention
    read: AnswerPasses
    heads: NDArray[np.float64]  # (layers, heads, image tokens)
    patches: NDArray[np.int64]
    drawn: NDArray[np.int64]

    @classmethod
    def of(
        cls, said: SaidMention, read: AnswerPasses, share: float, rng: np.random.Generator
    ) -> _Look:
        mine = [token for word in said.tokens for token in word]
        heads = read.maps[:, :, mine].mean(axis=2, dtype=np.float64)
        most = max(1, round(share * heads.shape[-1]))
        patches = np.argsort(-heads.mean(axis=(0, 1)), kind="stable")[:most]
        return cls(said, read, heads, patches, rng.permutation(heads.shape[-1])[:most])

    def signs(
        self,
        model: LoadedModel,
        blocked: NDArray[np.float64],
        attended: NDArray[np.float64],
        random: NDArray[np.float64],
    ) -> dict[str, float]:
        """By name; the answer's log-probabilities without the image, or without these tokens of it."""
        read, mine = self.read, [token for word in self.said.tokens for token in word]
        shares, blank = read.shares, read.blank_shares
        by_word = [(shares[word].mean(), blank[word].mean()) for word in self.said.tokens]
        log_prob = read.log_probs[mine].mean()
        return {
            "probability": float(log_prob),
            "random patches": self._lost(random, mine),
            "image share": float(np.mean([own for own, _ in by_word])),
            "share over blank": float(np.mean([own - other for own, other in by_word])),
            "gain over blank": float(log_prob - read.blank_log_probs[mine].mean()),
            "gain over blocked": float(log_prob - blocked[mine].mean()),
            "logit lens": self._decoded(model),
            "patch knock-out": self._lost(attended, mine),
            "head agreement": _agreement(self.heads),
        }

    def _lost(self, without: NDArray[np.float64], mine: list[int]) -> float:
        """Probability per token that goes when the answer may not read some image tokens."""
        return float(-np.expm1(-(self.read.log_probs - without)[mine].mean()))

    def _decoded(self, model: LoadedModel) -> float:
        """Largest log-probability of the word's first token among the attended hidden states."""
        states = self.read.hidden[:, torch.from_numpy(self.patches)].flatten(0, 1)
        return float(lens(model, states)[:, _first_tokens(model, self.said.mention.word)].max())


def _first_tokens(model: LoadedModel, word: str) -> list[int]:
    """What a word may begin with: behind a space, or not; of several words the last, the noun."""
    tokenizer: Any = model.processor.tokenizer
    noun = word.split()[-1]
    ids = {
        int(tokenizer(text, add_special_tokens=False)["input_ids"][0])
        for text in (noun, f" {noun}", noun.capitalize())
    }
    return sorted(ids - {tokenizer.unk_token_id}) or sorted(ids)


def _agreement(heads: NDArray[np.float64]) -> float:
    """Mean cosine of maps, (layers, heads, tokens), to the mean of all; 0 where nothing is looked at."""
    flat = heads.reshape(-1, heads.shape[-1])
    lengths = np.linalg.norm(flat, axis=1)
    units = flat[lengths > 0] / lengths[lengths > 0, None]
    if not len(units):
        return 0.0
    middle = units.mean(axis=0)
    return float((units @ middle).mean() / max(float(np.linalg.norm(middle)), 1e-12))
