"""What the model says under each knock-out: lanes go on greedily from the end of the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from vlmscope.attention.instrument import Binding, Forward
from vlmscope.attention.sweep.cache import KeysValues, lane_cache
from vlmscope.attention.sweep.lanes import LaneBlocker
from vlmscope.attention.sweep.replay import read_out, stops
from vlmscope.attention.sweep.wave import Wave, lane_pass

__all__ = ["greedy_answers"]


def greedy_answers(
    wave: Wave, lanes: Sequence[int], tokens: Sequence[int], limit: int
) -> list[list[int]]:
    """Answers of some lanes of a wave that has run and kept its keys.

    Args:
        wave: the lanes.
        lanes: which of them.
        tokens: the first token of each.
        limit: most tokens of an answer.

    Returns:
        Ids per lane, the end included where it was reached.
    """
    ends = stops(wave.clean.model)
    said = [[token] for token in tokens]
    running = [at for at, token in enumerate(tokens) if token not in ends]
    cache = _prompt_cache(wave, [lanes[at] for at in running])
    for length in range(1, limit):
        if not running:
            break
        newest = [said[at][-1] for at in running]
        logits = _next(wave, [lanes[at] for at in running], newest, length, cache)
        for at, token in zip(running, logits.argmax(-1).tolist(), strict=True):
            said[at].append(token)
        going = [place for place, at in enumerate(running) if said[at][-1] not in ends]
        if len(going) < len(running):
            running = [running[place] for place in going]
            for layer in cache.layers:
                layer.select(going)
    return said


def _next(
    wave: Wave, lanes: Sequence[int], newest: Sequence[int], length: int, cache: Any
) -> Tensor:
    """Logits (lanes, vocabulary) of the token after answers of ``length`` tokens."""
    clean = wave.clean
    end = clean.prompt_length + length
    forward = Forward(end - 1, 1, None, _of_prompt(wave))
    blocker = LaneBlocker([wave.lanes[lane] for lane in lanes], forward, alive=len(lanes))

    def step(layer: int, hidden: Tensor) -> Tensor:
        wave.active.edges_changed()
        return hidden

    positions = clean.position_ids(end - 1, end, len(lanes))
    hidden = lane_pass(wave, blocker, step, torch.tensor(newest)[:, None], positions, cache)
    return read_out(clean.model, hidden[:, -1])


def _of_prompt(wave: Wave) -> Binding:
    """What follows the prompt is generated, whatever the clean answer was."""
    whole, end = wave.clean.token_map, wave.clean.prompt_length
    token_map = replace(whole, roles=whole.roles[:end], tokens=whole.tokens[:end])
    return Binding((token_map,), generating=True)


def _prompt_cache(wave: Wave, lanes: Sequence[int]) -> Any:
    """Keys of the prompt: of each lane its own where it had left the clean run."""
    clean = wave.clean
    own = [_own_keys(wave, layer, lanes) for layer in range(len(clean.keys))]
    shared = clean.keys_before(min(wave.first, clean.prompt_length))
    return lane_cache(shared, own, keep=True)


def _own_keys(wave: Wave, layer: int, lanes: Sequence[int]) -> KeysValues | None:
    """Keys and values of the prompt's rows that lanes ran, (lanes, key heads, rows, dim)."""
    start, end = wave.first, wave.clean.prompt_length
    if start >= end:
        return None
    kept = wave.cache.layers[layer].own
    left = [at for at, lane in enumerate(lanes) if wave.lanes[lane].fork <= layer]
    found = []
    for side, clean in enumerate(wave.clean.keys[layer]):
        each = clean[..., start:end, :].repeat(len(lanes), 1, 1, 1)
        if left:
            each[left] = kept[side][[lanes[at] for at in left]][..., : end - start, :]
        found.append(each)
    return found[0], found[1]
