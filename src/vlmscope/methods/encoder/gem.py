"""GEM (Bousselham et al., CVPR 2024): generalised self-self attention on a path of its own.

For p in q, k, v of each of the last blocks: repeat ``iterations`` times p <- softmax(t p p^T) p on
unit vectors; then A_p = softmax(t p p^T). The block adds out(mean over p of A_p v) to the path.
The paper's ablations (without unit vectors, with the feed-forward part) are options.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vlmscope.errors import BadOptionError
from vlmscope.methods.encoder.method import DenseMethod
from vlmscope.methods.encoder.options import DenseOptions
from vlmscope.methods.encoder.tower import DensePath, Site
from vlmscope.models import DualEncoder
from vlmscope.models.encoders.blocks import QKV, VisionBlock
from vlmscope.options import option

__all__ = ["Gem", "GemOptions", "adaptive_temperature", "perplexity_temperature"]

TEMPERATURES = ("adaptive", "constant", "perplexity", "scaled")
PROJECTIONS = ("qkv", "qk", "kv", "qv", "q", "k", "v")

# of the search for a temperature: rows that are looked at, bisections, and the range
_ROWS = 32
_STEPS = 12
_RANGE = (0.5, 512.0)

_TINY = 1e-12

# unit vectors have logits within +-t: below this even a perfect match barely outweighs the rest
_FLAT = 2.5


@dataclass(frozen=True)
class GemOptions(DenseOptions):
    """Options of GEM, by what they do."""

    depth: int = option(
        6,
        "how many last blocks have a GEM path (the public code changes 6 when given "
        "depth 7; the paper says 7); a shallower tower uses all of its blocks",
        at_least=1,
        whole=True,
    )
    iterations: int = option(
        1,
        "how often the projections are smoothed by their own attention first",
        at_least=0,
        whole=True,
    )
    temperature: str = option(
        "adaptive",
        "inverse temperature of the softmax: mean token norm / sqrt(head dim) per image "
        "(adaptive, published), a constant, the one at which a row attends to a set share "
        "of the tokens (perplexity: holds on narrow models too), or 1 / sqrt(head dim), that of "
        "ordinary attention (scaled)",
        choices=TEMPERATURES,
    )
    constant: float = option(10.0, "inverse temperature, for temperature=constant", at_least=0.0)
    perplexity: float = option(
        0.05,
        "mean perplexity of the attention rows as a share of the tokens, for "
        "temperature=perplexity",
        at_least=0.001,
        at_most=1.0,
    )
    projections: str = option("qkv", "which projections attend to themselves", choices=PROJECTIONS)
    normalise: bool = option(
        True, "projections become unit vectors before they attend (False: the paper's ablation)"
    )
    feed_forward: bool = option(
        False, "the GEM path goes through the blocks' feed-forward parts (True: an ablation)"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.temperature == "perplexity" and not self.normalise:
            raise BadOptionError(
                "temperature='perplexity' is looked for between 0.5 and 512, which are temperatures "
                "of unit vectors. With normalise=False use 'scaled', 'constant' or 'adaptive'."
            )


class Gem(DenseMethod):
    """Self-self attention over q, k and v, averaged, on a residual path without feed-forward."""

    id = "gem"
    summary = "self-self attention over q, k and v on a path beside the last blocks (CVPR 2024)"
    options = GemOptions

    def path(self, options: Any, blocks: int) -> DensePath:
        depth = min(options.depth, blocks)
        return DensePath(depth, residual=True, feed_forward=options.feed_forward)

    def attend(self, qkv: QKV, site: Site, options: Any) -> Tensor:
        total: Tensor | None = None
        # read by every projection: a copy that the kernel can stream is repaid at once
        v = site.scratch.shaped("values", qkv.v).copy_(qkv.v)
        unit_buffer = site.scratch.shaped("unit", qkv.q)  # of q, k and v alike
        temperature = _fixed_temperature(v, site, options)
        for name in options.projections:
            unit = _smoothed(getattr(qkv, name), unit_buffer, options, temperature)
            part = _self_attend(unit, v, _temperature(unit, options, temperature))
            total = part if total is None else total.add_(part)
        assert total is not None
        mean = total.new_empty(total.transpose(1, 2).shape)
        torch.div(total, len(options.projections), out=mean.transpose(1, 2))
        return mean.flatten(2)

    def cautions(self, encoder: DualEncoder, options: Any) -> tuple[str, ...]:
        if options.temperature != "adaptive" or not options.normalise:
            return ()
        tower = encoder.blocks
        blocks = tower[-self.path(options, len(tower)).depth :]
        expected = sum(expected_temperature(block) for block in blocks) / len(blocks)
        if expected >= _FLAT:
            return ()
        return (
            f"GEM's adaptive temperature is about {expected:.1f} on this narrow model: the softmax is "
            "nearly flat and averages objects away. Try temperature='perplexity', or the method sc-clip.",
        )


def _smoothed(p: Tensor, buffer: Tensor, options: Any, temperature: Tensor | None) -> Tensor:
    """A projection after the iterations, in the buffer: unit vectors unless that is switched off."""
    within = _unit if options.normalise else _copied
    unit = within(p, buffer)
    for _ in range(options.iterations):
        unit = within(_self_attend(unit, unit, _temperature(unit, options, temperature)), buffer)
    return unit


def _copied(p: Tensor, buffer: Tensor) -> Tensor:
    """The vectors as they are, in the buffer."""
    return buffer.copy_(p)


def _unit(p: Tensor, buffer: Tensor) -> Tensor:
    """Unit vectors along the last axis, in a buffer laid out head by head as the kernel likes it."""
    norms = torch.linalg.vector_norm(p, dim=-1, keepdim=True).clamp_min_(_TINY)
    return torch.div(p, norms, out=buffer)


def adaptive_temperature(normed: Tensor, head_dim: int) -> Tensor:
    """(batch,): mean over tokens of ||x|| / sqrt(head_dim), x the block's input after norm1."""
    return normed.float().norm(dim=-1).mean(dim=-1) / math.sqrt(head_dim)


