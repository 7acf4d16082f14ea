"""Every knock-out as a whole pass: for families whose image and text see each other.

Also the plain way that the fast one is held against.
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
from vlmscope.attention.instrument import Binding, instrument
from vlmscope.attention.knockout import knockout
from vlmscope.attention.sweep.cases import Case, knockouts_of, resolved
from vlmscope.attention.sweep.liveness import Liveness, MaskReader
from vlmscope.attention.sweep.outcome import Compared, Outcome, Said, Swept, compare
from vlmscope.attention.sweep.replay import answer_text
from vlmscope.models import Encoded, LoadedModel, Prompt

__all__ = ["sweep_whole"]


def sweep_whole(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    prompt: Prompt,
    cases: Sequence[Case],
    *,
    preset: str | None,
    placement: str | None,
    last_row: str,
    max_new_tokens: int,
    ask: bool,
) -> Swept:
    """As :func:`vlmscope.attention.sweep.sweep`, pass by pass."""
    settings: dict[str, Any] = {"preset": preset, "placement": placement}
    given = prompt.answer is not None
    if given:
        answered = prompt
    else:
        text = generate(model, pixels, prompt, max_new_tokens=max_new_tokens, **settings).text
        answered = replace(prompt, answer=text)
    encoded = model.encode([pixels], [answered], **settings)
    token_map = encoded.token_maps[0]
    rows = torch.from_numpy(token_map.positions("generated")) - 1
    if not len(rows):
        return Swept(Said("", (), np.zeros(0), given), (), shared=False)
    clean = _Clean(model, encoded, rows, given)
    parts = knockouts_of(model, cases, token_map, last_row)
    live = {part: set(clean.liveness.of(part).first_rows) for part in dict.fromkeys(parts)}
    outcomes = []
    for case, part in zip(cases, parts, strict=True):
        if not live[part] & set(case.layers):
            outcomes.append(clean.unchanged(ask))
            continue
        edges = resolved(case.edges, token_map, last_row)
        answer = None
        with knockout(model, edges, case.layers, case.heads, keep_own=True):
            compared = clean.against(_forced(model, encoded, rows))
            if ask:
                alone = replace(prompt, answer=None)
                answer = generate(
                    model, pixels, alone, max_new_tokens=max_new_tokens, **settings
                ).text
        outcomes.append(clean.outcome(compared, answer))
    return Swept(clean.said, tuple(outcomes), shared=False)


class _Clean:
    """The run without a knock-out."""

    def __init__(self, model: LoadedModel, encoded: Encoded, rows: Tensor, given: bool) -> None:
        masks = MaskReader()
        with instrument(model) as active:
            active.readers.append(masks)
            try:
                self._logits = _forced(model, encoded, rows)[0]
            finally:
                active.readers.remove(masks)
        self.liveness = Liveness(masks.layers, rows)
        self._ids = encoded.inputs["input_ids"][0].cpu()[rows + 1]
        self._own = self.against(self._logits[None])
        words = tuple(encoded.token_maps[0].tokens[int(row) + 1] for row in rows)
        text = answer_text(model, self._ids)
        self.said = Said(text, words, self._own.logprobs[0].numpy(), given)

    def against(self, logits: Tensor) -> Compared:
        """Compare logits (1, rows, vocabulary) with the clean ones."""
        return compare(self._logits, logits, self._ids)

    def unchanged(self, ask: bool) -> Outcome:
        """Of a knock-out that carries nothing."""
        text = self.said.text if ask else None
        return Outcome(
            self.said.logprobs, np.zeros_like(self.said.logprobs), False, text, live=False
        )

    def outcome(self, compared: Compared, answer: str | None) -> Outcome:
        """Of a knock-out that ran."""
        changed = bool((compared.picks != self._own.picks).any())
        if answer is not None and not self.said.given:
            changed = answer != self.said.text  # also where only the end of the answer moved
        return Outcome(
            compared.logprobs[0].numpy(), compared.kl[0].numpy(), changed, answer, live=True
        )


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
            past_key_values=model.family.cache(model.hf),
            use_cache=True,
        )
