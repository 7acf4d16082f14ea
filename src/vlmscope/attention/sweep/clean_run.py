"""A prompt and its answer, run once, with everything kept that is needed to go on from any layer.

The whole prompt runs once, image and all. If it brings no answer the model answers, greedily. Then the
rows that a knock-out may change run once more on top of the cached rest, so that what each layer was
given is known for them, and the masks. That second run is checked against the first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vlmscope.attention.instrument import Binding, Instrument
from vlmscope.attention.sweep.changes import MaskReader, ReadableKeys
from vlmscope.attention.sweep.resume import KeysValues, editing_inputs, shared_start_cache
from vlmscope.attention.sweep.specs import last_prompt_row
from vlmscope.errors import BadSampleError
from vlmscope.models import Encoded, LoadedModel
from vlmscope.models.cache_keyword import with_cache
from vlmscope.types import Role, TokenMap

__all__ = [
    "Begun",
    "CleanRun",
    "NotResumableError",
    "answer_text",
    "begin_clean",
    "check_said",
    "end_ids",
    "next_logits",
    "run_clean",
]

# of the distribution after the prompt: the largest difference of log-probabilities, and for weights of
# less than 32 bits, whose passes differ by themselves, half of the summed differences of probabilities
_SAME = 1e-3
_SAME_LOW_PRECISION = 0.1


class NotResumableError(Exception):
    """Resuming this decoder on top of a cache does not give what its whole pass gives."""


@dataclass(frozen=True, eq=False)
class CleanRun:
    """One prompt and its answer.

    Attributes:
        model: that ran.
        token_map: of every position that runs: prompt and answer but for the answer's last token.
        ids: int (answer,): the answer's tokens, its end included if the model ended it.
        scored: how many of them are counted: the end is not.
        handed_in: the answer came with the prompt.
        rows: int (answer,): the position whose row predicts each of them.
        first: the first position that is kept; the ones before never change.
        inputs: per layer what it was given for the positions from ``first`` on, (1, rows, hidden).
        keys: per layer the keys and values of every position.
        positions: position ids of the prompt, (1, positions), or (axes, 1, positions).
        readable: per layer what those rows may read.
        logits: float32 (answer, vocabulary).
    """

    model: LoadedModel
    token_map: TokenMap
    ids: Tensor
    scored: int
    handed_in: bool
    rows: Tensor
    first: int
    inputs: list[Tensor]
    keys: list[KeysValues]
    positions: Tensor
    readable: list[ReadableKeys | None]
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

    def position_ids(self, start: int, end: int, batch: int = 1) -> Tensor:
        """Position ids of start ... end - 1, which may lie behind the answer, for a whole batch."""
        behind = _positions_behind(self.positions, end - self.positions.shape[-1])
        whole = torch.cat([self.positions, behind], dim=-1)[..., start:end]
        return whole.expand(*whole.shape[:-2], batch, -1)


def run_clean(
    active: Instrument, model: LoadedModel, encoded: Encoded, first: int, max_new_tokens: int
) -> CleanRun:
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
    return _run_again(active, begin_clean(model, encoded, first, max_new_tokens))


@dataclass(frozen=True, eq=False)
class Begun:
    """A prompt and its answer after the whole pass, before any row ran again.

    Attributes:
        clean: without inputs, masks and logits, and with the keys before ``clean.first`` alone.
        ids: int (rows,): what the rows from there on are given; those of the prompt are 0.
        first_input: what the first layer was given for those of the prompt, (1, rows, hidden).
        logits: after the prompt, (vocabulary,).
    """

    clean: CleanRun
    ids: Tensor
    first_input: Tensor
    logits: Tensor

    def entering(self, hidden: Tensor) -> Tensor:
        """What the first layer is given in place of (items, rows, hidden) embeddings.

        Image tokens are no words of the vocabulary: the prompt enters as it did before.
        """
        known = self.first_input[:, : hidden.shape[1]].to(hidden.device)
        behind = hidden[:, known.shape[1] :]
        return torch.cat([known.expand(len(hidden), -1, -1), behind], dim=1)

    def check_same(self, again: Tensor) -> None:
        """Refuse rows that came out otherwise when they were run again.

        Args:
            again: (vocabulary,), after the prompt.

        Raises:
            NotResumableError: they did.
        """
        _check_same(self.clean.model, self.logits, again)


def begin_clean(model: LoadedModel, encoded: Encoded, first: int, max_new_tokens: int) -> Begun:
    """The whole pass of :func:`run_clean`, and the answer.

    Args:
        model, encoded, first, max_new_tokens: as there.
    """
    prompt_map = encoded.token_maps[0]
    last = last_prompt_row(prompt_map)
    first = min(first, last)
    whole = _whole_pass(model, encoded, first, last)
    sequence = encoded.inputs["input_ids"][0, : last + 1]
    handed_in = encoded.length > last + 1
    if handed_in:
        ids = encoded.inputs["input_ids"][0, last + 1 :]
    else:
        ids = _greedy_answer(model, whole, encoded.inputs["position_ids"], max_new_tokens)
    ended = not handed_in and int(ids[-1]) in end_ids(model)
    sequence = torch.cat([sequence, ids[:-1]])
    layers = whole.cache.layers
    clean = CleanRun(
        model=model,
        token_map=_with_answer(prompt_map, last + 1, ids[:-1], model.processor.tokenizer),
        ids=ids.cpu(),
        scored=len(ids) - int(ended),
        handed_in=handed_in,
        rows=torch.arange(last, last + len(ids)),
        first=first,
        inputs=[],
        keys=[(layer.keys[..., :first, :], layer.values[..., :first, :]) for layer in layers],
        positions=encoded.inputs["position_ids"][..., : last + 1],
        readable=[],
        logits=torch.empty(0),
    )
    rest = sequence[first:].clone()
    rest[: clean.prompt_length - first] = 0  # an image's may lie outside the vocabulary
    return Begun(clean, rest, whole.first_input, whole.logits)


@dataclass(frozen=True, eq=False)
class _WholePass:
    """The first pass: its cache, what its first layer was given, the logits after the prompt."""

    cache: Any
    first_input: Tensor
    logits: Tensor


def _whole_pass(model: LoadedModel, encoded: Encoded, first: int, last: int) -> _WholePass:
    cache = model.family.lasting_cache(model.hf)
    first_input: list[Tensor] = []

    def watch(layer: int, hidden: Tensor) -> Tensor:
        if layer == 0:
            first_input.append(hidden[:, first:].clone())
        return hidden

    with editing_inputs(model, watch):
        logits = model.family.forward(
            model.hf,
            torch.tensor([last], device=model.device),
            **encoded.inputs,
            **with_cache(model.hf, cache),
            use_cache=True,
        )
    return _WholePass(cache, first_input[0], logits[0, 0].float())


def _greedy_answer(model: LoadedModel, whole: _WholePass, positions: Tensor, limit: int) -> Tensor:
    """The greedy answer, int (tokens,), its end included when it was reached."""
    ids = [int(whole.logits.argmax(-1))]
    places = _positions_behind(positions, limit)
    ends = end_ids(model)
    while len(ids) < limit and ids[-1] not in ends:
        out = model.decoder(
            input_ids=torch.tensor([ids[-1:]], device=model.device),
            position_ids=places[..., len(ids) - 1 : len(ids)],
            **with_cache(model.decoder, whole.cache),
            use_cache=True,
        )
        ids.append(int(next_logits(model, out.last_hidden_state[0, -1]).argmax(-1)))
    return torch.tensor(ids, device=model.device)


def _run_again(active: Instrument, begun: Begun) -> CleanRun:
    """Run the rows from ``clean.first`` on once more, and keep what each layer is given."""
    clean = begun.clean
    model, first = clean.model, clean.first
    inputs: list[Tensor] = []

    def watch(layer: int, hidden: Tensor) -> Tensor:
        if layer == 0:
            hidden = begun.entering(hidden)
        inputs.append(hidden)
        return hidden

    cache = shared_start_cache(clean.keys, keep=True)
    masks = MaskReader(len(model.layers))
    active.readers.append(masks)
    try:
        binding = Binding((clean.token_map,), generating=True)
        with editing_inputs(model, watch), active.bound(binding):
            out = model.decoder(
                input_ids=begun.ids[None],
                position_ids=clean.position_ids(first, clean.length),
                **with_cache(model.decoder, cache),
                use_cache=True,
            )
    finally:
        active.readers.remove(masks)
    logits = next_logits(model, out.last_hidden_state[0, clean.rows - first]).float()
    begun.check_same(logits[0])
    keys = [
        (
            torch.cat([layer.start[0], layer.rest[0]], -2),
            torch.cat([layer.start[1], layer.rest[1]], -2),
        )
        for layer in cache.layers
    ]
    return replace(clean, inputs=inputs, keys=keys, readable=list(masks.layers), logits=logits)


def _check_same(model: LoadedModel, whole: Tensor, again: Tensor) -> None:
    whole, again = whole.log_softmax(-1), again.log_softmax(-1)
    if model.dtype == torch.float32:
        apart, limit = float((whole - again).abs().max()), _SAME
    else:
        apart, limit = float((whole.exp() - again.exp()).abs().sum() / 2), _SAME_LOW_PRECISION
    if not apart <= limit:
        raise NotResumableError(
            f"the distribution after the prompt is {apart:.2g} away from that of the whole pass"
        )


def _with_answer(prompt: TokenMap, length: int, answer: Tensor, tokenizer: Any) -> TokenMap:
    words = tuple(tokenizer.decode([token]) for token in answer.tolist())
    roles = np.full(len(answer), Role.GENERATED, dtype=np.int8)
    return replace(
        prompt,
        roles=np.concatenate([prompt.roles[:length], roles]),
        tokens=prompt.tokens[:length] + words,
    )


def _positions_behind(positions: Tensor, count: int) -> Tensor:
    """Position ids of generated tokens: they count on from the largest, on every axis alike."""
    after = int(positions.max()) + 1 + torch.arange(max(0, count), device=positions.device)
    return after.expand(*positions.shape[:-1], -1)


def next_logits(model: LoadedModel, hidden: Tensor) -> Tensor:
    """Logits of the next token from last hidden states, (..., hidden) to (..., vocabulary)."""
    return model.family.head(model.hf, hidden)


def end_ids(model: LoadedModel) -> frozenset[int]:
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


def check_said(model: LoadedModel, ids: Tensor | list[int], answer: str | None) -> None:
    """Refuse an answer of no tokens: every share of nothing is 1, and every loss of it 0.

    Args:
        model: whose tokens they are.
        ids: of the answer, its end included or not.
        answer: as it was handed in; None: the model's own.

    Raises:
        BadSampleError: no token but special ones.
    """
    if answer_text(model, ids):
        return
    if answer is None:
        raise BadSampleError("The model says nothing to it, so there is no answer to follow.")
    raise BadSampleError(
        f"The answer {answer!r} holds no token that the model knows, so there is none to follow."
    )