def expected_temperature(block: VisionBlock) -> float:
    """The adaptive temperature that a block's norm1 gives by its weights alone.

    A normalised token has unit variance in each channel, so its mean squared length after the norm is
    the sum of squared gains and biases.
    """
    norm: Any = block.norm1
    squares = float(norm.weight.detach().float().square().sum())
    if norm.bias is not None:
        squares += float(norm.bias.detach().float().square().sum())
    return math.sqrt(squares) * block.scale


def _fixed_temperature(p: Tensor, site: Site, options: Any) -> Tensor | None:
    """(batch,) inverse temperatures, or None where each projection has its own."""
    if options.temperature == "scaled":
        return torch.full((len(p),), site.block.scale, device=p.device)
    if options.temperature == "constant":
        return torch.full((len(p),), options.constant, device=p.device)
    if options.temperature == "adaptive":
        return adaptive_temperature(site.normed, p.shape[-1])
    return None


def _temperature(unit: Tensor, options: Any, fixed: Tensor | None) -> Tensor:
    return perplexity_temperature(unit, options.perplexity) if fixed is None else fixed


def _self_attend(unit: Tensor, values: Tensor, temperature: Tensor) -> Tensor:
    """softmax(t p p^T) values, by the fused kernel: no (tokens, tokens) matrix is kept."""
    if len(temperature) == 1 and unit.device.type == "cpu":  # reading it would stall a GPU
        return F.scaled_dot_product_attention(unit, unit, values, scale=float(temperature))
    query = unit * temperature.to(unit.dtype)[:, None, None, None]
    return F.scaled_dot_product_attention(query, unit, values, scale=1.0)


@torch.no_grad()
def perplexity_temperature(unit: Tensor, share: float) -> Tensor:
    """The inverse temperature at which the mean perplexity of softmax(t p p^T) is share * tokens.

    It needs no tuning. GEM's adaptive temperature (mean token norm / sqrt(head dim)) is 1 to 2 on
    narrow models: unit vectors then have logits within +-2, the softmax is almost flat and each
    iteration averages everything away. The perplexity of a row, exp(entropy), counts how many
    tokens it attends to; fixing its mean as a share of the tokens fixes what the temperature is
    there for.

    Args:
        unit: (batch, heads, tokens, head_dim), unit vectors.
        share: of the tokens, 0..1.

    Returns:
        (batch,) float32, found by bisection in log t on evenly spaced rows; clipped to 0.5..512.
    """
    tokens = unit.shape[2]
    rows = torch.linspace(0, tokens - 1, min(_ROWS, tokens), device=unit.device).round().long()
    logits = (unit[:, :, rows] @ unit.transpose(-1, -2)).float()  # (batch, heads, rows, tokens)
    target = max(share * tokens, 1.0)
    low = torch.full((unit.shape[0],), _RANGE[0], device=unit.device).log()
    high = torch.full_like(low, _RANGE[1]).log()
    for _ in range(_STEPS):
        middle = (low + high) / 2
        too_flat = _mean_perplexity(logits, middle.exp()) > target
        low = torch.where(too_flat, middle, low)
        high = torch.where(too_flat, high, middle)
    return ((low + high) / 2).exp()


def _mean_perplexity(logits: Tensor, temperature: Tensor) -> Tensor:
    """(batch,): mean over heads and rows of exp(entropy)."""
    log_p = torch.log_softmax(logits * temperature[:, None, None, None], dim=-1)
    entropy = -(log_p.exp() * log_p).sum(dim=-1)
    return entropy.exp().mean(dim=(1, 2))
