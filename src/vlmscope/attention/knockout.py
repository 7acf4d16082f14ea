"""Block attention edges: rows of a target role may not read keys of a source role.

The blocked logits never enter the softmax, so their probability is exactly 0 and the rest of the row
renormalises (docs/methods/knock-out.md).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from vlmscope.attention.installed import instrument
from vlmscope.attention.instrument import Binding, Forward
from vlmscope.attention.selection import HeadChoice, check_layers, check_row_layers
from vlmscope.errors import AttentionError, UnknownNameError
from vlmscope.models import LoadedModel
from vlmscope.models.guard import check_model
from vlmscope.types import TokenMap

__all__ = ["EDGE_ROLES", "Edge", "Knockout", "knockout", "role_positions"]

EDGE_ROLES = ("system", "image", "query", "phrase", "text", "generated", "last")

Place = str | int | Sequence[int]
Edge = tuple[Place, Place]
"""(source, target): information flows from the source's keys to the target's rows."""


@contextlib.contextmanager
def knockout(
    model: LoadedModel,
    edges: Iterable[Edge],
    layers: Iterable[int] | None = None,
    heads: Iterable[int] | None = None,
    keep_own: bool = False,
) -> Iterator[None]:
    """Block edges in every pass inside the block.

    Args:
        model: the model.
        edges: (source, target) pairs; each side is a token role (``system``, ``image``, ``query``,
            ``phrase``, ``text`` = every non-image prompt token, ``generated``, ``last`` = the last
            prompt position, which predicts the first generated token) or positions.
            ``("image", "query")`` keeps the query's rows from reading the image.
        layers: where; None: every layer. Edges exist in layers with attention rows alone: of a range
            that holds others too, those with rows are blocked (``model.row_layers``).
        heads: which heads; None: all.
        keep_own: a row goes on reading its own position, also where it is of the source role.

    Raises:
        UnknownNameError: for a role that does not exist.
        AttentionError: for a layer or head out of range, layers none of which has attention rows, or
            no edge.
        KnockoutError: during a pass, when a row would lose every key.
    """
    check_model(model)
    part = Knockout(model, edges, layers, heads, keep_own)
    with instrument(model) as active:
        active.blockers.append(part)
        try:
            yield
        finally:
            active.blockers.remove(part)


class Knockout:
    """One set of blocked edges."""

    def __init__(
        self,
        model: LoadedModel,
        edges: Iterable[Edge],
        layers: Iterable[int] | None,
        heads: Iterable[int] | None,
        keep_own: bool = False,
    ) -> None:
        self._keep_own = keep_own
        count, self._total_heads = model.decoder_shape
        self._edges = [_checked(edge) for edge in edges]
        if not self._edges:
            raise AttentionError(
                "A knock-out needs at least one edge, for example ('image', 'query')."
            )
        self._layers = frozenset(range(count) if layers is None else check_layers(layers, count))
        if self._layers.isdisjoint(model.row_layers):
            check_row_layers(model, self._layers)
        choice = HeadChoice.of(model.decoder_shape, None, heads)
        self._heads = None if heads is None else choice.by_layer[0]

    def describe(self) -> str:
        """For error messages."""
        return ", ".join(f"{source} -> {target}" for source, target in self._edges)

    def blocks(self, layer: int) -> bool:
        """Whether this knock-out acts in a layer."""
        return layer in self._layers

    def blocked(self, forward: Forward, batch: int, keys: int, device: torch.device) -> Tensor:
        """Bool (batch, heads or 1, queries, keys), True where an edge is blocked."""
        start = forward.key_start(keys)
        end = forward.past + forward.queries
        result = torch.zeros(batch, forward.queries, keys, dtype=torch.bool)
        for item in range(batch):
            for source, target in self._edges:
                sources = self._sources(source, item, forward, keys)
                targets = _inside(self._positions(target, item, forward), forward.past, end)
                if len(sources) and len(targets):
                    result[item][targets[:, None] - forward.past, sources[None, :] - start] = True
        if self._keep_own and not forward.crossed:
            rows = torch.arange(forward.past, end)
            held = rows[(rows >= start) & (rows < start + keys)]
            result[:, held - forward.past, held - start] = False
        whole = result[:, None]
        if self._heads is not None:
            chosen = torch.zeros(self._total_heads, dtype=torch.bool)
            chosen[list(self._heads)] = True
            whole = whole & chosen[None, :, None, None]
        return whole.to(device)

    def _sources(self, source: Place, item: int, forward: Forward, keys: int) -> Tensor:
        """Absolute key positions; a cross-attention layer has the image's keys and no others."""
        if forward.crossed:
            return torch.arange(keys if source == "image" else 0)
        start = forward.key_start(keys)
        return _inside(self._positions(source, item, forward), start, start + keys)

    def _positions(self, place: Place, item: int, forward: Forward) -> Tensor:
        binding = forward.binding
        if not isinstance(place, str):
            numbers = [place] if isinstance(place, int) else list(place)
            shift = 0
            if binding is not None:  # positions count from the item's first real token
                shift = int(binding.of_item(item).roles.nonzero()[0][0])
            return torch.tensor([number + shift for number in numbers])
        if binding is None:
            raise AttentionError(
                f"The edge {self.describe()!r} names a token role, so what each position is must be "
                "known. Run the model through vlmscope.prefill or vlmscope.generate, or give positions."
            )
        end = forward.past + forward.queries
        return role_positions(binding, binding.of_item(item), place, end)


def role_positions(binding: Binding, token_map: TokenMap, role: str, end: int) -> Tensor:
    if role == "last":
        text = token_map.positions("text")
        prompts = binding.prompts(token_map)
        inside = [text[(text >= start) & (text < stop)][-1:] for start, stop in prompts]
        return torch.from_numpy(np.concatenate(inside))
    positions = torch.from_numpy(token_map.positions(role))
    if role == "generated" and binding.generating:
        # tokens that are generated now are not in the token map yet
        positions = torch.cat([positions, torch.arange(len(token_map), max(end, len(token_map)))])
    return positions


def _inside(positions: Tensor, start: int, end: int) -> Tensor:
    return positions[(positions >= start) & (positions < end)]


def _checked(edge: Edge) -> Edge:
    if not isinstance(edge, tuple) or len(edge) != 2:
        raise AttentionError(f"An edge is a (source, target) pair, got {edge!r}.")
    for place in edge:
        if isinstance(place, str) and place not in EDGE_ROLES:
            raise UnknownNameError("token role", place, EDGE_ROLES, "Or give positions.")
    return edge
