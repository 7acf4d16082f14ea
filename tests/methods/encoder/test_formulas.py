"""Dense formulas on random q, k and v against plain matrices, head by head; no tower is run."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlmscope.methods import get_method
from vlmscope.methods.encoder.clip_surgery import ClipSurgeryOptions
from vlmscope.methods.encoder.gem import (
    GemOptions,
    adaptive_temperature,
    expected_temperature,
    perplexity_temperature,
)
from vlmscope.methods.encoder.naclip import NaClipOptions, neighbourhood
from vlmscope.methods.encoder.tower import DensePath, Site
from vlmscope.models.encoders.blocks import QKV, VisionBlock

BATCH, HEADS, DIM, SCALE = 2, 3, 4, 0.7
GRID, PREFIX = (2, 3), 1
TOKENS = PREFIX + GRID[0] * GRID[1]


def qkv(batch: int = BATCH) -> QKV:
    torch.manual_seed(0)
    return QKV(*torch.randn(3, batch, HEADS, TOKENS, DIM).mul(0.4))  # shorter than unit vectors


def block(weight: Tensor | None = None, bias: Tensor | None = None, scale: float = SCALE) -> Any:
    nothing = nn.Identity()
    norm1 = nothing if weight is None else SimpleNamespace(weight=weight, bias=bias)
    return VisionBlock(norm1, qkv, nothing, nothing, nothing, scale)


def site(batch: int = BATCH) -> Site:
    torch.manual_seed(1)
    return Site(block(), torch.randn(batch, TOKENS, HEADS * DIM) * 3, GRID, PREFIX)


def attend(name: str, batch: int = BATCH, **options: Any) -> Tensor:
    method = get_method(name)
    return method.attend(qkv(batch), site(batch), method.options(**options))


def plainly(head: Any, batch: int = BATCH) -> Tensor:
    """``head(q, k, v, item)`` of (tokens, dim) matrices for each item and head, heads side by side."""
    given = qkv(batch)
    items = [
        torch.cat([head(given.q[i, h], given.k[i, h], given.v[i, h], i) for h in range(HEADS)], 1)
        for i in range(batch)
    ]
    return torch.stack(items)


def rows(logits: Tensor) -> Tensor:
    return logits.exp() / logits.exp().sum(1, keepdim=True)


def unit(p: Tensor) -> Tensor:
    return p / p.square().sum(1, keepdim=True).sqrt()


# the shape of each path


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("gem", DensePath(6, residual=True, feed_forward=False)),
        ("clip-surgery", DensePath(6, residual=True, feed_forward=False)),
        ("maskclip", DensePath(1, residual=False, feed_forward=False)),
        ("clearclip", DensePath(1, residual=False, feed_forward=False)),
        ("naclip", DensePath(1, residual=False, feed_forward=False)),
        ("sclip", DensePath(1, residual=True, feed_forward=True)),
        ("clip", DensePath(1, residual=True, feed_forward=True)),
    ],
)
def test_the_path_of_each_method(name: str, path: DensePath) -> None:
    method = get_method(name)
    assert method.path(method.options(), 12) == path


@pytest.mark.parametrize("name", ["gem", "clip-surgery"])
def test_a_shallow_tower_uses_all_of_its_blocks(name: str) -> None:
    method = get_method(name)
    assert method.path(method.options(), 4).depth == 4
    assert method.path(method.options(depth=2), 4).depth == 2


def test_defaults_are_those_of_the_papers() -> None:
    gem = GemOptions()
    assert (gem.depth, gem.iterations, gem.temperature, gem.projections) == (
        6,
        1,
        "adaptive",
        "qkv",
    )
    assert (gem.constant, gem.perplexity) == (10.0, 0.05)
    assert ClipSurgeryOptions().depth == 6 and ClipSurgeryOptions().feature_surgery is False
    assert NaClipOptions().window_std == 5.0


# one attention each


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("maskclip", lambda q, k, v, _: v),
        ("clearclip", lambda q, k, v, _: rows(SCALE * q @ q.T) @ v),
        ("clip-surgery", lambda q, k, v, _: rows(SCALE * v @ v.T) @ v),
        ("sclip", lambda q, k, v, _: (rows(SCALE * q @ q.T) + rows(SCALE * k @ k.T)) @ v),
        ("clip", lambda q, k, v, _: rows(SCALE * q @ k.T) @ v),
    ],
)
def test_attention(name: str, head: Any) -> None:
    torch.testing.assert_close(attend(name), plainly(head))


# NACLIP


def test_the_neighbourhood_is_a_gaussian_of_the_distance_in_patches() -> None:
    bias = torch.zeros(TOKENS, TOKENS)
    for a in range(6):
        for b in range(6):
            distance = math.hypot(a // 3 - b // 3, a % 3 - b % 3)
            bias[1 + a, 1 + b] = math.exp(-(distance**2) / (2 * 1.7**2))
    torch.testing.assert_close(neighbourhood(GRID, PREFIX, 1.7), bias)
    torch.testing.assert_close(neighbourhood(GRID, 0, 1.7), bias[1:, 1:])
    assert neighbourhood((1, 2), 2, 1.0)[:2].abs().max() == 0, "special tokens have no neighbours"


def test_naclip_favours_the_neighbourhood() -> None:
    bias = neighbourhood(GRID, PREFIX, 1.7)
    expected = plainly(lambda q, k, v, _: rows(SCALE * k @ k.T + bias) @ v)
    torch.testing.assert_close(attend("naclip", window_std=1.7), expected)


# GEM


def temperatures(batch: int, **options: Any) -> Any:
    """(projection, item) -> inverse temperature, by the definitions."""
    if "constant" in options:
        return lambda p, item: options["constant"]
    lengths = site(batch).normed.square().sum(-1).sqrt().mean(-1) / math.sqrt(DIM)
    return lambda p, item: lengths[item]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"iterations": 0},
        {"iterations": 3, "projections": "kv"},
        {"projections": "q"},
        {"temperature": "constant", "constant": 7.0},
    ],
)
@pytest.mark.parametrize("batch", [1, BATCH])
def test_gem_attends_with_every_projection_to_itself(batch: int, options: dict[str, Any]) -> None:
    temperature = temperatures(batch, **options)
    names = options.get("projections", "qkv")

    def head(q: Tensor, k: Tensor, v: Tensor, item: int) -> Tensor:
        total = torch.zeros_like(v)
        for name in names:
            p = unit({"q": q, "k": k, "v": v}[name])
            for _ in range(options.get("iterations", 1)):
                p = unit(rows(temperature(p, item) * p @ p.T) @ p)
            total = total + rows(temperature(p, item) * p @ p.T) @ v
        return total / len(names)

    expected = plainly(head, batch)
    torch.testing.assert_close(attend("gem", batch, **options), expected, atol=1e-5, rtol=1e-4)


def test_one_image_on_a_processor_leaves_the_scale_to_the_kernel() -> None:
    given = qkv(1)
    q = given.q / torch.linalg.vector_norm(given.q, dim=-1, keepdim=True)
    expected = F.scaled_dot_product_attention(q, q, given.v, scale=7.3).transpose(1, 2).flatten(2)
    options = {"temperature": "constant", "constant": 7.3, "iterations": 0, "projections": "q"}
    assert torch.equal(attend("gem", 1, **options), expected)


def test_unit_vectors_lie_in_the_buffer_of_the_pass() -> None:
    given, place = qkv(), site()
    kept = place.scratch.shaped("unit", given.q).zero_()
    options = GemOptions(iterations=0, projections="k")
    get_method("gem").attend(given, place, options)
    torch.testing.assert_close(kept, F.normalize(given.k, dim=-1))


@pytest.mark.parametrize("temperature", ["constant", "perplexity"])
def test_gem_reads_nothing_off_another_device(temperature: str) -> None:
    given = QKV(*(part.to("meta") for part in (qkv(1).q, qkv(1).k, qkv(1).v)))
    place = Site(block(), site(1).normed.to("meta"), GRID, PREFIX)
    options = GemOptions(temperature=temperature)
    found = get_method("gem").attend(given, place, options)
    assert found.device.type == "meta" and found.shape == (1, TOKENS, HEADS * DIM)


def test_each_projection_has_its_own_temperature_of_a_perplexity() -> None:
    given = qkv()
    expected = torch.zeros(BATCH, TOKENS, HEADS * DIM)
    for p in (given.q, given.k):
        p = F.normalize(p, dim=-1)
        t = perplexity_temperature(p, 0.4)[:, None, None, None]
        part = (t * p @ p.transpose(-1, -2)).softmax(-1) @ given.v
        expected += part.transpose(1, 2).flatten(2) / 2
    options = {"temperature": "perplexity", "perplexity": 0.4, "iterations": 0}
    torch.testing.assert_close(attend("gem", projections="qk", **options), expected)


# temperatures


def test_the_adaptive_temperature() -> None:
    normed = torch.tensor([[[3.0, 4.0], [0.0, 1.0]], [[6.0, 8.0], [0.0, 0.0]]])
    assert adaptive_temperature(normed, 4).tolist() == [1.5, 2.5]


@pytest.mark.parametrize(("bias", "expected"), [(None, 1.25), (torch.tensor([0.0, 12.0]), 3.25)])
def test_the_temperature_that_weights_alone_give(bias: Tensor | None, expected: float) -> None:
    assert expected_temperature(block(torch.tensor([3.0, 4.0]), bias, 0.25)) == expected


@pytest.mark.parametrize(("last", "flat"), [(1.8, True), (2.0, False), (3.0, False)])
def test_gem_is_cautious_where_its_blocks_average_a_flat_softmax(last: float, flat: bool) -> None:
    """The mean of the last two blocks: 3.0 and ``last``; 2.5 is where it begins to be sharp."""
    gem = get_method("gem")
    tower = [block(torch.tensor([value]), None, 1.0) for value in (0.0, 0.0, 9.0, 3.0, last)]
    encoder: Any = SimpleNamespace(blocks=tower)
    cautions = gem.cautions(encoder, GemOptions(depth=2))
    assert len(cautions) == flat
    if flat:
        assert "about 2.4 on this narrow model" in cautions[0]
    assert gem.cautions(encoder, GemOptions(depth=2, temperature="perplexity")) == ()
    assert gem.cautions(encoder, GemOptions(depth=2, temperature="constant")) == ()
    assert isinstance(cautions, tuple)


def searched(p: Tensor, share: float) -> list[float]:
    """By the definition: 12 bisections of log t in 0.5..512, on 32 evenly spaced rows at most."""
    tokens = p.shape[2]
    count = min(32, tokens)
    chosen = [round(at * (tokens - 1) / max(1, count - 1)) for at in range(count)]
    result = []
    for item in p.double():
        low, high = math.log(0.5), math.log(512.0)
        for _ in range(12):
            t = math.exp((low + high) / 2)
            counts = []
            for head in item:
                for row in chosen:
                    weights = (t * head @ head[row]).softmax(0)
                    counts.append(math.exp(-float((weights * weights.log()).sum())))
            flat = sum(counts) / len(counts) > max(1.0, share * tokens)
            low, high = ((low + high) / 2, high) if flat else (low, (low + high) / 2)
        result.append(math.exp((low + high) / 2))
    return result


@pytest.mark.parametrize(
    ("tokens", "share"), [(5, 0.3), (5, 0.7), (5, 1.0), (33, 0.2), (50, 0.03), (50, 0.3)]
)
def test_the_temperature_of_a_perplexity(tokens: int, share: float) -> None:
    torch.manual_seed(2)
    p = F.normalize(torch.randn(3, 2, tokens, 4), dim=-1)
    found = perplexity_temperature(p, share)
    assert found.tolist() == pytest.approx(searched(p, share), rel=1e-5)


def test_a_single_token_has_the_lowest_temperature() -> None:
    """Its perplexity is what is asked for at any temperature."""
    assert perplexity_temperature(torch.ones(1, 1, 1, 1), 0.5).item() == pytest.approx(
        0.5, rel=1e-2
    )
