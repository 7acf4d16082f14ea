"""The signs of one mention: what the passes over its answer say of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.analysis.hallucination.hidden_states import hidden_states, lens
from vlmscope.analysis.hallucination.mentions import Assertion
from vlmscope.analysis.hallucination.options import HallucinationOptions
from vlmscope.analysis.tokens import GroundedAnswer
from vlmscope.attention import capture, knockout
from vlmscope.attention.forced import answer_ids, encode_forced, run_forced
from vlmscope.models import Encoded, LoadedModel, Prompt

__all__ = ["AnswerReader"]


@dataclass(frozen=True, eq=False)
class AnswerReader:
    """An answer with the rows of every head and the hidden states of the image, from one more pass.

    Attributes:
        model: the model.
        answer: with the passes of token grounding: on the image, on a blank one, image blocked.
        encoded: prompt and answer.
        maps: float32 (layers that are read, heads, answer tokens, image tokens).
        hidden: float (layers that are read, image tokens, hidden).
        log_probs: float64 (answer tokens,).
        options: how it is read.
    """

    model: LoadedModel
    answer: GroundedAnswer
    encoded: Encoded
    maps: NDArray[np.float32] = field(repr=False)
    hidden: Tensor = field(repr=False)
    log_probs: NDArray[np.float64] = field(repr=False)
    options: HallucinationOptions

    @classmethod
    def read(
        cls, model: LoadedModel, answer: GroundedAnswer, options: HallucinationOptions
    ) -> AnswerReader:
        """Run prompt and answer once more.

        Raises:
            AttentionError: layers of which the image has no rows.
        """
        prompt = Prompt.of(answer.prompt)
        ids = answer_ids(model, prompt, answer.text, 1, options.preset)
        encoded = encode_forced(
            model,
            answer.image,
            prompt,
            ids,
            preset=options.preset,
            placement=options.placement,
        )
        tokens = encoded.token_maps[0]
        first, last = answer.layers
        layers = range(first, last + 1)
        rows = (tokens.positions("generated") - 1).tolist()
        with (
            capture(model, rows=rows, layers=layers) as trace,
            hidden_states(model, layers) as kept,
        ):
            scores, _ = run_forced(model, encoded)
        image = torch.from_numpy(tokens.positions("image"))
        hidden = torch.stack([kept[layer][image.to(kept[layer].device)] for layer in layers])
        return cls(
            model, answer, encoded, trace.maps.numpy(), hidden, scores.double().numpy(), options
        )

    def signs(self, mention: Assertion, rng: np.random.Generator) -> dict[str, float]:
        """Every sign of a mention but its base rate; see :data:`SIGNS`."""
        words = [self.answer.words[index] for index in mention.words]
        mine = [
            token for word in words for token in word.word.tokens if token < len(self.log_probs)
        ]
        count = len(mine)
        layers = slice(self.answer.layers[0], self.answer.layers[1] + 1)
        heads = self.maps[:, :, mine].mean(axis=2, dtype=np.float64)  # (layers, heads, tokens)
        patches = self._attended(heads.mean(axis=(0, 1)))
        drawn = rng.permutation(heads.shape[-1])[: len(patches)]
        log_prob = sum(word.log_prob for word in words)
        return {
            "probability": log_prob / count,
            "random patches": self._lost_without(drawn, mine),
            "image share": float(np.mean([word.share[layers].mean() for word in words])),
            "share over blank": float(np.mean([w.attention_over_blank(layers) for w in words])),
            "gain over blank": sum(word.gain for word in words) / count,
            "gain over blocked": (log_prob - sum(w.blocked_log_prob for w in words)) / count,
            "logit lens": self._decoded(patches, mention.word),
            "patch knock-out": self._lost_without(patches, mine),
            "head agreement": _agreement(heads),
        }

    def _attended(self, weights: NDArray[np.float64]) -> NDArray[np.int64]:
        """Image tokens with the most attention, one at least."""
        most = max(1, round(self.options.patches * len(weights)))
        return np.argsort(-weights, kind="stable")[:most]

    def _lost_without(self, patches: NDArray[np.int64], tokens: list[int]) -> float:
        """Probability per token that goes when the answer may not read some image tokens."""
        positions = self.encoded.token_maps[0].positions("image")[patches].tolist()
        with knockout(self.model, [(positions, "generated"), (positions, "last")]):
            scores, _ = run_forced(self.model, self.encoded)
        dropped = (self.log_probs - scores.double().numpy())[tokens].mean()
        return float(-np.expm1(-dropped))

    def _decoded(self, patches: NDArray[np.int64], word: str) -> float:
        """Largest log-probability of a word's first token among some hidden states."""
        states = self.hidden[:, torch.from_numpy(patches)].flatten(0, 1)
        return float(lens(self.model, states)[:, _first_tokens(self.model, word)].max())


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
