"""What the model answers under each knock-out: replays go on greedily from the end of the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from vlmscope.attention.instrument import Binding, Forward
from vlmscope.attention.sweep.batch import ReplayBatch
from vlmscope.attention.sweep.clean_run import end_ids, next_logits
from vlmscope.attention.sweep.resume import KeysValues, shared_start_cache

__all__ = ["greedy_answers"]


def greedy_answers(
    batch: ReplayBatch, chosen: Sequence[int], first_tokens: Sequence[int], limit: int
) -> list[list[int]]:
    """Answers of some replays of a batch that has run and kept its keys.

    Args:
        batch: the replays.
        chosen: which of them.
        first_tokens: the first token of each answer.
        limit: most tokens of an answer.

    Returns:
        Ids per replay, the end included where it was reached.
    """
    ends = end_ids(batch.clean.model)
    answers = [[token] for token in first_tokens]
    running = [at for at, token in enumerate(first_tokens) if token not in ends]
    cache = _prompt_cache(batch, [chosen[at] for at in running])
    binding = _prompt_binding(batch)
    for length in range(1, limit):
        if not running:
            break
        newest = torch.tensor([answers[at][-1] for at in running])[:, None]
        forward = Forward(batch.clean.prompt_length + length - 1, 1, None, binding)
        hidden = batch.next_hidden([chosen[at] for at in running], forward, newest, cache)
        tokens = next_logits(batch.clean.model, hidden).argmax(-1).tolist()
        for at, token in zip(running, tokens, strict=True):
            answers[at].append(token)
        unfinished = [place for place, at in enumerate(running) if answers[at][-1] not in ends]
        if len(unfinished) < len(running):
            running = [running[place] for place in unfinished]
            for layer in cache.layers:
                layer.select(unfinished)
    return answers


def _prompt_binding(batch: ReplayBatch) -> Binding:
    """What follows the prompt is generated, whatever the clean answer was."""
    whole, end = batch.clean.token_map, batch.clean.prompt_length
    token_map = replace(whole, roles=whole.roles[:end], tokens=whole.tokens[:end])
    return Binding((token_map,), generating=True)


def _prompt_cache(batch: ReplayBatch, chosen: Sequence[int]) -> Any:
    """Keys of the prompt: a replay's own from the layer on in which it started."""
    clean = batch.clean
    rest = [_keys_of_rows(batch, layer, chosen) for layer in range(len(clean.keys))]
    start = clean.keys_before(min(batch.first_row, clean.prompt_length))
    return shared_start_cache(start, rest, keep=True)


def _keys_of_rows(batch: ReplayBatch, layer: int, chosen: Sequence[int]) -> KeysValues | None:
    """Keys and values of the prompt's rows that were replayed, (chosen, key heads, rows, dim)."""
    start, end = batch.first_row, batch.clean.prompt_length
    if start >= end:
        return None
    kept = batch.cache.layers[layer].rest
    started = [at for at, index in enumerate(chosen) if batch.replays[index].first_layer <= layer]
    sides = []
    for side, clean in enumerate(batch.clean.keys[layer]):
        rows = clean[..., start:end, :].repeat(len(chosen), 1, 1, 1)
        if started:
            rows[started] = kept[side][[chosen[at] for at in started]][..., : end - start, :]
        sides.append(rows)
    return sides[0], sides[1]
