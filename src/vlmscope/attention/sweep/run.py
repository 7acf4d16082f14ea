"""A sweep over one prompt: which way it runs, and what comes out of it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vlmscope.attention.instrument import Binding, Forward, Instrument, instrument
from vlmscope.attention.knockout import Knockout
from vlmscope.attention.selection import check_layers
from vlmscope.attention.sweep.answers import greedy_answers
from vlmscope.attention.sweep.cases import LAST_ROWS, Case, knockouts_of
from vlmscope.attention.sweep.lanes import Lane, waves
from vlmscope.attention.sweep.liveness import Liveness
from vlmscope.attention.sweep.outcome import Compared, Outcome, Said, Swept, compare
from vlmscope.attention.sweep.replay import NotResumableError, Replay, answer_text, read_out, replay
from vlmscope.attention.sweep.wave import Wave
from vlmscope.attention.sweep.whole import sweep_whole
from vlmscope.errors import AttentionError, BadSampleError, UnknownNameError, VlmscopeWarning
from vlmscope.models import Encoded, LoadedModel, Prompt

__all__ = ["sweep"]

# values of one block of logits: 64 MB of float32
_LOGITS = 1 << 24


def sweep(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    prompt: str | Prompt,
    cases: Sequence[Case],
    *,
    preset: str | None = None,
    placement: str | None = None,
    last_row: str = "query",
    max_new_tokens: int = 32,
    ask: bool = False,
) -> Swept:
    """Knock out many sets of edges in one prompt and see what each does to the clean answer.

    Args:
        model: the model.
        pixels: uint8 (height, width, 3).
        prompt: with an answer (teacher forcing); without one the model answers first, greedily.
        cases: the knock-outs.
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
    for case in cases:
        check_layers(case.layers, len(model.layers))
    prompt = Prompt.of(prompt)
    with instrument(model) as active:
        if active.readers or active.blockers or active.stop_after is not None:
            raise AttentionError(
                "A sweep of knock-outs cannot run inside a capture or another knockout. End it first."
            )
    if not cases:
        raise AttentionError("A sweep needs at least one knock-out, got none.")
    encoded = model.encode([pixels], [prompt], preset=preset, placement=placement)
    if prompt.answer is not None and not len(encoded.token_maps[0].positions("generated")):
        raise BadSampleError(
            f"The answer {prompt.answer!r} has no tokens, so there is nothing to score. Give an answer "
            "with words, or none: the model then answers."
        )
    if model.family.causal_image and not model.family.crossed:
        try:
            return _resumed(model, encoded, cases, last_row, max_new_tokens, ask)
        except NotResumableError:
            warnings.warn(
                f"{model.id} (family {model.family.id!r}) cannot be resumed from a layer for these "
                "edges: rows that are run again do not come out as before. Every knock-out runs a "
                "whole pass, which takes longer and gives the same.",
                VlmscopeWarning,
                stacklevel=2,
            )
    settings: dict[str, Any] = {"preset": preset, "placement": placement, "last_row": last_row}
    return sweep_whole(
        model, pixels, prompt, cases, max_new_tokens=max_new_tokens, ask=ask, **settings
    )


def _resumed(
    model: LoadedModel,
    encoded: Encoded,
    cases: Sequence[Case],
    last_row: str,
    max_new_tokens: int,
    ask: bool,
) -> Swept:
    token_map = encoded.token_maps[0]
    parts = knockouts_of(model, cases, token_map, last_row)
    with instrument(model) as active, model.frozen():
        first = min(_first_row(part, encoded) for part in dict.fromkeys(parts))
        clean = replay(active, model, encoded, first, max_new_tokens)
        said = _said(clean)
        if not said.tokens:
            return Swept(said, (), shared=True)
        runner = _Runner(active, clean, said, max_new_tokens, ask)
        return Swept(said, runner.outcomes(cases, parts), shared=True)


def _first_row(part: Knockout, encoded: Encoded) -> int:
    """The first row of the prompt that a knock-out changes if the model reads from left to right."""
    length = len(encoded.token_maps[0])
    forward = Forward(0, length, None, Binding(encoded.token_maps))
    blocked = part.blocked(forward, 1, length, torch.device("cpu"))[0].any(0).tril()
    rows = blocked.any(-1).nonzero()
    return int(rows[0]) if len(rows) else length - 1


