"""Every knock-out as a full pass: for families whose image and text see each other.

Also the plain way that replays are held against.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.attention.generation import generate
from vlmscope.attention.installed import instrument, read_by
from vlmscope.attention.instrument import Binding
from vlmscope.attention.knockout import knockout
from vlmscope.attention.sweep.changes import ChangeFinder, MaskReader
from vlmscope.attention.sweep.clean_run import answer_text
from vlmscope.attention.sweep.effects import CleanAnswer, Comparison, Effect, SweepResult, compare
from vlmscope.attention.sweep.specs import KnockoutSpec, knockouts_of, with_last_row
from vlmscope.models import Encoded, LoadedModel, Prompt
from vlmscope.models.cache_keyword import with_cache

__all__ = ["sweep_by_full_passes"]


def sweep_by_full_passes(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    prompt: Prompt,
    specs: Sequence[KnockoutSpec],
    *,
    preset: str | None,
    placement: str | None,
    last_row: str,
    max_new_tokens: int,
    ask: bool,
) -> SweepResult:
    """As :func:`vlmscope.attention.sweep.sweep`, pass by pass."""
    settings: dict[str, Any] = {"preset": preset, "placement": placement}
    handed_in = prompt.answer is not None
    if handed_in:
        answered = prompt
    else:
        text = generate(model, pixels, prompt, max_new_tokens=max_new_tokens, **settings).text
        answered = replace(prompt, answer=text)
    encoded = model.encode([pixels], [answered], **settings)
    token_map = encoded.token_maps[0]
    rows = torch.from_numpy(token_map.positions("generated")) - 1
    if not len(rows):
        return SweepResult(CleanAnswer("", (), np.zeros(0), handed_in), (), resumed=False)
    clean = _CleanPass(model, encoded, rows, handed_in)
    knockouts = knockouts_of(model, specs, token_map, last_row)
    changed_in = {each: set(clean.changes.of(each).first_rows) for each in dict.fromkeys(knockouts)}
    effects = []
    for spec, each in zip(specs, knockouts, strict=True):
        if not changed_in[each] & set(spec.layers):
            effects.append(Effect.none(clean.answer, ask))
            continue
        edges = with_last_row(spec.edges, token_map, last_row)
        answer = None
        with knockout(model, edges, spec.layers, spec.heads, keep_own=True):
            comparison = clean.against(_forced(model, encoded, rows))
            if ask:
                alone = replace(prompt, answer=None)
                answer = generate(
                    model, pixels, alone, max_new_tokens=max_new_tokens, **settings
                ).text
        effects.append(clean.effect(comparison, answer))
    return SweepResult(clean.answer, tuple(effects), resumed=False)


class _CleanPass:
    """The pass without a knock-out."""

    def __init__(self, model: LoadedModel, encoded: Encoded, rows: Tensor, handed_in: bool) -> None:
        masks = MaskReader(len(model.layers))
        with read_by(model, masks):
            self._logits = _forced(model, encoded, rows)[0]
        self.changes = ChangeFinder(masks.layers, rows)
        self._ids = encoded.inputs["input_ids"][0].cpu()[rows + 1]
        self._itself = self.against(self._logits[None])
        tokens = tuple(encoded.token_maps[0].tokens[int(row) + 1] for row in rows)
        text = answer_text(model, self._ids)
        ids = tuple(int(token) for token in self._ids)
        logprobs = self._itself.logprobs[0].numpy()
        self.answer = CleanAnswer(text, tokens, logprobs, handed_in, ids)

    def against(self, logits: Tensor) -> Comparison:
        """Compare logits (1, rows, vocabulary) with the clean ones."""
        return compare(self._logits, logits, self._ids)

    def effect(self, comparison: Comparison, answer: str | None) -> Effect:
        """Of a knock-out that ran."""
        changed = bool((comparison.likeliest != self._itself.likeliest).any())
        if answer is not None and not self.answer.handed_in:
            changed = answer != self.answer.text  # also where only the end of the answer moved
        logprobs, kl = comparison.logprobs[0].numpy(), comparison.kl[0].numpy()
        return Effect(logprobs, kl, changed, answer, replayed=True)


def _forced(model: LoadedModel, encoded: Encoded, rows: Tensor) -> Tensor:
    """Logits (1, rows, vocabulary) of a whole pass under whatever contexts are active."""
    with (
        instrument(model) as active,
        model.frozen(),
        active.bound(Binding(encoded.token_maps)),
    ):
        return model.family.forward(
            model.hf,
            rows.to(model.device),
            **encoded.inputs,
            **with_cache(model.hf, model.family.cache(model.hf)),
            use_cache=True,
        )
