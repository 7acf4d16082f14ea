"""What makes a sequence shorter behind a layer: chooses, cuts each later layer's inputs, and puts the
hidden states back at their places at the end, so that the rest of the model sees the whole sequence."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vlmscope.attention.lightening.thinned import Held, narrowed
from vlmscope.attention.rows import layer_rows
from vlmscope.errors import AttentionError, UnsupportedError
from vlmscope.models.cache_keyword import cache_given
from vlmscope.models.kept_keys import counts_keys_from

if TYPE_CHECKING:
    from vlmscope.attention.instrument import Forward, Instrument
    from vlmscope.models import LoadedModel
    from vlmscope.types import TokenMap

__all__ = ["WAYS", "Thinner"]

WAYS = ("attention", "reversed", "random", "even", "first")
"""Which image tokens stay. ``attention``: those to which the last row of the prompt (which predicts the
first word of the answer) gives most, as the mean over the heads of the layer behind which they leave;
``reversed``: those to which it gives least; ``random``: by a seed; ``even``: every n-th, in the order of
the sequence; ``first``: the first ones of the sequence."""

_KEPT = "_vlmscope_kept"
"""Attribute of a cache: bool (prompt,), the positions that its later layers hold."""


class Thinner:
    """Image tokens that leave behind one layer, pass by pass.

    Attributes:
        layer: the last layer that holds all of them.
        keep: share that stays; None: nothing of the image does.
        by: of :data:`WAYS`.
    """

    def __init__(self, layer: int, keep: float | None, by: str, seed: int) -> None:
        self.layer, self.keep, self.by = layer, keep, by
        self._seed = seed
        self._model = ""
        self._stays: Tensor | None = None
        self._image: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._held: Held | None = None
        self._left: Tensor | None = None

    @property
    def kept(self) -> NDArray[np.int64]:
        """Int (n,), ascending: positions of image tokens of the last prompt that stayed."""
        return self._image[self._of_prompt()[self._image]]

    @property
    def dropped(self) -> NDArray[np.int64]:
        """Int (n,), ascending: positions of its image tokens that left."""
        return self._image[~self._of_prompt()[self._image]]

    def _of_prompt(self) -> NDArray[np.bool_]:
        if self._stays is None:
            raise AttentionError(
                "No prompt has been read inside vs.lighten yet, so no image token has left."
            )
        stays: NDArray[np.bool_] = self._stays.numpy()
        return stays

    # -- what the instrument calls -------------------------------------------------------

    def begin(self) -> None:
        """A pass starts."""
        self._held = self._left = None

    def held(self, layer: int) -> Held | None:
        """What a layer holds in this pass; None: everything."""
        return self._held if layer > self.layer else None

    def choose(
        self,
        query: Tensor,
        key: Tensor,
        mask: Tensor | None,
        options: dict[str, Any],
        forward: Forward,
    ) -> None:
        """In the layer behind which tokens leave: which of a prompt's stay."""
        if forward.past:
            return  # the cache knows
        token_map = _prompt(forward, query.shape[0])
        last = int(token_map.positions("text")[-1])
        self._image = token_map.positions("image")
        if last < self._image[-1]:
            raise UnsupportedError(
                "A pass that ends with the image (an image shared by several phrases) holds no text "
                "that could do without it. Inside vs.lighten run one whole prompt at a time, through "
                "vlmscope.prefill or vlmscope.generate."
            )
        stays = torch.ones(len(token_map), dtype=torch.bool)
        if self.keep is None:
            stays[self._image] = False
        else:
            rows = torch.tensor([[last]], device=query.device)
            read = layer_rows(self._model, query, key, mask, rows, None, options)
            places = np.sort(token_map.image_positions)
            given = read[0].mean(dim=0)[0].double().cpu().numpy()[places]
            stays[places] = False
            stays[places[self._best(given)]] = True
        self._stays = stays

    def _best(self, given: NDArray[np.float64]) -> NDArray[np.int64]:
        """Indices of the tokens that stay, of what the last row gives to each in sequence order."""
        assert self.keep is not None
        total = len(given)
        count = math.ceil(round(self.keep * total, 6))
        if self.by == "even":
            return ((np.arange(count) + 0.5) * total / count).astype(np.int64)
        ranks = {
            "attention": lambda: -given,
            "reversed": lambda: given,
            "random": lambda: np.random.default_rng(self._seed).random(total),
            "first": lambda: np.arange(total),
        }[self.by]()
        best: NDArray[np.int64] = np.argsort(ranks, kind="stable")[:count]
        return best

    # -- what stands in the layers -------------------------------------------------------

    @contextlib.contextmanager
    def hooked(self, model: LoadedModel, active: Instrument) -> Iterator[None]:
        """Hooks on the later layers, for passes that this thread makes."""
        self._model, later = model.id, list(model.layers)[self.layer + 1 :]
        owner, config = threading.get_ident(), model.decoder.config
        hooks: list[Any] = []

        def enter(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            if threading.get_ident() != owner:
                return None
            return self._enter(active.forward, args, kwargs, config)

        def leave(module: nn.Module, args: Any, out: Any) -> Any:
            return self._restored(out) if threading.get_ident() == owner else None

        try:
            for layer in later:
                hooks.append(layer.register_forward_pre_hook(enter, with_kwargs=True))
            if later:
                hooks.append(later[-1].register_forward_hook(leave))
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _enter(
        self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any], config: Any
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """A later layer's arguments: hidden states (1, rows, width) as they come in, the rest cut."""
        hidden = args[0] if args else kwargs["hidden_states"]
        if self._held is None:
            if forward.past:
                _refuse_window(self._model, config, forward.past + forward.queries)
            stays = self._stays_of(cache_given(kwargs), forward, hidden.shape[0])
            self._held = Held.of(stays, forward.past, forward.queries)
            if self._held.dropped:
                self._left = hidden
                hidden = hidden.index_select(1, self._held.rows.to(hidden.device))
        kwargs = narrowed(kwargs, self._held, self._model)
        if args:
            return (hidden, *args[1:]), kwargs
        return args, {**kwargs, "hidden_states": hidden}

    def _stays_of(self, cache: Any, forward: Forward, batch: int) -> Tensor:
        _refuse_batch(batch)
        stays = self._stays if forward.past == 0 else getattr(cache, _KEPT, None)
        if stays is None:
            raise AttentionError(
                "This pass goes on from a cache that was not filled inside vs.lighten, so which image "
                "tokens its layers hold is not known. Read the prompt inside the block too."
            )
        if cache is not None:
            setattr(cache, _KEPT, stays)
        return stays

    def _restored(self, out: Any) -> Any:
        """The last layer's output at its places; what left is as it was when it did."""
        if self._held is None or self._left is None:
            return None
        hidden = out if isinstance(out, Tensor) else out[0]
        whole = self._left.to(hidden.device).index_copy(
            1, self._held.rows.to(hidden.device), hidden
        )
        self._left = None
        return whole if isinstance(out, Tensor) else (whole, *out[1:])


def _prompt(forward: Forward, batch: int) -> TokenMap:
    """The token map of the one prompt of a pass."""
    _refuse_batch(batch)
    binding = forward.binding
    if binding is None:
        raise AttentionError(
            "vs.lighten must know which positions are the image's. Run the model through "
            "vlmscope.prefill or vlmscope.generate."
        )
    if binding.segments is not None or len(binding.token_maps) != 1:
        _refuse_batch(max(2, len(binding.token_maps)))
    return binding.token_maps[0]


def _refuse_batch(batch: int) -> None:
    if batch != 1:
        raise UnsupportedError(
            f"vs.lighten takes one prompt to a pass, got {batch}: other prompts would leave other "
            "tokens out. Run them one by one, without beams."
        )


def _refuse_window(model: str, config: Any, length: int) -> None:
    counts = counts_keys_from(config)
    if counts is not None and length >= counts:
        raise UnsupportedError(
            f"{model} has layers that count keys from {counts} positions on, and this sequence is of "
            f"{length}: what has left would move what they read. Inside vs.lighten such a prompt can be "
            "read but not answered."
        )
    window = getattr(config, "sliding_window", None)
    if window is None or not getattr(config, "use_sliding_window", True):
        return
    if length >= window:
        raise UnsupportedError(
            f"{model} has layers with a sliding window of {window} positions, shorter than this "
            f"sequence of {length}. Their caches count keys, so what has left would move the window: "
            "inside vs.lighten such a prompt can be read but not answered."
        )