def _said(clean: Replay) -> Said:
    ids = clean.ids[: clean.scored]
    text = answer_text(clean.model, clean.ids)
    if not text:
        return Said("", (), np.zeros(0), clean.given)
    own = compare(clean.logits, clean.logits[None], clean.ids)
    tokenizer = clean.model.processor.tokenizer
    words = tuple(tokenizer.decode([token]) for token in ids.tolist())
    return Said(text, words, own.logprobs[0, : clean.scored].numpy(), clean.given)


class _Runner:
    """Turns cases into lanes, runs each distinct lane once, and hands the outcomes out."""

    def __init__(
        self, active: Instrument, clean: Replay, said: Said, max_new_tokens: int, ask: bool
    ) -> None:
        self._active = active
        self._clean = clean
        self._said = said
        self._limit = max_new_tokens
        self._ask = ask
        self._own = compare(clean.logits, clean.logits[None], clean.ids)

    def outcomes(self, cases: Sequence[Case], parts: Sequence[Knockout]) -> tuple[Outcome, ...]:
        liveness = Liveness(self._clean.allowed, self._clean.rows)
        live = {part: liveness.of(part) for part in dict.fromkeys(parts)}
        lanes: dict[object, Lane] = {}
        keys: list[object] = []
        for case, part in zip(cases, parts, strict=True):
            acting = {
                layer: row for layer, row in live[part].first_rows.items() if layer in case.layers
            }
            key = (live[part].signature, tuple(sorted(case.layers))) if acting else None
            keys.append(key)
            if key is not None and key not in lanes:
                layers = frozenset(case.layers)
                lanes[key] = Lane(part, layers, min(acting), min(acting.values()))
        found = dict(zip(lanes, self._run(list(lanes.values())), strict=True))
        return tuple(self._nothing() if key is None else found[key] for key in keys)

    def _nothing(self) -> Outcome:
        text = self._said.text if self._ask else None
        return Outcome(
            self._said.logprobs, np.zeros_like(self._said.logprobs), False, text, live=False
        )

    def _run(self, lanes: list[Lane]) -> list[Outcome]:
        found: dict[int, Outcome] = {}
        for indices in waves(lanes, self._clean.length):
            wave = Wave(self._active, self._clean, [lanes[i] for i in indices], keep=self._ask)
            compared = self._compared(wave)
            answers = self._answers(wave, compared.picks) if self._ask else [None] * len(indices)
            changed = (compared.picks != self._own.picks).any(-1).tolist()
            for at, index in enumerate(indices):
                found[index] = Outcome(
                    compared.logprobs[at, : self._clean.scored].numpy(),
                    compared.kl[at, : self._clean.scored].numpy(),
                    changed[at],
                    answers[at],
                    live=True,
                )
        return [found[index] for index in range(len(lanes))]

    def _compared(self, wave: Wave) -> Compared:
        """All lanes against the clean run; logits are made and dropped in blocks."""
        clean, hidden, start = self._clean, wave.run(), wave.offset
        step = max(1, _LOGITS // (hidden.shape[1] * clean.logits.shape[-1]))
        blocks = [
            compare(clean.logits[start:], read_out(clean.model, block), clean.ids[start:])
            for block in hidden.split(step)
        ]
        lanes = len(hidden)
        before = (
            self._own.logprobs[:, :start].expand(lanes, -1),
            torch.zeros(lanes, start, dtype=torch.float64),
            self._own.picks[:, :start].expand(lanes, -1),
        )
        after = (torch.cat(parts) for parts in zip(*blocks, strict=True))
        return Compared(*(torch.cat(pair, dim=1) for pair in zip(before, after, strict=True)))

    def _answers(self, wave: Wave, picks: torch.Tensor) -> list[str | None]:
        """What each lane says: the clean answer where it would pick every token of it."""
        clean = self._clean
        same = (picks == clean.ids).all(-1).tolist()
        # of an answer that was handed in it is not known whether the model would end there
        asked = [at for at in range(len(picks)) if clean.given or not same[at]]
        said: list[str | None] = [self._said.text] * len(picks)
        tokens = [int(picks[at, 0]) for at in asked]
        answers = greedy_answers(wave, asked, tokens, self._limit)
        for at, ids in zip(asked, answers, strict=True):
            said[at] = answer_text(clean.model, ids)
        return said
