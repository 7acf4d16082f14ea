"""Keep a few image tokens per layer and answer from what is left (docs/methods/compressed-context.md)."""

from __future__ import annotations

import contextlib
import copy
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vlmscope.analysis.context.importance import read_context
from vlmscope.analysis.context.windows import sliding_windows, window_of
from vlmscope.attention.continuation import Cached, continue_greedily
from vlmscope.data.images import open_image
from vlmscope.errors import UnsupportedError, VlmscopeWarning
from vlmscope.models import Encoded, ImageInputs, LoadedModel, Prompt
from vlmscope.models.guard import check_model
from vlmscope.models.kept_keys import counts_keys_from
from vlmscope.options import check_number

__all__ = ["CompressedContext", "ReadImage", "compress_context", "read_image"]

_PROMPT = "Describe the image."


@dataclass(frozen=True, eq=False)
class CompressedContext:
    """An image, a prompt and little else, in a model's cache, ready for questions.

    Attributes:
        model: that reads it.
        keep: share of the image tokens that is kept in each layer, 0..1.
        by: the measure they were chosen by.
        kept: int (layers, kept): which image tokens, as indices into ``image_positions``, ascending.
        tokens: positions kept per layer, text included.
        full_tokens: positions of the whole context.
        size: bytes of the kept keys and values.
        full_size: bytes of all of them.
        said: what the model said to the prompt, where that was needed to choose; else "".
    """

    model: LoadedModel = field(repr=False)
    keep: float
    by: str
    kept: NDArray[np.int64] = field(repr=False)
    tokens: int
    full_tokens: int
    size: int
    full_size: int
    said: str
    _cached: Cached = field(repr=False)
    _image: ImageInputs = field(repr=False)
    _preset: str | None = field(repr=False)

    def ask(self, question: str | Prompt, max_new_tokens: int = 32) -> str:
        """The greedy answer to a question, from this context alone.

        What a prompt holds after its image (the question, its frame) goes on behind the context, at
        the positions that follow the ORIGINAL prompt's. Every question starts afresh. Words that
        the vocabulary lacks are named in a ``VlmscopeWarning``.

        Raises:
            BadOptionError: an answer of no token.
            UnsupportedError: layers that count keys in chunks, and a context that is longer than one.
        """
        check_number("max_new_tokens", max_new_tokens, at_least=1, whole=True)
        text = self.model.encode_prompt(question, [self._image], self._preset)
        _warn(text.notes)
        ids = text.ids[text.image_end :]  # what a prompt holds after its image
        self._check_counting(len(ids) + max_new_tokens)
        cache = copy.deepcopy(self._cached.cache)
        with self._windows():
            answer = continue_greedily(
                self.model,
                cache,
                ids,
                self._cached.next_position,
                self._cached.axes,
                max_new_tokens,
            )
        return _text(self.model, answer)

    def _check_counting(self, more: int) -> None:
        length, counts = self.full_tokens + more, counts_keys_from(self.model.decoder.config)
        if counts is not None and self.tokens < self.full_tokens and length >= counts:
            raise UnsupportedError(
                f"{self.model.id} has layers that count keys from {counts} positions on, and context, "
                f"question and answer are of {length}: what is forgotten would move what they read. Make the "
                "image smaller (max_side), or keep all of it."
            )

    def _windows(self) -> contextlib.AbstractContextManager[None]:
        """Layers with a sliding window go on counting what was forgotten."""
        size, layers = window_of(self.model)
        if not layers or self.tokens == self.full_tokens:
            return contextlib.nullcontext()
        image = self._cached.token_map.image_positions
        held = {
            layer: torch.from_numpy(_places(self.full_tokens, image, self.kept[layer]))
            for layer in layers
        }
        return sliding_windows(self.model, held, self.full_tokens, size)


def compress_context(
    model: LoadedModel,
    image: Any,
    prompt: str | Prompt | None = _PROMPT,
    *,
    keep: float = 0.05,
    by: str = "attention",
    preset: str | None = "chat",
    placement: str | None = None,
    max_new_tokens: int = 64,
    seed: int = 0,
) -> CompressedContext:
    """Read an image under a prompt, keep the most important image tokens of each layer, forget the rest.

    System and query tokens are all kept, and so are separators among the image's tokens. Keys keep
    the positions at which they were computed. ``keep=1`` is the whole cache, exactly.

    Args:
        model: the model.
        image: path, PIL image or uint8 (height, width, 3) array.
        prompt: what the image is read under; None: nothing, the context then ends with the image
            (importance is taken under the default prompt).
        keep: share of image tokens, 0..1, rounded up to whole tokens.
        by: of :data:`MEASURES`: what importance is.
        preset, placement: as for :func:`vlmscope.prefill`.
        max_new_tokens: longest answer to the prompt, over whose tokens attention is averaged.
        seed: of the random control.

    Raises:
        BadOptionError: a number out of range.
        UnknownNameError: an unknown measure, preset or placement.
        UnsupportedError: a family that cannot go on from a cached image.
    """
    check_model(model)
    check_number("keep", keep, at_least=0, at_most=1)  # before any pass
    read = read_image(
        model,
        image,
        prompt,
        by=by,
        preset=preset,
        placement=placement,
        max_new_tokens=max_new_tokens,
        seed=seed,
    )
    return read.compressed(keep)


