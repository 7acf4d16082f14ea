"""A prompt kept in a cache, and what the model says after it: text that is fed in, then its answer.

Positions are counted by the caller, so a cache may hold fewer keys than the prompt had tokens: keys
carry the position at which they were computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.attention.installed import instrument
from vlmscope.attention.instrument import Binding
from vlmscope.errors import UnsupportedError
from vlmscope.models import Encoded, LoadedModel
from vlmscope.models.cache_keyword import with_cache
from vlmscope.models.cache_parts import picks_keys
from vlmscope.types import TokenMap

__all__ = ["Cached", "continue_greedily", "read_into_cache"]


@dataclass(frozen=True, eq=False)
class Cached:
    """A prompt that was read.

    Attributes:
        cache: transformers' key-value cache; every layer holds all of its keys.
        next_position: where text after it goes on.
        axes: leading axes of its position ids: () or (3,) with one position per axis.
        token_map: of the prompt.
    """

    cache: Any
    next_position: int
    axes: tuple[int, ...]
    token_map: TokenMap


def read_into_cache(model: LoadedModel, encoded: Encoded, end: int | None = None) -> Cached:
    """Run one encoded prompt into a cache; active captures and knock-outs apply.

    Args:
        model: the model.
        encoded: a batch of one.
        end: positions from here on are left out of the cache again; None: none are.

    Raises:
        UnsupportedError: for a family whose prompt is not a causal sequence with the image in it.
    """
    if model.family.recurrent:
        raise UnsupportedError(
            f"The family {model.family.id!r} carries a state through the layers that have no attention "
            "rows, which holds the whole image whatever is taken out of the cache. Image tokens cannot "
            "be left out of it; vlmscope.prefill and vlmscope.generate read it whole."
        )
    if not model.family.causal_image:
        raise UnsupportedError(
            f"The family {model.family.id!r} cannot go on from a cached image: its image sees the text "
            "or lies outside the sequence. Families that can are marked in: vlmscope models"
        )
    cache = model.family.lasting_cache(model.hf)
    if picks_keys(cache):
        raise UnsupportedError(
            f"The family {model.family.id!r} keeps the keys of an indexer beside those of its layers, which "
            "picks what is read. Image tokens cannot be left out of such a cache; vlmscope.prefill and "
            "vlmscope.generate read it whole."
        )
    with (
        instrument(model) as active,
        model.frozen(),
        active.bound(Binding(encoded.token_maps)),
    ):
        model.family.body(model.hf, **encoded.inputs, **with_cache(model.hf, cache), use_cache=True)
    positions = encoded.inputs["position_ids"]
    if end is not None and end < encoded.length:
        cache.crop(end - encoded.length)
        positions = positions[..., :end]
    axes = tuple(positions.shape[:-2])
    return Cached(cache, int(positions.max()) + 1, axes, encoded.token_maps[0])


def continue_greedily(
    model: LoadedModel,
    cache: Any,
    ids: NDArray[np.int64],
    start: int,
    axes: tuple[int, ...],
    max_new_tokens: int,
    binding: Binding | None = None,
    penalised: NDArray[np.int64] | None = None,
) -> list[int]:
    """Feed text in, then let the model answer; the cache grows by both.

    Args:
        model: the model.
        cache: of a batch of one.
        ids: int (n,), n at least 1: what is fed in.
        start: position of the first of them.
        axes: see :class:`Cached`.
        max_new_tokens: longest answer.
        binding: what the positions mean, for captures and knock-outs by role; only where the cache
            holds every position.
        penalised: ids of the whole prompt: the checkpoint's ``repetition_penalty`` holds for them
            and for the answer, as in ``generate``; None: it is not applied.

    Returns:
        Ids of the answer, the end token included when it was reached. The last one was not fed in.
    """
    ends, seen = _end_ids(model), list(() if penalised is None else penalised.tolist())
    penalty = getattr(model.hf.generation_config, "repetition_penalty", None) if seen else None
    answer: list[int] = []
    feed = torch.from_numpy(np.asarray(ids, dtype=np.int64))[None].to(model.device)
    with instrument(model) as active, model.frozen(), active.bound(binding):
        while True:
            positions = (torch.arange(feed.shape[1]) + start).expand(*axes, 1, -1)
            out = model.decoder(
                input_ids=feed,
                position_ids=positions.to(model.device),
                **with_cache(model.decoder, cache),
                use_cache=True,
            )
            start += feed.shape[1]
            logits: Tensor = model.family.head(model.hf, out.last_hidden_state[:, -1])
            if penalty:
                logits = _penalise(logits.float(), [*seen, *answer], penalty)
            answer.append(int(logits.argmax(-1)))
            if answer[-1] in ends or len(answer) >= max_new_tokens:
                return answer
            feed = torch.tensor([[answer[-1]]], device=model.device)


def _penalise(logits: Tensor, seen: Sequence[int], penalty: float) -> Tensor:
    """Logits (1, vocabulary), those of ids that were there before made less by a factor."""
    ids = torch.tensor(seen, device=logits.device).unique()
    before = logits[:, ids]
    logits[:, ids] = torch.where(before < 0, before * penalty, before / penalty)
    return logits


def _end_ids(model: LoadedModel) -> set[int]:
    """Ids that end an answer."""
    stated = getattr(model.hf.generation_config, "eos_token_id", None)
    if stated is None:
        stated = model.processor.tokenizer.eos_token_id
    return set(stated) if isinstance(stated, list | tuple) else {stated}
