"""How much attention groups of rows give to groups of keys, summed up as the model runs.

Whole rows are needed for this, of every layer and head: they are reduced layer by layer and block by
block, so that memory never holds more than one block of them (docs/methods/attention-flow.md).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.attention.installed import read_by
from vlmscope.attention.instrument import Forward
from vlmscope.attention.rows import layer_rows
from vlmscope.errors import AttentionError
from vlmscope.models import LoadedModel
from vlmscope.types import Role, TokenMap

__all__ = ["SOURCES", "TARGETS", "Shares", "shares"]

SOURCES = ("image", "system", "query", "generated")
"""Groups of keys. ``query``: every prompt token after the image, the phrase included."""

TARGETS = ("query", "last", "generated")
"""Groups of rows. ``last``: the last prompt token; it belongs to ``query`` as well."""

_BLOCK = 1 << 24  # values of one block of rows: 64 MB of float32

_SOURCE_OF_ROLE = {
    Role.IMAGE: 0,
    Role.SYSTEM: 1,
    Role.QUERY: 2,
    Role.PHRASE: 2,
    Role.GENERATED: 3,
}


@contextlib.contextmanager
def shares(model: LoadedModel, targets: Sequence[str] = TARGETS) -> Iterator[Shares]:
    """Sum up attention in every pass inside the block, one prompt at a time.

    Args:
        model: the model to look into.
        targets: of :data:`TARGETS`.

    Yields:
        The sums; read them after a prefill or a generation. A new prompt starts them afresh.

    Raises:
        AttentionError: an unknown target, or during a pass a batch of several prompts.
    """
    reader = Shares(model, targets)
    with read_by(model, reader):
        yield reader


class Shares:
    """Sums over rows of the attention given to groups of keys."""

    def __init__(self, model: LoadedModel, targets: Sequence[str]) -> None:
        wrong = [target for target in targets if target not in TARGETS]
        if wrong or not targets:
            raise AttentionError(f"Targets are {', '.join(TARGETS)}, got {list(targets)}.")
        self.targets = tuple(targets)
        self._name = model.id
        self._shape = model.decoder_shape
        self._row_layers = list(model.row_layers)
        self._binding: Any = None
        self._rows: list[Tensor] = []
        self._groups = torch.zeros(0)
        self._reset()

    def _reset(self) -> None:
        size = (len(self.targets), *self._shape)
        self._sums = torch.zeros(*size, len(SOURCES), dtype=torch.float64)
        self._entropy = torch.zeros(size, dtype=torch.float64)
        self._count = torch.zeros(len(self.targets), dtype=torch.long)

    @property
    def rows(self) -> NDArray[np.int64]:
        """Int (targets,): how many rows each group had; 0 where the prompt has none."""
        return self._count.numpy()

    @property
    def means(self) -> NDArray[np.float64]:
        """Float (targets, layers, heads, sources): mean share per row; NaN for a group without rows,
        and in layers that have no attention rows."""
        return self._per_row(self._sums)

    @property
    def entropies(self) -> NDArray[np.float64]:
        """Float (targets, layers, heads): mean entropy in nats of the part on the image tokens; NaN as
        there."""
        return self._per_row(self._entropy)

    def _per_row(self, sums: Tensor) -> NDArray[np.float64]:
        counts = self.rows.astype(np.float64).reshape(-1, *[1] * (sums.ndim - 1))
        with np.errstate(invalid="ignore"):
            means: NDArray[np.float64] = sums.numpy() / counts
        rowless = np.setdiff1d(np.arange(means.shape[1]), self._row_layers)
        means[:, rowless] = np.nan
        return means

    # -- what the instrument calls -------------------------------------------------------

    def begin(self, forward: Forward) -> None:
        """Which rows this pass computes, by target, and which group each key is of."""
        binding = forward.binding
        if binding is None or len(binding.token_maps) != 1 or binding.segments is not None:
            raise AttentionError(
                "Attention flow is summed up for one prompt at a time. Run it through "
                "vlmscope.prefill or vlmscope.generate with one image and one prompt."
            )
        if binding is not self._binding:
            self._binding = binding
            self._reset()
        token_map, end = binding.token_maps[0], forward.past + forward.queries
        self._groups = _key_groups(token_map, end)
        self._rows = [
            _target_rows(token_map, target, forward.past, end) - forward.past
            for target in self.targets
        ]
        self._count += torch.tensor([len(rows) for rows in self._rows])

    def read(
        self,
        layer: int,
        query: Tensor,
        key: Tensor,
        mask: Tensor | None,
        options: dict[str, Any],
        forward: Forward,
    ) -> None:
        """Called by the instrument in every layer."""
        wanted = torch.unique(torch.cat(self._rows))
        if not len(wanted):
            return
        keys = key.shape[2]
        groups = self._groups_of(forward, keys).to(query.device)
        step = max(1, _BLOCK // (query.shape[1] * keys))
        for block in wanted.split(step):
            rows = block.to(query.device)[None]
            attention = layer_rows(self._name, query, key, mask, rows, None, options)
            self._add(layer, block, attention[0], groups)

    def _groups_of(self, forward: Forward, keys: int) -> Tensor:
        if forward.crossed:
            return torch.zeros(keys, dtype=torch.long)  # nothing but the image
        start = forward.key_start(keys)
        return self._groups[start : start + keys]

    def _add(self, layer: int, block: Tensor, attention: Tensor, groups: Tensor) -> None:
        """Add rows, float (heads, rows, keys), to every target that they belong to."""
        onto = torch.stack(
            [attention[..., groups == index].sum(-1) for index in range(len(SOURCES))], -1
        )
        entropy = _entropy(attention[..., groups == 0]).double().cpu()
        onto = onto.double().cpu()
        for index, rows in enumerate(self._rows):
            mine = torch.isin(block, rows)
            self._sums[index, layer] += onto[:, mine].sum(1)
            self._entropy[index, layer] += entropy[:, mine].sum(1)


def _entropy(image: Tensor) -> Tensor:
    """(heads, rows): -sum p log p of the attention on the image, made a distribution; 0 for none."""
    total = image.sum(-1, keepdim=True)
    shares = image / total.clamp_min(torch.finfo(image.dtype).tiny)
    return torch.special.entr(shares).sum(-1)


def _key_groups(token_map: TokenMap, end: int) -> Tensor:
    """Int (positions,): index into SOURCES; -1 for padding."""
    groups = torch.full((max(end, len(token_map)),), 3, dtype=torch.long)
    groups[: len(token_map)] = torch.tensor(
        [_SOURCE_OF_ROLE.get(Role(int(role)), -1) for role in token_map.roles]
    )
    if token_map.crossed:  # the image's placeholder is text like any other
        groups[groups == 0] = 1
    return groups


def _target_rows(token_map: TokenMap, target: str, start: int, end: int) -> Tensor:
    """Absolute positions of a target's rows that lie in start ... end - 1."""
    if target == "last":
        positions = token_map.positions("text")[-1:]
    elif target == "generated":
        written = token_map.positions("generated")
        positions = np.concatenate([written, np.arange(len(token_map), end)])
    else:
        positions = token_map.positions("query")
    return torch.from_numpy(positions[(positions >= start) & (positions < end)])
