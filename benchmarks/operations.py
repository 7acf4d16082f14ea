"""Operations that a dense method cannot do without, by its formula: a multiplication and an addition are two.

Counted are matrix products: of weights, of queries with keys, of attention with values. Softmax, norms,
activations, sorting and painting are not, so a method never quite reaches the rate of products. All methods
share the original path: every block of it but the last, the last block's projections, and what of the last
block the model's own image embedding is made of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vision_towers import PATCH, Tower

__all__ = ["bare_operations", "method_operations", "shared_operations"]


def bare_operations(tower: Tower) -> float:
    """The tower alone on one image, with its image embedding."""
    return _embedding(tower) + tower.layers * _block(tower) + _joint(tower, 1)


def shared_operations(tower: Tower) -> float:
    """The original path of one image, so far as every dense method needs it."""
    n, d = tower.tokens, tower.hidden
    below = _embedding(tower) + (tower.layers - 1) * _block(tower)
    keys_and_values, class_token = 4 * n * d**2, 2 * d**2 + 4 * n * d + 2 * d**2 + 16 * d**2
    return below + keys_and_values + class_token + _joint(tower, 1)


def method_operations(tower: Tower, method: str) -> float:
    """One image by a method with the options that it has by default.

    Raises:
        KeyError: a method that is not listed here.
    """
    return shared_operations(tower) + _OWN[method](tower) + _joint(tower, tower.tokens - 1)


def _embedding(tower: Tower) -> float:
    return float(2 * (tower.tokens - 1) * 3 * PATCH**2 * tower.hidden)


def _joint(tower: Tower, tokens: int) -> float:
    return float(2 * tokens * tower.hidden * tower.text_hidden)


def _block(tower: Tower) -> float:
    projections = 6 * tower.tokens * tower.hidden**2
    return projections + _attention(tower) + _out(tower) + _feed_forward(tower)


def _attention(tower: Tower) -> float:
    """Queries with keys, and attention with values: as much again."""
    return float(4 * tower.tokens**2 * tower.hidden)


def _out(tower: Tower) -> float:
    """One square matrix: also what a block's queries alone cost."""
    return float(2 * tower.tokens * tower.hidden**2)


def _feed_forward(tower: Tower) -> float:
    return float(16 * tower.tokens * tower.hidden**2)


def _cosines(tower: Tower) -> float:
    """Every patch with every other: also what it costs to gather patches by such a matrix."""
    return float(2 * (tower.tokens - 1) ** 2 * tower.hidden)


def _gem(tower: Tower) -> float:
    depth, rounds = min(6, tower.layers), 1 + 1  # one iteration, then the attention
    queries = _out(tower)  # of the last block
    return queries + depth * (3 * rounds * _attention(tower) + _out(tower))


def _clip_surgery(tower: Tower) -> float:
    return min(6, tower.layers) * (_attention(tower) + _out(tower))


def _self_attention(tower: Tower, queries: int = 0, times: int = 1) -> float:
    return queries * _out(tower) + times * _attention(tower) + _out(tower)


def _sc_clip(tower: Tower) -> float:
    keys_and_values = 2 * _out(tower)
    once = keys_and_values + _attention(tower) + _cosines(tower) + _out(tower)
    distances, alike, gathered = 1, 2, 2
    return 2 * once + (distances + alike + gathered) * _cosines(tower)


def _resclip(tower: Tower) -> float:
    first, last = (max(1, round(share * tower.layers)) for share in (6 / 12, 9 / 12))
    return _self_attention(tower, times=1 + last - first + 1)


_OWN: Mapping[str, Callable[[Tower], float]] = {
    "gem": _gem,
    "clip-surgery": _clip_surgery,
    "maskclip": _out,
    "clearclip": lambda tower: _self_attention(tower, queries=1),
    "sclip": lambda tower: _self_attention(tower, queries=1, times=2) + _feed_forward(tower),
    "naclip": _self_attention,
    "self-proxy": lambda tower: 2 * _cosines(tower) + _out(tower),
    "sc-clip": _sc_clip,
    "resclip": _resclip,
    "cls-attention": lambda tower: 2 * tower.layers * tower.tokens * tower.hidden + _out(tower),
    "clip": lambda tower: _self_attention(tower, queries=1) + _feed_forward(tower),
}
"""What a method does besides; queries of the last block where it takes them."""
