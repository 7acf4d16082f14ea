"""Several dense methods on one image in one pass: the original path beneath them is computed once.

The same arithmetic as ``methods.dense.dense_tokens``, method by method; a test holds them together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vlmscope.errors import BadOptionError
from vlmscope.methods.dense import DenseMethod, DensePath, DenseTokens, Site
from vlmscope.models import DualEncoder, FittedPatches

__all__ = ["shared_tokens"]


@dataclass
class _Walk:
    """One method on its way through the tower."""

    method: DenseMethod
    options: Any
    path: DensePath
    first: int
    dense: Tensor | None = None

    def step(self, x: Tensor, qkv: Any, site: Site) -> None:
        """Go through one block; ``x`` is the original path in front of it."""
        update: Tensor = site.block.out(self.method.attend(qkv, site, self.options))
        if self.path.residual:
            update = (x if self.dense is None else self.dense) + update
        self.dense = site.block.feed_forward(update) if self.path.feed_forward else update


def shared_tokens(
    encoder: DualEncoder, fitted: FittedPatches, runs: Sequence[tuple[DenseMethod, Any]]
) -> list[DenseTokens]:
    """Dense tokens of several methods, each with its options.

    Args:
        encoder: the model; not changed.
        fitted: the image on its grid.
        runs: (method, options) pairs.

    Returns:
        For each run the tokens of a batch of one; the model's own image embedding is in all of them.

    Raises:
        BadOptionError: more dense blocks than the tower has.
    """
    family, hf, blocks = encoder.family, encoder.hf, encoder.blocks
    walks = [_walk(encoder, len(blocks), method, options) for method, options in runs]
    with encoder.frozen():
        x = family.embed(hf, fitted.values.to(encoder.device, encoder.dtype), fitted.grid)
        for number, block in enumerate(blocks):
            normed = block.norm1(x)
            qkv = block.project(normed)
            site = Site(block, normed, fitted.grid, family.prefix_tokens)
            for walk in walks:
                if number >= walk.first:
                    walk.step(x, qkv, site)
            x = block.feed_forward(x + block.out(block.own_attention(qkv)))
        pooled = family.pool(hf, x)
        return [DenseTokens(_projected(encoder, walk), pooled) for walk in walks]


def _projected(encoder: DualEncoder, walk: _Walk) -> Tensor:
    assert walk.dense is not None  # a path has one block at least
    patches = walk.dense[:, encoder.family.prefix_tokens :]
    return encoder.family.project(encoder.hf, patches)


def _walk(encoder: DualEncoder, blocks: int, method: DenseMethod, options: Any) -> _Walk:
    path = method.path(options, blocks)
    if not 1 <= path.depth <= blocks:
        raise BadOptionError(
            f"The tower of {encoder.id} has {blocks} blocks; {method.id} was asked for "
            f"{path.depth} dense blocks. Give 1 to {blocks}."
        )
    return _Walk(method, options, path, blocks - path.depth)
