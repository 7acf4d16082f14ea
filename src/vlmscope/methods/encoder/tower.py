"""The dense path of a vision tower: it runs beside the model's own, which stays untouched.

Every block of the tower is taken apart once. In the last ``depth`` blocks the dense path takes the
block's queries, keys and values OF THE ORIGINAL PATH, attends in its own way and adds to its own
residual stream. Both paths share the projections, and what nothing depends on (the last block of the
original path, unless the pooled embedding is asked for) is not computed. A method that needs something
of earlier blocks names them (``DensePath.watches``) and says what of each is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from vlmscope.errors import BadOptionError
from vlmscope.models import DualEncoder
from vlmscope.models.encoders.blocks import QKV, Scratch, VisionBlock
from vlmscope.models.encoders.patches import PatchGrid

__all__ = [
    "DenseFormula",
    "DensePath",
    "DenseTokens",
    "Pixels",
    "Site",
    "dense_tokens",
    "joined",
    "tokens_of_methods",
]

# On a processor no matrix product gets faster beyond this many rows for each thread, while larger
# tensors leave the cache and cost page faults: a larger batch is run in parts.
_TOKENS_AT_ONCE = 1024


@dataclass(frozen=True, eq=False)
class Pixels:
    """What the tower looks at.

    Attributes:
        encoder: whose tower it is.
        values: float (batch, 3, height, width), normalised as the tower takes them.
    """

    encoder: DualEncoder
    values: Tensor


@dataclass(frozen=True, eq=False)
class Site:
    """Where a dense attention happens.

    Attributes:
        block: the block.
        normed: (batch, prefix + patches, dim), its input after norm1.
        grid: (rows, columns) of patches.
        prefix: special tokens in front of the patches.
        scratch: buffers of this pass, for what does not outlive the attention.
        watched: what the method kept of the blocks that it watches, by their numbers.
        pixels: the images, for a method that looks at them by itself; None where there are none.
        number: of the block, from 0.
    """

    block: VisionBlock
    normed: Tensor
    grid: PatchGrid
    prefix: int
    scratch: Scratch = field(default_factory=Scratch)
    watched: Mapping[int, Any] = field(default_factory=dict)
    pixels: Pixels | None = None
    number: int = 0


@dataclass(frozen=True)
class DensePath:
    """The shape of a method's dense path.

    Attributes:
        depth: how many of the last blocks it runs beside.
        residual: whether it keeps a residual stream (it starts from the original path's).
        feed_forward: whether it goes through the blocks' feed-forward parts.
        watches: numbers, from 0, of the blocks of which the method keeps something.
    """

    depth: int
    residual: bool
    feed_forward: bool
    watches: tuple[int, ...] = ()


class DenseFormula(Protocol):
    """What the tower has to know of a method: its path, and what a block adds to it.

    Attributes:
        id: of the method, for messages.
    """

    id: str

    def path(self, options: Any, blocks: int) -> DensePath:
        """The shape of the dense path in a tower of so many blocks."""
        ...

    def watch(self, x: Tensor, qkv: QKV, site: Site, options: Any) -> Any:
        """What is kept of a block of ``DensePath.watches``; ``x`` is the block's input."""
        ...

    def update(self, qkv: QKV, site: Site, options: Any) -> Tensor:
        """What a block adds to the path, (batch, prefix + patches, dim): a tensor of its own."""
        ...

    def weigh(self, site: Site, options: Any) -> Tensor | None:
        """Factors (batch, patches) of the patches' similarities; None: 1. ``site`` is the last."""
        ...


@dataclass(frozen=True, eq=False)
class DenseTokens:
    """What a pass yields.

    Attributes:
        patches: (batch, patches, joint), in the joint space, not normalised.
        pooled: (batch, joint), the model's own image embedding, or None when not asked for.
        weights: (batch, patches), factors of the patches' similarities, or None for 1.
    """

    patches: Tensor
    pooled: Tensor | None
    weights: Tensor | None = None


def dense_tokens(
    encoder: DualEncoder,
    values: Tensor,
    grid: PatchGrid,
    method: DenseFormula,
    options: Any,
    pooled: bool = False,
) -> DenseTokens:
    """Run a batch of equally sized images through both paths.

    Args:
        encoder: the model; not changed.
        values: (batch, 3, height, width), normalised pixels.
        grid: (rows, columns) of patches.
        method: the method.
        options: its options.
        pooled: also compute the model's own image embedding.

    Raises:
        BadOptionError: more dense blocks than the tower has.
    """
    return tokens_of_methods(encoder, values, grid, [(method, options)], pooled)[0]


def tokens_of_methods(
    encoder: DualEncoder,
    values: Tensor,
    grid: PatchGrid,
    runs: Sequence[tuple[DenseFormula, Any]],
    pooled: bool = False,
) -> list[DenseTokens]:
    """As :func:`dense_tokens` for several methods: the original path beneath them is computed once.

    Args:
        encoder, values, grid, pooled: as there.
        runs: methods, each with its options.

    Returns:
        What each run alone would yield.

    Raises:
        BadOptionError: more dense blocks than the tower has.
    """
    blocks = encoder.blocks
    routes = tuple(_route(encoder, len(blocks), method, options) for method, options in runs)
    walk = _Walk(encoder, blocks, grid, routes, pooled)
    with encoder.frozen():
        values = values.to(encoder.device, encoder.dtype)
        x = encoder.family.embed(encoder.hf, values, grid)
        count = _images_at_once(x)
        parts = [
            walk.tokens(*some) for some in zip(x.split(count), values.split(count), strict=True)
        ]
    return [joined(of_method) for of_method in zip(*parts, strict=True)]


def _route(encoder: DualEncoder, blocks: int, method: DenseFormula, options: Any) -> _Route:
    path = method.path(options, blocks)
    if not 1 <= path.depth <= blocks:
        raise BadOptionError(
            f"The tower of {encoder.id} has {blocks} blocks; {method.id} was asked for {path.depth} "
            f"dense blocks. Give 1 to {blocks}."
        )
    return _Route(method, options, path, blocks - path.depth)


def joined(parts: Sequence[DenseTokens]) -> DenseTokens:
    """What passes over parts of a batch yield, as one pass over all of it."""
    patches = torch.cat([part.patches for part in parts])
    pooled = [part.pooled for part in parts if part.pooled is not None]
    weights = [part.weights for part in parts if part.weights is not None]
    return DenseTokens(
        patches,
        torch.cat(pooled) if pooled else None,
        torch.cat(weights) if weights else None,
    )


def _images_at_once(x: Tensor) -> int:
    if x.device.type != "cpu":
        return max(1, len(x))
    return max(1, _TOKENS_AT_ONCE * torch.get_num_threads() // x.shape[1])


@dataclass(frozen=True, eq=False)
class _Route:
    """A method's way through a tower; ``first`` is the first block that it runs beside."""

    method: DenseFormula
    options: Any
    path: DensePath
    first: int

    def step(self, x: Tensor, dense: Tensor | None, qkv: QKV, site: Site) -> Tensor:
        """Its path behind one block; ``x`` is the original path in front of the block."""
        update = self.method.update(qkv, site, self.options)
        if self.path.residual:
            update = update.add_(x if dense is None else dense)
        return site.block.feed_forward(update, site.scratch) if self.path.feed_forward else update


@dataclass(frozen=True, eq=False)
class _Walk:
    """The original path and those of some methods through the tower, for batches of one size."""

    encoder: DualEncoder
    blocks: Sequence[VisionBlock]
    grid: PatchGrid
    routes: tuple[_Route, ...]
    pooled: bool
    scratch: Scratch = field(default_factory=Scratch)

    def tokens(self, x: Tensor, values: Tensor) -> list[DenseTokens]:
        """The first block's input and the images it is of -> the joint space, per route."""
        family, hf, blocks = self.encoder.family, self.encoder.hf, self.blocks
        dense: list[Tensor | None] = [None] * len(self.routes)
        weights: list[Tensor | None] = [None] * len(self.routes)
        watched: list[dict[int, Any]] = [{} for _ in self.routes]
        pixels, last = Pixels(self.encoder, values), len(blocks) - 1
        for number, block in enumerate(blocks):
            normed = block.norm1(x)
            qkv = block.project(normed)
            prefix = family.prefix_tokens
            here = Site(block, normed, self.grid, prefix, self.scratch, {}, pixels, number)
            for index, route in enumerate(self.routes):
                site = replace(here, watched=watched[index])
                if number in route.path.watches:
                    watched[index][number] = route.method.watch(x, qkv, site, route.options)
                if number >= route.first:
                    dense[index] = route.step(x, dense[index], qkv, site)
                if number == last:
                    weights[index] = route.method.weigh(site, route.options)
            if number < last:
                x = block.forward(x, qkv, self.scratch)
        pooled = family.pool(hf, self._pooled_tokens(x, qkv)) if self.pooled else None
        return [
            DenseTokens(self._projected(path), pooled, factors)
            for path, factors in zip(dense, weights, strict=True)
        ]

    def _pooled_tokens(self, x: Tensor, qkv: QKV) -> Tensor:
        """What the last block makes of its input, so far as the pooling reads it."""
        block, count = self.blocks[-1], self.encoder.family.pooled_tokens
        return block.first_tokens(x, qkv, count) if count else block.forward(x, qkv, self.scratch)

    def _projected(self, path: Tensor | None) -> Tensor:
        assert path is not None  # a path has one block at least
        return self.encoder.family.project(
            self.encoder.hf, path[:, self.encoder.family.prefix_tokens :]
        )


def original_tokens(
    encoder: DualEncoder, values: Tensor, grid: PatchGrid, after: int | None = None
) -> Tensor:
    """The original path alone: (batch, prefix + patches, dim) after so many blocks, None for all."""
    with encoder.frozen():
        x = encoder.family.embed(encoder.hf, values.to(encoder.device, encoder.dtype), grid)
        scratch = Scratch()
        for block in encoder.blocks[:after]:
            qkv = block.project(block.norm1(x))
            x = block.forward(x, qkv, scratch)
        return x


def stack_values(values: Sequence[Tensor]) -> Tensor:
    """(1, 3, height, width) tensors of one size -> (batch, 3, height, width)."""
    return torch.cat(list(values))
