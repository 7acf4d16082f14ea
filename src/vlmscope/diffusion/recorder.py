"""Reads the maps of tokens out of a U-Net's cross-attention while a pipeline draws.

Queries and keys are taken where the layer itself computes them, so what the pipeline does, its kernel
and its picture stay as they are, to the bit.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlmscope.diffusion.layers import CrossLayer
from vlmscope.errors import AttentionError, UnsupportedError

__all__ = ["Recorder"]


class Recorder:
    """Sums the maps of every pass of a U-Net.

    A map of a layer and head at a step is the attention that each place pays to one token, of the
    half of the batch that follows the prompt, brought to the size of the latents (bicubic) and
    clamped at 0. They are summed over steps and averaged over layers and heads.

    Args:
        layers: which are read.
        length: keys of the prompt, padding included.
        tokens: how many of them are kept, from the first on.
        prompts: how many are drawn; each has as many pictures as the others.
        guided: whether the first half of a batch follows the negative prompt, asked at each pass.
        by_step, by_head: keep these apart as well.

    Attributes:
        steps: passes of the U-Net so far.
        total: float32 (pictures, tokens, height, width) on the latents; None before the first pass.
        step_maps: the same for each pass, with ``by_step``.
        head_maps: the same for each head of each layer, with ``by_head``.
        heads: (layer, head) of ``head_maps``.
    """

    def __init__(
        self,
        layers: Sequence[CrossLayer],
        *,
        length: int,
        tokens: int,
        prompts: int,
        guided: Callable[[], bool],
        by_step: bool = False,
        by_head: bool = False,
    ) -> None:
        self.layers = tuple(layers)
        self.heads = tuple(
            (each.name, head) for each in self.layers for head in range(_heads(each.attention))
        )
        self.steps = 0
        self.total: Tensor | None = None
        self.step_maps: list[Tensor] = []
        self.head_maps: Tensor | None = None
        self._length, self._tokens = length, tokens
        self._prompts, self._guided = prompts, guided
        self._by_step, self._by_head = by_step, by_head
        self._size = (0, 0)
        self._batch = 0
        self._now: dict[str, Tensor] = {}
        self._sum: Tensor | None = None
        self._ran = 0
        self._apart: list[Tensor] = []

    @contextlib.contextmanager
    def watching(self, unet: nn.Module) -> Iterator[None]:
        """Read every pass of the U-Net inside the block."""
        hooks = [
            unet.register_forward_pre_hook(self._begin, with_kwargs=True),
            unet.register_forward_hook(self._end),
        ]
        try:
            for layer in self.layers:
                hooks += self._hooks(layer)
            yield
        finally:
            for hook in hooks:
                hook.remove()
            self._now.clear()
            self._forget()

    def _hooks(self, layer: CrossLayer) -> list[Any]:
        attention: Any = layer.attention
        return [
            layer.owner.register_forward_pre_hook(self._feature_map, with_kwargs=True),
            attention.register_forward_pre_hook(self._mask, with_kwargs=True),
            attention.to_q.register_forward_hook(self._keeping("queries")),
            attention.to_k.register_forward_hook(self._keeping("keys")),
            attention.register_forward_hook(lambda *_: self._read(layer)),
        ]

    # -- one pass ------------------------------------------------------------------------

    def _begin(self, unet: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        sample: Tensor = kwargs["sample"] if "sample" in kwargs else args[0]
        size = int(sample.shape[-2]), int(sample.shape[-1])
        if self.total is not None and size != self._size:
            raise UnsupportedError(
                f"The latents were {self._size[0]}x{self._size[1]} and are {size[0]}x{size[1]} now: maps "
                "of several sizes make no sum. Draw one size inside one block."
            )
        self._size, self._batch = size, int(sample.shape[0])
        self._forget()

    def _forget(self) -> None:
        """Nothing of a pass was read yet."""
        self._sum, self._ran, self._apart = None, 0, []

    def _feature_map(self, owner: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        features: Tensor = kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]
        self._now["features"] = features

    def _mask(self, attention: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._now.pop("mask", None)
        if kwargs.get("attention_mask") is not None:
            self._now["mask"] = kwargs["attention_mask"]

    def _keeping(self, name: str) -> Any:
        def keep(module: nn.Module, args: Any, out: Tensor) -> None:
            self._now[name] = out

        return keep

    def _read(self, layer: CrossLayer) -> None:
        queries, keys = self._now.pop("queries", None), self._now.pop("keys", None)
        if queries is None or keys is None:
            raise UnsupportedError(
                f"{layer.name} computes its queries and keys fused, so its rows cannot be read. Call "
                "pipeline.unfuse_qkv_projections() first."
            )
        height, width = (int(side) for side in self._now["features"].shape[-2:])
        if keys.shape[1] != self._length:
            raise UnsupportedError(
                f"The cross-attention reads {keys.shape[1]} keys and the prompt has {self._length} "
                "tokens: prompts given as embeddings, or longer than the text encoder reads, are not "
                "supported. Give a prompt as text."
            )
        mask = self._now.get("mask")
        maps = torch.stack(
            [
                self._maps(
                    layer.attention,
                    queries[item],
                    keys[item],
                    None if mask is None else mask[item % len(mask)],
                    (height, width),
                )
                for item in range(self._batch - self._followers(), self._batch)
            ]
        )  # (pictures, heads, tokens, height, width)
        summed = maps.sum(dim=1)
        self._sum = summed if self._sum is None else self._sum + summed
        self._ran += 1
        if self._by_head:
            self._apart.append(maps.cpu())

    def _followers(self) -> int:
        """How many items of the batch, the last ones, follow the prompt and not its negative."""
        pictures, rest = divmod(self._batch, 2 if self._guided() else 1)
        if rest or pictures % self._prompts:
            raise UnsupportedError(
                f"The U-Net was run on {self._batch} pictures for {self._prompts} prompts"
                f"{' and their negatives' if self._guided() else ''}: it is not known which of them "
                "follow which. Draw the prompts that were named, with classifier-free guidance or none."
            )
        return pictures

    def _maps(
        self,
        attention: Any,
        queries: Tensor,
        keys: Tensor,
        mask: Tensor | None,
        size: tuple[int, int],
    ) -> Tensor:
        """One picture's maps of one layer: float32 (heads, tokens, height, width) on the latents."""
        q, k = (_by_head(each, _heads(attention)) for each in (queries, keys))
        if getattr(attention, "norm_q", None) is not None:
            q = attention.norm_q(q)
        if getattr(attention, "norm_k", None) is not None:
            k = attention.norm_k(k)
        logits = (q.float() @ k.float().transpose(-1, -2)) * float(attention.scale)
        if mask is not None:
            logits = logits + mask.float()
        rows = logits.softmax(dim=-1)[..., : self._tokens]  # (heads, places, tokens)
        height, width = size
        grids = rows.transpose(-1, -2).unflatten(-1, (height, width))
        return F.interpolate(grids, size=self._size, mode="bicubic").clamp(min=0)

    def _end(self, unet: nn.Module, args: Any, out: Any) -> None:
        if self._sum is None or self._ran != len(self.layers):
            raise AttentionError(
                f"{self._ran} of {len(self.layers)} cross-attention layers ran in this pass, so its maps "
                "are not whole. Is the U-Net compiled, or are layers skipped? Draw without that."
            )
        mean = self._sum / len(self.heads)
        self.total = mean if self.total is None else self.total + mean
        if self._by_step:
            self.step_maps.append(mean.cpu())
        if self._by_head:
            heads = torch.cat(self._apart, dim=1)
            self.head_maps = heads if self.head_maps is None else self.head_maps + heads
        self.steps += 1
        self._forget()


def _heads(attention: nn.Module) -> int:
    return int(attention.heads)  # type: ignore[arg-type]


def _by_head(values: Tensor, heads: int) -> Tensor:
    """(places, channels) to (heads, places, channels of a head)."""
    return values.unflatten(-1, (heads, -1)).transpose(0, 1)
