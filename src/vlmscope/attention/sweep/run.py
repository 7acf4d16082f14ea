"""A sweep over one prompt: by replays where the family can be resumed, else by full passes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vlmscope.attention.installed import instrument
from vlmscope.attention.instrument import Binding, Forward, Instrument
from vlmscope.attention.knockout import Knockout
from vlmscope.attention.selection import check_layers
from vlmscope.attention.sweep.batch import Replay, ReplayBatch, batches
from vlmscope.attention.sweep.changes import ChangeFinder
from vlmscope.attention.sweep.clean_run import (
    CleanRun,
    NotResumableError,
    answer_text,
    next_logits,
    run_clean,
)
from vlmscope.attention.sweep.decoding import greedy_answers
from vlmscope.attention.sweep.effects import CleanAnswer, Comparison, Effect, SweepResult, compare
from vlmscope.attention.sweep.full_passes import sweep_by_full_passes
from vlmscope.attention.sweep.resume import resumable
from vlmscope.attention.sweep.specs import LAST_ROWS, KnockoutSpec, knockouts_of
from vlmscope.errors import AttentionError, BadSampleError, UnknownNameError, VlmscopeWarning
from vlmscope.models import Encoded, LoadedModel, Prompt

__all__ = ["encode_answered", "first_row", "sweep"]

# values of one block of logits: 64 MB of float32
_LOGITS = 1 << 24


def sweep(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    prompt: str | Prompt,
    specs: Sequence[KnockoutSpec],
    *,
    preset: str | None = None,
    placement: str | None = None,
    last_row: str = "query",
    max_new_tokens: int = 32,
    ask: bool = False,
) -> SweepResult:
    """Knock out many sets of edges in one prompt and see what each does to the clean answer.

    Args:
        model: the model.
        pixels: uint8 (height, width, 3).
        prompt: with an answer (teacher forcing); without one the model answers first, greedily.
        specs: the knock-outs.
        preset, placement: as for :func:`vlmscope.prefill`.
        last_row: what the last prompt position counts as, of :data:`LAST_ROWS`.
        max_new_tokens: longest answer.
        ask: let the model answer under every knock-out that changes its greedy answer.

    Raises:
        UnknownNameError: an unknown role, preset, placement or side of the last row.
        AttentionError: a layer or head out of range, no edge, or inside another capture or knockout.
        BadSampleError: an answer that was handed in has no tokens.
    """
    if last_row not in LAST_ROWS:
        raise UnknownNameError("side of the last prompt row", last_row, LAST_ROWS)
    depth = len(model.layers)
    for spec in specs:
        check_layers(spec.layers, depth)
    prompt = Prompt.of(prompt)
    if not specs:
        raise AttentionError("A sweep needs at least one knock-out, got none.")
    encoded = encode_answered(model, pixels, prompt, preset, placement)
    if resumable(model):
        try:
            return _sweep_by_replays(model, encoded, specs, last_row, max_new_tokens, ask)
        except NotResumableError:
            warnings.warn(
                f"{model.id} (family {model.family.id!r}) cannot be resumed from a layer for these "
                "edges: rows that are run again do not come out as before. Every knock-out runs a "
                "whole pass, which takes longer and gives the same.",
                VlmscopeWarning,
                stacklevel=2,
            )
    settings: dict[str, Any] = {"preset": preset, "placement": placement, "last_row": last_row}
    return sweep_by_full_passes(
        model, pixels, prompt, specs, max_new_tokens=max_new_tokens, ask=ask, **settings
    )


def encode_answered(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    prompt: Prompt,
    preset: str | None,
    placement: str | None,
) -> Encoded:
    """What a sweep runs over.

    Args:
        model, pixels, prompt, preset, placement: as for :func:`sweep`.

    Raises:
        AttentionError: inside another capture or knockout.
        BadSampleError: an answer that was handed in has no tokens.
    """
    with instrument(model) as active:
        if active.readers or active.blockers or active.stop_after is not None:
            raise AttentionError(
                "A sweep of knock-outs cannot run inside a capture or another knockout. End it first."
            )
    encoded = model.encode([pixels], [prompt], preset=preset, placement=placement)
    if prompt.answer is not None and not len(encoded.token_maps[0].positions("generated")):
        raise BadSampleError(
            f"The answer {prompt.answer!r} has no tokens, so there is nothing to score. Give an answer "
            "with words, or none: the model then answers."
        )
    return encoded


def _sweep_by_replays(
    model: LoadedModel,
    encoded: Encoded,
    specs: Sequence[KnockoutSpec],
    last_row: str,
    max_new_tokens: int,
    ask: bool,
) -> SweepResult:
    knockouts = knockouts_of(model, specs, encoded.token_maps[0], last_row)
    with instrument(model) as active, model.frozen():
        first = min(first_row(each, encoded) for each in dict.fromkeys(knockouts))
        clean = run_clean(active, model, encoded, first, max_new_tokens)
        answer = _clean_answer(clean)
        if not answer.tokens:
            return SweepResult(answer, (), resumed=True)
        replayer = _Replayer(active, clean, answer, max_new_tokens, ask)
        return SweepResult(answer, replayer.effects(specs, knockouts), resumed=True)


def first_row(knockout: Knockout, encoded: Encoded) -> int:
    """The first row of the prompt that a knock-out changes if the model reads from left to right."""
    length = len(encoded.token_maps[0])
    forward = Forward(0, length, None, Binding(encoded.token_maps))
    blocked = knockout.blocked(forward, 1, length, torch.device("cpu"))[0].any(0).tril()
    rows = blocked.any(-1).nonzero()
    return int(rows[0]) if len(rows) else length - 1


def _clean_answer(clean: CleanRun) -> CleanAnswer:
    text = answer_text(clean.model, clean.ids)
    if not text:
        return CleanAnswer("", (), np.zeros(0), clean.handed_in)
    itself = compare(clean.logits, clean.logits[None], clean.ids)
    tokenizer = clean.model.processor.tokenizer
    ids = tuple(int(token) for token in clean.ids[: clean.scored])
    tokens = tuple(tokenizer.decode([token]) for token in ids)
    logprobs = itself.logprobs[0, : clean.scored].numpy()
    return CleanAnswer(text, tokens, logprobs, clean.handed_in, ids)


class _Replayer:
    """Replays each distinct knock-out once, and hands the effects out."""

    def __init__(
        self,
        active: Instrument,
        clean: CleanRun,
        answer: CleanAnswer,
        max_new_tokens: int,
        ask: bool,
    ) -> None:
        self._active = active
        self._clean = clean
        self._answer = answer
        self._limit = max_new_tokens
        self._ask = ask
        self._itself = compare(clean.logits, clean.logits[None], clean.ids)

    def effects(
        self, specs: Sequence[KnockoutSpec], knockouts: Sequence[Knockout]
    ) -> tuple[Effect, ...]:
        finder = ChangeFinder(self._clean.readable, self._clean.rows)
        changes = {each: finder.of(each) for each in dict.fromkeys(knockouts)}
        replays: dict[object, Replay] = {}
        keys: list[object] = []
        for spec, knockout in zip(specs, knockouts, strict=True):
            rows = changes[knockout].first_rows
            first_rows = {layer: row for layer, row in rows.items() if layer in spec.layers}
            signature = changes[knockout].signature
            key = (signature, tuple(sorted(spec.layers))) if first_rows else None
            keys.append(key)
            if key is not None and key not in replays:
                layers = frozenset(spec.layers)
                first_row = min(first_rows.values())
                replays[key] = Replay(knockout, layers, min(first_rows), first_row)
        effects = dict(zip(replays, self._run(list(replays.values())), strict=True))
        nothing = Effect.none(self._answer, self._ask)
        return tuple(nothing if key is None else effects[key] for key in keys)

    def _run(self, replays: list[Replay]) -> list[Effect]:
        effects: dict[int, Effect] = {}
        for indices in batches(replays, self._clean.length):
            members = [replays[index] for index in indices]
            batch = ReplayBatch(self._active, self._clean, members, keep=self._ask)
            comparison = self._compared(batch)
            answers: Sequence[str | None] = [None] * len(indices)
            if self._ask:
                answers = self._answers(batch, comparison.likeliest)
            changed = (comparison.likeliest != self._itself.likeliest).any(-1).tolist()
            for at, index in enumerate(indices):
                effects[index] = Effect(
                    comparison.logprobs[at, : self._clean.scored].numpy(),
                    comparison.kl[at, : self._clean.scored].numpy(),
                    changed[at],
                    answers[at],
                    replayed=True,
                )
        return [effects[index] for index in range(len(replays))]

    def _compared(self, batch: ReplayBatch) -> Comparison:
        """All replays against the clean run; logits are made and dropped in blocks."""
        clean, hidden, start = self._clean, batch.run(), batch.unchanged_tokens
        step = max(1, _LOGITS // (hidden.shape[1] * clean.logits.shape[-1]))
        blocks = [
            compare(clean.logits[start:], next_logits(clean.model, block), clean.ids[start:])
            for block in hidden.split(step)
        ]
        count = len(hidden)
        before = (
            self._itself.logprobs[:, :start].expand(count, -1),
            torch.zeros(count, start, dtype=torch.float64),
            self._itself.likeliest[:, :start].expand(count, -1),
        )
        after = (torch.cat(parts) for parts in zip(*blocks, strict=True))
        return Comparison(*(torch.cat(pair, dim=1) for pair in zip(before, after, strict=True)))

    def _answers(self, batch: ReplayBatch, likeliest: torch.Tensor) -> list[str]:
        """What the model says in each replay: the clean answer where it would pick every token."""
        clean = self._clean
        same = (likeliest == clean.ids).all(-1).tolist()
        # of an answer that was handed in it is not known whether the model would end there
        chosen = [at for at in range(len(likeliest)) if clean.handed_in or not same[at]]
        texts = [self._answer.text] * len(likeliest)
        first_tokens = [int(likeliest[at, 0]) for at in chosen]
        answers = greedy_answers(batch, chosen, first_tokens, self._limit)
        for at, ids in zip(chosen, answers, strict=True):
            texts[at] = answer_text(clean.model, ids)
        return texts
