"""An answer's log-probabilities under many knock-outs of all layers, nothing else: the cheapest of sweeps.

The prompt and its answer run once. What stands behind the image then runs again for every knock-out, several
behind one another in a sequence that does not see its neighbours, several sequences side by side; the
keys before are copied once for each sequence, and masks are made once for all layers. Every pass holds the
answer without a knock-out, too, in its last place: what a family cannot do shows there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.attention.installed import instrument
from vlmscope.attention.instrument import Binding, Forward, Instrument
from vlmscope.attention.knockout import Knockout
from vlmscope.attention.sweep.clean_run import (
    Begun,
    CleanRun,
    NotResumableError,
    answer_text,
    begin_clean,
    next_logits,
)
from vlmscope.attention.sweep.effects import token_logprobs
from vlmscope.attention.sweep.resume import editing_inputs, resumable, shared_start_cache
from vlmscope.attention.sweep.run import encode_answered, first_row, sweep
from vlmscope.attention.sweep.specs import KnockoutSpec, SpecPlace, knockouts_of
from vlmscope.errors import AttentionError
from vlmscope.models import Encoded, LoadedModel, Prompt
from vlmscope.models.cache_keyword import with_cache

__all__ = ["AnswerScores", "answer_scores"]

# rows of one pass, and values of one block of logits
_ROWS = 2048
_LOGITS = 1 << 24


@dataclass(frozen=True, eq=False)
class AnswerScores:
    """An answer under knock-outs.

    Attributes:
        ids: int (tokens,): of the answer, its end left out.
        clean: float (tokens,): log-probability of each without a knock-out, in nats.
        logprobs: float (knock-outs, tokens): of each under them.
        rows_run: positions that ran through the decoder.
        length: positions of the prompt and the answer.
    """

    ids: tuple[int, ...]
    clean: NDArray[np.float64]
    logprobs: NDArray[np.float64]
    rows_run: int
    length: int


def answer_scores(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    prompt: Prompt,
    edges: Sequence[Sequence[tuple[SpecPlace, SpecPlace]]],
    *,
    preset: str | None = None,
    placement: str | None = None,
    max_new_tokens: int = 32,
) -> AnswerScores:
    """What a sweep of these knock-outs, each in all layers, says of the answer's tokens.

    Where rows cannot be packed it is that sweep.

    Args:
        model: the model.
        pixels: uint8 (height, width, 3).
        prompt: with an answer, or without: then the model answers, greedily.
        edges: of each knock-out, one at least, as of :class:`KnockoutSpec`.
        preset, placement, max_new_tokens: as for :func:`sweep`.

    Raises:
        AttentionError: no knock-out, or inside another capture or knockout.
        BadSampleError: an answer that was handed in has no tokens.
    """
    if not edges:
        raise AttentionError("Scores of an answer need at least one knock-out, got none.")
    layers = tuple(range(len(model.layers)))
    specs = [KnockoutSpec(tuple(each), layers) for each in edges]
    encoded = encode_answered(model, pixels, prompt, preset, placement)
    if resumable(model):
        try:
            return _packed(model, encoded, specs, max_new_tokens)
        except NotResumableError:
            pass  # the sweep finds out whether one behind another was too much, and says so if not
    swept = sweep(
        model,
        pixels,
        prompt,
        specs,
        preset=preset,
        placement=placement,
        max_new_tokens=max_new_tokens,
    )
    length = int(encoded.token_maps[0].positions("text")[-1]) + len(swept.answer.ids)
    replayed = sum(each.replayed for each in swept.effects)
    behind = length - _first(model, encoded, specs) if swept.resumed else length
    return AnswerScores(
        swept.answer.ids,
        swept.answer.logprobs,
        np.array([each.logprobs for each in swept.effects]),
        length + (int(swept.resumed) + replayed) * behind,
        length,
    )


def _first(model: LoadedModel, encoded: Encoded, specs: Sequence[KnockoutSpec]) -> int:
    """The first position that any of the knock-outs changes."""
    union = KnockoutSpec(tuple({edge: None for each in specs for edge in each.edges}), ())
    return first_row(knockouts_of(model, [union], encoded.token_maps[0], "query")[0], encoded)


def _packed(
    model: LoadedModel, encoded: Encoded, specs: Sequence[KnockoutSpec], limit: int
) -> AnswerScores:
    knockouts = knockouts_of(model, specs, encoded.token_maps[0], "query")
    with instrument(model) as active, model.frozen():
        begun = begin_clean(model, encoded, _first(model, encoded, specs), limit)
        clean = begun.clean
        ids = tuple(clean.ids[: clean.scored].tolist())
        if not answer_text(model, clean.ids):
            nothing = np.zeros((len(specs), 0))
            return AnswerScores((), nothing[0], nothing, clean.length, clean.length)
        scores, rows_run = [], clean.length
        room = max(1, _ROWS // (clean.length - clean.first) - 1)
        for start in range(0, len(knockouts), room):
            one = _Pass(active, begun, knockouts[start : start + room])
            scores.append(one.run()[:, : clean.scored].numpy())
            rows_run += one.positions
    logprobs = np.concatenate([each[:-1] for each in scores])
    return AnswerScores(ids, scores[0][-1], logprobs, rows_run, clean.length)


class _Pass:
    """Some knock-outs, and none, in one pass.

    Args:
        active: the model's instrument.
        begun: the run that they go on from.
        knockouts: of this pass.
    """

    def __init__(self, active: Instrument, begun: Begun, knockouts: Sequence[Knockout]) -> None:
        self._active, self._begun, self._knockouts = active, begun, list(knockouts)
        self._rows = begun.clean.length - begun.clean.first
        count = len(knockouts) + 1
        self._each = _in_a_sequence(count, self._rows, begun.clean.first)
        self._sequences = math.ceil(count / self._each)

    @property
    def positions(self) -> int:
        """Positions that run."""
        return self._sequences * self._each * self._rows

    def run(self) -> Tensor:
        """Log-probabilities of the answer, (knock-outs and last none, tokens).

        Raises:
            NotResumableError: without a knock-out the answer's first token does not come out as before.
        """
        clean, count = self._begun.clean, len(self._knockouts)
        hidden = self._decode()
        # what fills up the last sequence is the answer without a knock-out, as is the last place
        kept = torch.cat([hidden[:count], hidden[-1:]])[:, clean.rows - clean.first]
        step = max(1, _LOGITS // (kept.shape[1] * self._begun.logits.shape[-1]))
        scores = []
        for block in kept.split(step):
            logits = next_logits(clean.model, block)
            scores.append(token_logprobs(logits, clean.ids))
        self._begun.check_same(logits[-1, 0].float())
        return torch.cat(scores)

    def _decode(self) -> Tensor:
        """Last hidden states (places, rows, hidden)."""
        clean, begun = self._begun.clean, self._begun
        shape = (self._sequences, self._each * self._rows)

        def enter(layer: int, hidden: Tensor) -> Tensor:
            if layer:
                return hidden
            each = hidden.reshape(-1, self._rows, hidden.shape[-1])
            return begun.entering(each).reshape(hidden.shape)

        blocker = _Apart(clean, self._knockouts, self._sequences, self._each)
        positions = clean.position_ids(clean.first, clean.length, self._sequences)
        self._active.blockers.append(blocker)
        try:
            with editing_inputs(clean.model, enter), self._active.bound(_binding(clean)):
                out: Any = clean.model.decoder(
                    input_ids=begun.ids.repeat(self._each).expand(shape).to(clean.model.device),
                    position_ids=torch.cat([positions] * self._each, dim=-1),
                    **with_cache(clean.model.decoder, shared_start_cache(clean.keys)),
                    use_cache=True,
                )
        finally:
            self._active.blockers.remove(blocker)
        hidden: Tensor = out.last_hidden_state
        return hidden.reshape(-1, self._rows, hidden.shape[-1])


def _in_a_sequence(count: int, rows: int, before: int) -> int:
    """How many stand behind one another.

    All that do read a mask as wide as all of them, so that together they stay under half of what stands
    before; of those numbers the largest that leaves few places of the last sequence empty.
    """
    most = max(1, before // (2 * rows))
    return max(each for each in range(1, most + 1) if -count % each <= count // 20)


def _binding(clean: CleanRun) -> Binding:
    return Binding((clean.token_map,), generating=True)


class _Apart:
    """Blocks the edges of each place's knock-out, and all between places of one sequence.

    Args:
        clean: the run that they go on from.
        knockouts: of the first places; the others have none.
        sequences, each: how many, and places of one.
    """

    def __init__(
        self, clean: CleanRun, knockouts: Sequence[Knockout], sequences: int, each: int
    ) -> None:
        first, rows = clean.first, clean.length - clean.first
        forward = Forward(first, rows, None, _binding(clean))
        blocked = torch.zeros(sequences * each, rows, clean.length, dtype=torch.bool)
        for place, knockout in enumerate(knockouts):
            blocked[place] = knockout.blocked(forward, 1, clean.length, torch.device("cpu"))[0, 0]
        own = torch.ones(sequences, each, rows, each, rows, dtype=torch.bool)
        places = torch.arange(each)
        inside = blocked[..., first:].view(sequences, each, rows, rows)
        own[:, places, :, places] = inside.transpose(0, 1)
        self._mask = torch.cat(
            [
                blocked[..., :first].reshape(sequences, each * rows, first),
                own.view(sequences, each * rows, each * rows),
            ],
            dim=-1,
        )[:, None]

    def blocks(self, layer: int) -> bool:
        """In every layer."""
        return True

    def blocked(self, forward: Forward, batch: int, keys: int, device: torch.device) -> Tensor:
        """Bool (sequences, 1, rows, keys); a cache that drops keys is none that rows can share."""
        return self._mask[..., self._mask.shape[-1] - keys :].to(device)

    def describe(self) -> str:
        """For error messages."""
        return "regions hidden from the text"