def read_image(
    model: LoadedModel,
    image: Any,
    prompt: str | Prompt | None = _PROMPT,
    *,
    by: str = "attention",
    preset: str | None = "chat",
    placement: str | None = None,
    max_new_tokens: int = 64,
    seed: int = 0,
) -> ReadImage:
    """Read an image and weigh its tokens, to compress it to several sizes; see compress_context."""
    check_number("max_new_tokens", max_new_tokens, at_least=1, whole=True)
    check_number("seed", seed, at_least=0, whole=True)
    pixels = open_image(image).pixels
    encoded = model.encode([pixels], [prompt or _PROMPT], preset=preset, placement=placement)
    if prompt not in (None, _PROMPT):  # of the user's words, not of our own
        _warn(encoded.token_maps[0].notes)
    _warn(encoded.token_maps[0].picture_notes)
    cached, importance, answer = read_context(model, encoded, by, max_new_tokens, seed)
    if prompt is None:
        cached = _image_alone(cached, encoded)
    fitted = model.fit(pixels, placement)
    return ReadImage(model, by, _text(model, answer), cached, importance, fitted, preset)


@dataclass(frozen=True, eq=False)
class ReadImage:
    """An image and a prompt in a model's cache, with the importance of each image token.

    Attributes:
        model: that read it.
        by: the measure of importance.
        said: what the model said to the prompt, where that was needed; else "".
        cached: the whole cache.
        importance: float (layers, image tokens).
        image: as it was fitted.
        preset: of the prompt, and of questions.
    """

    model: LoadedModel
    by: str
    said: str
    cached: Cached
    importance: NDArray[np.float64]
    image: ImageInputs
    preset: str | None

    def compressed(self, keep: float) -> CompressedContext:
        """The context with a share of the image tokens of each layer, rounded up to whole tokens.

        Raises:
            BadOptionError: a share outside 0..1.
        """
        kept = self._kept(keep)
        smaller = _selected(self.cached, self.cached.token_map.image_positions, kept)
        return CompressedContext(
            model=self.model,
            keep=keep,
            by=self.by,
            kept=kept,
            tokens=smaller.cache.get_seq_length(),
            full_tokens=self.cached.cache.get_seq_length(),
            size=_bytes(smaller.cache),
            full_size=_bytes(self.cached.cache),
            said=self.said,
            _cached=smaller,
            _image=self.image,
            _preset=self.preset,
        )

    def held(self, keep: float) -> NDArray[np.float64]:
        """Float (layers,): how much of each layer's importance the kept tokens hold, 0..1.

        By attention it is the share of what the answer's rows give to the image. A layer without
        any importance holds nothing.

        Raises:
            BadOptionError: a share outside 0..1.
        """
        kept = np.take_along_axis(self.importance, self._kept(keep), axis=1).sum(axis=1)
        total = self.importance.sum(axis=1)
        shares: NDArray[np.float64] = np.divide(
            kept, total, out=np.zeros(len(total)), where=total > 0
        )
        return shares

    def _kept(self, keep: float) -> NDArray[np.int64]:
        """Int (layers, kept): the most important image tokens of each layer, ascending."""
        check_number("keep", keep, at_least=0, at_most=1)
        count = math.ceil(round(keep * self.importance.shape[1], 6))
        best = np.argsort(-self.importance, axis=1, kind="stable")[:, :count]
        return np.sort(best, axis=1)


def _image_alone(cached: Cached, encoded: Encoded) -> Cached:
    """Without what follows the image."""
    end = int(encoded.token_maps[0].positions("image")[-1]) + 1
    cached.cache.crop(end - encoded.length)
    positions = encoded.inputs["position_ids"][..., :end]
    return Cached(cached.cache, int(positions.max()) + 1, cached.axes, cached.token_map)


def _selected(cached: Cached, image: NDArray[np.int64], kept: NDArray[np.int64]) -> Cached:
    """A cache with all positions but the image tokens that are not kept, layer by layer."""
    from transformers import DynamicCache

    smaller = DynamicCache()
    length = cached.cache.get_seq_length()
    for number, layer in enumerate(cached.cache.layers):
        index = torch.from_numpy(_places(length, image, kept[number])).to(layer.keys.device)
        smaller.update(layer.keys[:, :, index], layer.values[:, :, index], number)
    return Cached(smaller, cached.next_position, cached.axes, cached.token_map)


def _places(length: int, image: NDArray[np.int64], kept: NDArray[np.int64]) -> NDArray[np.int64]:
    """Int (n,): positions of a context that are no image token, or a kept one, ascending."""
    text = np.setdiff1d(np.arange(length), image)
    return np.sort(np.concatenate([text, image[kept]]))


def _warn(notes: Sequence[str]) -> None:
    for note in notes:
        warnings.warn(note, VlmscopeWarning, stacklevel=3)


def _bytes(cache: Any) -> int:
    return sum(
        part.numel() * part.element_size()
        for layer in cache.layers
        for part in (layer.keys, layer.values)
    )


def _text(model: LoadedModel, ids: list[int]) -> str:
    return str(model.processor.tokenizer.decode(ids, skip_special_tokens=True)).strip()
