"""A prompt and its answer, run once, with everything kept that is needed to go on from any layer.

The whole prompt runs once, image and all. If no answer is given the model answers, greedily. Then the
rows that a knock-out may change run once more on top of the cached rest, so that what each layer was
given is known for them, and the masks. That second run is checked against the first.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vlmscope.attention.instrument import Binding, Instrument
from vlmscope.attention.sweep.cache import KeysValues, lane_cache
from vlmscope.attention.sweep.cases import last_prompt_row
from vlmscope.attention.sweep.liveness import Allowed, MaskReader
from vlmscope.attention.sweep.steps import stepping
from vlmscope.models import Encoded, LoadedModel
from vlmscope.types import Role, TokenMap

__all__ = [
    "NotResumableError",
    "Replay",
    "answer_text",
    "greedy_token",
    "read_out",
    "replay",
    "stops",
]

# of the distribution after the prompt: the largest difference of log-probabilities, and for weights of
# less than 32 bits, whose passes differ by themselves, half of the summed differences of probabilities
_SAME = 1e-3
_SAME_LOW_PRECISION = 0.1


class NotResumableError(Exception):
    """Resuming this decoder on top of a cache does not give what its whole pass gives."""


@dataclass(frozen=True, eq=False)
class Replay:
    """One prompt and its answer.

    Attributes:
        model: that ran.
        token_map: of every position that runs: prompt and answer but for the answer's last token.
        ids: int (answer,): the answer's tokens, its end included if the model ended it.
        scored: how many of them are counted: the end is not.
        given: the answer was handed in.
        rows: int (answer,): the position whose row predicts each of them.
        first: the first position that is kept; the ones before never change.
        inputs: per layer what it was given for the positions from ``first`` on, (1, rows, hidden).
        keys: per layer the keys and values of every position.
        positions: position ids, (1, positions), or (axes, 1, positions).
        allowed: per layer what those rows may read.
        logits: float32 (answer, vocabulary), clean.
    """

    model: LoadedModel
    token_map: TokenMap
    ids: Tensor
    scored: int
    given: bool
    rows: Tensor
    first: int
    inputs: list[Tensor]
    keys: list[KeysValues]
    positions: Tensor
    allowed: list[Allowed]
    logits: Tensor

    @property
    def prompt_length(self) -> int:
        """Positions of the prompt."""
        return int(self.rows[0]) + 1

    @property
    def length(self) -> int:
        """Positions that run."""
        return len(self.token_map)

    def keys_before(self, end: int) -> list[KeysValues]:
        """Per layer the keys and values of the positions before ``end``."""
        return [(keys[..., :end, :], values[..., :end, :]) for keys, values in self.keys]

    def position_ids(self, start: int, end: int, lanes: int = 1) -> Tensor:
        """Position ids of start ... end - 1, which may lie behind the answer."""
        behind = positions_behind(self.positions, end - self.positions.shape[-1])
        whole = torch.cat([self.positions, behind], dim=-1)[..., start:end]
        return whole.expand(*whole.shape[:-2], lanes, -1)


def positions_behind(positions: Tensor, count: int) -> Tensor:
    """Position ids of generated tokens: they count on from the largest, on every axis alike."""
    after = int(positions.max()) + 1 + torch.arange(max(0, count), device=positions.device)
    return after.expand(*positions.shape[:-1], -1)


def read_out(model: LoadedModel, hidden: Tensor) -> Tensor:
    """Logits of last hidden states, (..., hidden) to (..., vocabulary)."""
    head: Any = model.hf.get_output_embeddings()
    logits: Tensor = head(hidden)
    return logits


def stops(model: LoadedModel) -> frozenset[int]:
    """Ids that end an answer."""
    ends = getattr(model.hf.generation_config, "eos_token_id", None)
    if ends is None:
        ends = model.processor.tokenizer.eos_token_id
    if ends is None:
        return frozenset()
    return frozenset([ends] if isinstance(ends, int) else (int(each) for each in ends))


def answer_text(model: LoadedModel, ids: Tensor | list[int]) -> str:
    """An answer as text, special tokens left out."""
    return str(model.processor.tokenizer.decode(ids, skip_special_tokens=True)).strip()


def greedy_token(logits: Tensor) -> int:
    """The most likely token of (vocabulary,) logits."""
    return int(logits.argmax(-1))


def replay(
    active: Instrument, model: LoadedModel, encoded: Encoded, first: int, max_new_tokens: int
) -> Replay:
    """Run a prompt and its answer and keep what is needed.

    Args:
        active: the model's instrument.
        model: the model.
        encoded: one prompt, with an answer or without: then the model gives one.
        first: the first position whose row some knock-out may change.
        max_new_tokens: of the model's answer.

    Raises:
        NotResumableError: the rows that were run again do not come out as in the whole pass.
    """
    prompt_map = encoded.token_maps[0]
    last = last_prompt_row(prompt_map)
    first = min(first, last)
    opened = _open(model, encoded, first, last)
    sequence = encoded.inputs["input_ids"][0, : last + 1]
    given = encoded.length > last + 1
    if given:
        ids = encoded.inputs["input_ids"][0, last + 1 :]
    else:
        ids = _answer(model, opened, encoded.inputs["position_ids"], max_new_tokens)
    ends = not given and int(ids[-1]) in stops(model)
    sequence = torch.cat([sequence, ids[:-1]])
    found = Replay(
        model=model,
        token_map=_fed_map(prompt_map, last + 1, ids[:-1], model.processor.tokenizer),
        ids=ids.cpu(),
        scored=len(ids) - int(ends),
        given=given,
        rows=torch.arange(last, last + len(ids)),
        first=first,
        inputs=[],
        keys=[(pair[0][..., :first, :], pair[1][..., :first, :]) for pair in opened.keys],
        positions=encoded.inputs["position_ids"][..., : last + 1],
        allowed=[],
        logits=torch.empty(0),
    )
    return _again(active, found, sequence, opened)


@dataclass(frozen=True, eq=False)
class _Opened:
    """The whole pass: its cache, what the first layer was given, the distribution after the prompt."""

    cache: Any
    entered: Tensor
    logits: Tensor

    @property
    def keys(self) -> list[KeysValues]:
        return [(layer.keys, layer.values) for layer in self.cache.layers]


def _open(model: LoadedModel, encoded: Encoded, first: int, last: int) -> _Opened:
    from transformers import DynamicCache

    # without a config every layer keeps all keys; sliding windows are still in the masks
    cache = DynamicCache()
    entered: list[Tensor] = []

    def watch(layer: int, hidden: Tensor) -> Tensor:
        if layer == 0:
            entered.append(hidden[:, first:].clone())
        return hidden

    with stepping(model, watch):
        logits = model.family.forward(
            model.hf,
            torch.tensor([last], device=model.device),
            **encoded.inputs,
            past_key_values=cache,
            use_cache=True,
        )
    return _Opened(cache, entered[0], logits[0, 0].float())


def _answer(model: LoadedModel, opened: _Opened, positions: Tensor, limit: int) -> Tensor:
    """The greedy answer, int (tokens,), its end included when it was reached."""
    ids = [greedy_token(opened.logits)]
    places = positions_behind(positions, limit)
    ends = stops(model)
    while len(ids) < limit and ids[-1] not in ends:
        at = places[..., len(ids) - 1 : len(ids)]
        token = torch.tensor([ids[-1:]], device=model.device)
        out = model.decoder(
            input_ids=token, position_ids=at, past_key_values=opened.cache, use_cache=True
        )
        ids.append(greedy_token(read_out(model, out.last_hidden_state[0, -1])))
    return torch.tensor(ids, device=model.device)


def _fed_map(prompt: TokenMap, length: int, answer: Tensor, tokenizer: Any) -> TokenMap:
    words = tuple(tokenizer.decode([token]) for token in answer.tolist())
    roles = np.full(len(answer), Role.GENERATED, dtype=np.int8)
    return replace(
        prompt,
        roles=np.concatenate([prompt.roles[:length], roles]),
        tokens=prompt.tokens[:length] + words,
    )


def _again(active: Instrument, found: Replay, sequence: Tensor, opened: _Opened) -> Replay:
    """Run the rows from ``first`` on once more, and keep what each layer is given."""
    model, first = found.model, found.first
    inputs: list[Tensor] = []

    def watch(layer: int, hidden: Tensor) -> Tensor:
        if layer == 0:
            # image tokens are no words of the vocabulary: the prompt enters as it did before
            known = opened.entered[:, : hidden.shape[1]]
            hidden = torch.cat([known, hidden[:, known.shape[1] :]], dim=1)
        inputs.append(hidden)
        return hidden

    cache = lane_cache(found.keys, keep=True)
    masks = MaskReader()
    with (
        stepping(model, watch),
        active.bound(Binding((found.token_map,), generating=True)),
        _reading(active, masks),
    ):
        out = model.decoder(
            input_ids=_harmless(sequence[first:], found.prompt_length - first),
            position_ids=found.position_ids(first, found.length),
            past_key_values=cache,
            use_cache=True,
        )
    logits = read_out(model, out.last_hidden_state[0, found.rows - first]).float()
    _check(model, opened.logits, logits[0])
    keys = [
        (
            torch.cat([layer.shared[0], layer.own[0]], -2),
            torch.cat([layer.shared[1], layer.own[1]], -2),
        )
        for layer in cache.layers
    ]
    return replace(found, inputs=inputs, keys=keys, allowed=list(masks.layers), logits=logits)


def _harmless(ids: Tensor, prompt: int) -> Tensor:
    """Ids (1, rows) whose first ``prompt`` are replaced: an image's may lie outside the vocabulary."""
    ids = ids.clone()
    ids[:prompt] = 0
    return ids[None]


@contextlib.contextmanager
def _reading(active: Instrument, masks: MaskReader) -> Iterator[None]:
    active.readers.append(masks)
    try:
        yield
    finally:
        active.readers.remove(masks)


def _check(model: LoadedModel, whole: Tensor, again: Tensor) -> None:
    whole, again = whole.log_softmax(-1), again.log_softmax(-1)
    if model.dtype == torch.float32:
        apart, limit = float((whole - again).abs().max()), _SAME
    else:
        apart, limit = float((whole.exp() - again.exp()).abs().sum() / 2), _SAME_LOW_PRECISION
    if not apart <= limit:
        raise NotResumableError(
            f"the distribution after the prompt is {apart:.2g} away from that of the whole pass"
        )
