"""Read chosen attention rows while a model runs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from vlmscope.attention.installed import read_by
from vlmscope.attention.instrument import Binding, Forward
from vlmscope.attention.rows import layer_rows
from vlmscope.attention.selection import HeadChoice, RowChoice
from vlmscope.attention.trace_card import facts, trace_card, trace_view
from vlmscope.errors import AttentionError
from vlmscope.markup import one_line
from vlmscope.models import LoadedModel
from vlmscope.models.guard import check_model
from vlmscope.types import Head, TokenMap
from vlmscope.viewer import View

__all__ = ["Trace", "capture"]


@contextlib.contextmanager
def capture(
    model: LoadedModel,
    rows: str | int | Sequence[int] = "last_text",
    layers: Iterable[int] | None = None,
    heads: Iterable[int] | Iterable[tuple[int, int]] | None = None,
    keys: str = "image",
    average: bool = False,
) -> Iterator[Trace]:
    """Record attention rows of every pass inside the block.

    The model's output is bit-equal to its output without; memory grows with rows x keys.

    Args:
        model: the model to look into.
        rows: which positions' rows. ``"last_text"``: the last token of the phrase; ``"last_input"``:
            the last prompt token; ``"phrase"``: every token of the phrase; ``"generated"``: the rows
            that predict generated tokens; ``"box"``: of these, the rows that predict the
            coordinates of the first box in the answer; or positions (negative ones count from the
            prompt's end).
        layers: decoder layers, from 0; None: all that have attention rows (``model.row_layers``).
        heads: head numbers, from 0, read in every chosen layer; or (layer, head) pairs, which take
            the place of ``layers``; None: all.
        keys: ``"image"``: keep the attention on image tokens; ``"all"``: on every key.
        average: keep only the mean over the chosen heads of each layer; the second axis of the maps
            is then 1, and memory is a layer's and not a head's.

    Yields:
        The trace; read it during or after the block. It holds the LAST prefill or generation run
        inside the block: a new one starts it afresh, so two images never mix.

    Raises:
        UnknownNameError: for rows or keys that do not exist.
        AttentionError: for a layer or head out of range (the valid range is named), a layer that has
            no attention rows (those that have are named), or when the rows need a token map and the
            model was run by hand.
        UnsupportedError: ``rows="box"`` of a family that has no documented way of writing boxes.
    """
    check_model(model)
    if rows == "box":
        model.boxes  # noqa: B018 - raises where there is none
    choice = HeadChoice.of_model(model, layers, heads)
    trace = Trace(model, RowChoice.of(rows, model.read_answer), choice, keys, average)
    with read_by(model, trace):
        yield trace


class Trace:
    """Captured rows.

    Every row went through the softmax over ALL keys; cut to the image tokens it does not sum to one.

    Attributes:
        model: id of the model.
        keys: ``"image"`` or ``"all"``.
        average: whether means over heads were kept.
        layers: layers that are read, ascending: the first axis of ``maps``.
    """

    def __init__(
        self,
        model: LoadedModel,
        rows: RowChoice,
        heads: HeadChoice,
        keys: str,
        average: bool = False,
    ) -> None:
        if keys not in ("image", "all"):
            raise AttentionError(f"keys must be 'image' or 'all', got {keys!r}.")
        self.model = model.id
        self.keys = keys
        self._rows = rows
        self._heads = heads
        self.layers = tuple(heads.by_layer)
        self.average = average
        self._binding: Binding | None = None
        self._chunks: dict[int, list[Tensor]] = {}
        self._kept: list[tuple[Tensor, Tensor]] = []  # per pass: absolute positions, valid
        self._local: tuple[Tensor, Tensor] | None = None
        self._image_keys: Tensor | None = None
        self._nothing = ""  # why nothing is left of what was read

    def __repr__(self) -> str:
        return one_line(self, *facts(self))

    def _repr_html_(self) -> str:
        return self.view().inline(trace_card(self))

    def view(self) -> View:
        """What the viewer draws: attention on what was read, by layer and head, and where it lies."""
        return trace_view(self)

    # -- what the user reads -------------------------------------------------------------

    @property
    def empty(self) -> bool:
        """Whether no pass has computed the rows that were asked for yet."""
        return not self._kept

    @property
    def batch(self) -> int:
        """How many items it holds; 0 for an empty one."""
        return 0 if self.empty else int(self._kept[0][0].shape[0])

    @property
    def token_maps(self) -> tuple[TokenMap, ...]:
        """Token maps of the batch."""
        if self._binding is None:
            raise AttentionError(
                "This trace has no token map: the model was run by hand. Run it through "
                "vlmscope.prefill or vlmscope.generate."
            )
        return tuple(self._binding.token_maps)

    @property
    def token_map(self) -> TokenMap:
        """The token map, when there is one item in the batch."""
        return self.token_maps[self._only(None)]

    @property
    def maps(self) -> Tensor:
        """Float32 (layers, heads, rows, tokens) on the CPU, for a batch of one.

        ``tokens`` are the image tokens in ``token_map.image_positions`` order, or every key with
        ``keys="all"``; rows are in the order of positions.
        """
        return self.of(self._only(None))

    def of(self, item: int) -> Tensor:
        """Float32 (layers, heads, rows, tokens) of one batch item."""
        counts = {1 if self.average else self._heads.count(layer) for layer in self.layers}
        if len(counts) != 1:
            raise AttentionError(
                "The chosen (layer, head) pairs are not the same number in every layer, so they make "
                "no block. Read them with trace.rows_of([(layer, head), ...])."
            )
        maps = [self.layer_maps(layer, item) for layer in self.layers]
        if len({each.shape for each in maps}) > 1:
            raise AttentionError(
                "Layers of this model attend to different keys (text, or image tokens beside it), so "
                "their maps make no block. Name layers of one kind: vlmscope.capture(model, layers=...)."
            )
        return torch.stack(maps)

    def rows_of(self, heads: Sequence[tuple[int, int]], item: int | None = None) -> Tensor:
        """Float32 (len(heads), rows, tokens): the maps of single heads, in the order asked."""
        item = self._only(item)
        if self.average:
            raise AttentionError("This trace keeps means over heads; single heads are not in it.")
        read = {layer: self.layer_maps(layer, item) for layer in {layer for layer, _ in heads}}
        return torch.stack(
            [read[layer][self._heads.index(Head(layer, head))] for layer, head in heads]
        )

    def heads_of(self, layer: int) -> tuple[int, ...]:
        """The heads read in a layer, ascending."""
        return self._heads.by_layer[layer]

    def row_positions(self, item: int | None = None) -> Tensor:
        """Int64 (rows,): positions whose rows were read."""
        index = self._only(item)
        return torch.cat([positions[index][valid[index]] for positions, valid in self._kept]).cpu()

    def _only(self, item: int | None) -> int:
        if self.empty:
            raise AttentionError(
                self._nothing
                or "Nothing was captured: no pass inside the block computed the rows that were asked "
                "for. Run vlmscope.prefill or vlmscope.generate inside the capture."
            )
        if item is None and self.batch > 1:
            raise AttentionError(
                f"This trace holds a batch of {self.batch}; name one item: trace.of(0) to "
                f"trace.of({self.batch - 1})."
            )
        return item or 0

    def layer_maps(self, layer: int, item: int = 0) -> Tensor:
        """Float32 (heads, rows, tokens) of one layer; the first axis is 1 where means were kept."""
        if layer not in self._chunks:
            raise AttentionError(
                f"Layer {layer} was not read. Read: {sorted(self._chunks) or 'none'}."
            )
        parts = [
            chunk[item][:, valid[item]]
            for chunk, (_, valid) in zip(self._chunks[layer], self._kept, strict=True)
        ]
        width = max(part.shape[-1] for part in parts)  # all keys: later decode steps see more
        parts = [torch.nn.functional.pad(part, (0, width - part.shape[-1])) for part in parts]
        return torch.cat(parts, dim=1).float().cpu()

    # -- what the instrument calls -------------------------------------------------------

    def relabel(self, binding: Binding) -> None:
        """Longer token maps for what was captured (tokens were generated meanwhile)."""
        self._binding = binding
        if self._rows.name == "box" and self._kept:
            self._keep_boxes(binding.token_maps)

    def _keep_boxes(self, token_maps: Sequence[TokenMap]) -> None:
        """Of all rows that wrote the answers, leave those that wrote a box."""
        try:
            wanted = [set(self._rows.of_box(token_map)) for token_map in token_maps]
        except AttentionError as error:
            self._forget()  # the answer itself is still worth having: raise when rows are asked for
            self._nothing = str(error)
            return
        self._kept = [
            (
                positions,
                valid
                & torch.stack([_among(*each) for each in zip(positions, wanted, strict=True)]),
            )
            for positions, valid in self._kept
        ]

    def _forget(self) -> None:
        self._chunks = {}
        self._kept = []
        self._image_keys = None
        self._nothing = ""

    def begin(self, forward: Forward) -> None:
        """Which of this pass's rows are wanted."""
        by_hand = forward.binding is None and forward.past == 0
        if by_hand or forward.binding is not self._binding:
            self._forget()  # another prompt: two images never mix
        self._binding = forward.binding
        self._local = self._rows.resolve(forward)

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
        if self._local is None or layer not in self.layers:
            return
        positions, valid = (part.to(query.device) for part in self._local)
        batch = query.shape[0]
        positions, valid = positions.expand(batch, -1), valid.expand(batch, -1)
        rows = torch.where(valid, positions - forward.past, 0)
        heads = self._heads.tensor(layer, query.device)
        attention = layer_rows(self.model, query, key, mask, rows, heads, options)
        if layer == self.layers[0]:
            self._kept.append((positions, valid))
        kept = self._cut(attention, forward, key.shape[2])
        if self.average:
            kept = kept.mean(dim=1, keepdim=True)
        self._chunks.setdefault(layer, []).append(kept)

    def _cut(self, attention: Tensor, forward: Forward, keys: int) -> Tensor:
        """Keep the keys that were asked for; copied, so that the wide rows can be freed."""
        if self.keys == "all" or self._binding is None:
            gone = forward.key_start(keys)
            # keys that slid out of a window are no longer in the cache: nothing is read of them
            return torch.nn.functional.pad(attention, (gone, 0)) if gone else attention
        if self._binding.token_maps[0].crossed and not forward.crossed:
            # the sequence holds no image: these layers cannot look at it
            count = max(len(each.image_positions) for each in self._binding.token_maps)
            return attention.new_zeros(*attention.shape[:-1], count)
        if self._image_keys is None:
            each = [torch.from_numpy(m.image_positions) for m in self._binding.token_maps]
            width = max(len(keys_of) for keys_of in each)
            self._image_keys = torch.stack(
                [torch.nn.functional.pad(keys_of, (0, width - len(keys_of))) for keys_of in each]
            ).to(attention.device)
        # a model that is spread over devices computes its layers on several
        here = self._image_keys.to(attention.device).expand(attention.shape[0], -1)
        columns = here - forward.key_start(keys)
        index = columns.clamp_min(0)[:, None, None].expand(
            -1, attention.shape[1], attention.shape[2], -1
        )
        # a sliding-window layer no longer holds keys that slid out: their attention is zero
        return attention.gather(-1, index).masked_fill((columns < 0)[:, None, None], 0.0)


def _among(positions: Tensor, wanted: set[int]) -> Tensor:
    """Bool, like ``positions``: which of them are wanted."""
    chosen = [position in wanted for position in positions.tolist()]
    return torch.tensor(chosen, dtype=torch.bool, device=positions.device)
