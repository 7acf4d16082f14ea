"""Run prompts through a model: the whole way, or only as far as something is read."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vlmscope.attention.installed import instrument
from vlmscope.attention.instrument import Binding, StopForwardError
from vlmscope.attention.selection import check_layers
from vlmscope.data.images import open_image
from vlmscope.errors import AttentionError, BadImageError
from vlmscope.markup import one_line
from vlmscope.models import Encoded, LoadedModel, Prompt
from vlmscope.models.cache_keyword import with_cache
from vlmscope.models.guard import check_model
from vlmscope.types import Role, TokenMap

__all__ = [
    "Prefill",
    "as_batch",
    "prefill",
    "token_map",
]


@dataclass(frozen=True, eq=False)
class Prefill:
    """The outcome of a prefill.

    Attributes:
        logits: (batch, vocabulary) for the token after each prompt, or None after an early stop.
        token_maps: one per batch item.
        cache: the decoder's key-value cache; after an early stop only of the layers that ran.
    """

    logits: Tensor | None
    token_maps: tuple[TokenMap, ...]
    cache: Any

    def __repr__(self) -> str:
        logits = "stopped early" if self.logits is None else f"logits {tuple(self.logits.shape)}"
        return one_line(self, f"{len(self.token_maps)} prompts, {logits}", repr(self.token_maps[0]))

    @property
    def token_map(self) -> TokenMap:
        """The token map of a batch of one."""
        if len(self.token_maps) != 1:
            raise AttentionError(f"There are {len(self.token_maps)} token maps; use token_maps[i].")
        return self.token_maps[0]


def prefill(
    model: LoadedModel,
    image: Any,
    prompt: str | Prompt | Sequence[str | Prompt],
    *,
    preset: str | None = None,
    placement: str | None = None,
    stop_after: int | None = None,
    padding_side: str = "right",
) -> Prefill:
    """Run one or several (image, prompt) pairs as one batch.

    Args:
        model: the model.
        image: path, PIL image or uint8 (height, width, 3) array; a list of them for a batch, and a
            list within the list for a prompt with several images.
        prompt: text or :class:`Prompt`; a list for a batch. One image may go with many prompts.
        preset: ``"paper"`` or ``"chat"``; default: the family's.
        placement: ``"pad"`` or ``"processor"``; default: the family's.
        stop_after: compute nothing above this layer (its attention output included), because no
            row above it is read. None: the whole way, with logits.
        padding_side: of shorter prompts in a batch.

    Raises:
        BadImageError, BadPhraseError: as their names say.
        AttentionError: when ``stop_after`` is no layer of the decoder.
    """
    check_model(model)
    images, prompts = as_batch(image, prompt)
    encoded = model.encode(
        images, prompts, preset=preset, placement=placement, padding_side=padding_side
    )
    if stop_after is not None:
        check_layers([stop_after], len(model.layers))
    return run(model, encoded, stop_after)


def run(model: LoadedModel, encoded: Encoded, stop_after: int | None = None) -> Prefill:
    """Run an encoded batch; whatever contexts are active see its token maps."""
    logits: Tensor | None = None
    last = torch.tensor([_last_real(token_map) for token_map in encoded.token_maps])
    kept, inverse = torch.unique(last, return_inverse=True)
    rows, cache = kept.to(model.device), model.family.cache(model.hf)
    with (
        instrument(model) as active,
        model.frozen(),
        active.bound(Binding(encoded.token_maps)),
        active.stopping_after(stop_after),
        contextlib.suppress(StopForwardError),
    ):
        out = model.family.forward(
            model.hf,
            rows,
            **encoded.inputs,
            **with_cache(model.hf, cache),
            use_cache=True,
        )
        logits = out[torch.arange(len(last)), inverse.to(out.device)]
    return Prefill(logits, encoded.token_maps, cache)


def _last_real(token_map: TokenMap) -> int:
    return int(np.flatnonzero(token_map.roles != Role.PAD)[-1])


def token_map(
    model: LoadedModel,
    image: Any,
    prompt: str | Prompt,
    *,
    preset: str | None = None,
    placement: str | None = None,
) -> TokenMap:
    """Roles of every position and the pixels of every image token, without running the decoder."""
    check_model(model)
    images, prompts = as_batch(image, prompt)
    return model.encode(images, prompts, preset=preset, placement=placement).token_maps[0]


def as_batch(
    image: Any, prompt: str | Prompt | Sequence[str | Prompt]
) -> tuple[list[Any], list[str | Prompt]]:
    """Pair images with prompts: a single one of either goes with all of the other.

    Returns:
        Per item of the batch uint8 (height, width, 3), or a list of them; and the prompts.
    """
    prompts = [prompt] if isinstance(prompt, (str, Prompt)) else list(prompt)
    sources = list(image) if isinstance(image, (list, tuple)) else [image]
    if not sources or not prompts:
        raise BadImageError(
            f"Nothing to run: got {len(sources)} images and {len(prompts)} prompts. vlmscope looks at "
            "images; give at least one of each."
        )
    pixels = [_opened(source) for source in sources]
    if len(pixels) == 1:
        pixels = pixels * len(prompts)
    if len(prompts) == 1:
        prompts = prompts * len(pixels)
    if len(pixels) != len(prompts):
        raise ValueError(
            f"{len(pixels)} images and {len(prompts)} prompts do not pair up; give equal numbers, or "
            "one of either."
        )
    return pixels, prompts


def _opened(source: Any) -> Any:
    if isinstance(source, (list, tuple)):
        if not source:
            raise BadImageError(
                "A prompt with no image: an empty list was given in place of images."
            )
        return [open_image(each).pixels for each in source]
    return open_image(source).pixels
