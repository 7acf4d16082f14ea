"""What a trace holds, in a line and as a card of HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from vlmscope.errors import AttentionError
from vlmscope.markup import Table, card, picture, png, table
from vlmscope.types import Head
from vlmscope.viewer import Picture, View
from vlmscope.viewer.blocks import Block, PictureItem, head_map, pictures
from vlmscope.viewer.blocks import table as table_block
from vlmscope.viz import colorize, normalize

if TYPE_CHECKING:
    from torch import Tensor

    from vlmscope.attention.capture import Trace

__all__ = ["facts", "trace_card", "trace_view"]

_SIDE = 320  # pixels of the picture: cells are coarse
_COLUMNS = (
    "on the keys read: attention that a row gives to them, mean over rows and heads, and the most."
)


def facts(trace: Trace) -> list[str]:
    """Sentences on a trace, the most important first."""
    layers = trace.layers
    span = f"layers {layers[0]} to {layers[-1]}" if len(layers) > 1 else f"layer {layers[0]}"
    words = [f"{trace.model}, {len(layers)} layers read ({span})", f"keys: {trace.keys}"]
    if trace.empty:
        return ["nothing captured yet", *words]
    if trace.batch > 1:
        return [f"a batch of {trace.batch}", *words]
    rows = trace.row_positions(0).tolist()
    shown = ", ".join(map(str, rows[:6])) + ("…" if len(rows) > 6 else "")
    return [*words, f"rows of {len(rows)} positions: {shown}"]


def trace_card(trace: Trace) -> str:
    """Attention by layer, and where on the image it lies on average."""
    lead, parts = "; ".join(facts(trace)), []
    if trace.batch == 1:
        maps = {layer: trace.layer_maps(layer) for layer in trace.layers}
        if all(0 not in each.shape for each in maps.values()):
            parts = [_painted(trace, list(maps.values())), table(_by_layer(trace, maps), _COLUMNS)]
    return card("Captured attention", *parts, lead=lead)


def trace_view(trace: Trace) -> View:
    """The same with the share of every head as a map over layers and heads."""
    blocks: list[Block] = []
    if trace.batch == 1:
        maps = {layer: trace.layer_maps(layer) for layer in trace.layers}
        if all(0 not in each.shape for each in maps.values()):
            painted = _painted_image(trace, list(maps.values()))
            if painted is not None:
                item = PictureItem(_png(painted), painted.size, "Mean attention on the image")
                blocks.append(pictures([item]))
            blocks += [*_by_head(trace, maps), table_block(*_by_layer(trace, maps), _COLUMNS)]
    return View("Captured attention", "; ".join(facts(trace)), blocks)


def _by_head(trace: Trace, maps: dict[int, Tensor]) -> list[Block]:
    """The share of the rows on the keys read, by layer and head; nothing where layers differ."""
    shares = [values.sum(dim=-1).mean(dim=-1) for values in maps.values()]
    if len({each.shape for each in shares}) > 1:
        return []
    layers = ", ".join(map(str, trace.layers))
    return [
        head_map(
            np.stack([each.numpy() for each in shares]),
            title="Attention on the keys read",
            label="share, mean over rows",
            rows_label=f"layer read ({layers})" if trace.layers[0] else "layer",
        )
    ]


def _by_layer(trace: Trace, maps: dict[int, Tensor]) -> Table:
    rows = []
    for layer, values in maps.items():
        shares = values.sum(dim=-1).mean(dim=-1)  # (heads,)
        most = int(shares.argmax())
        name = "mean of heads" if trace.average else str(Head(layer, trace.heads_of(layer)[most]))
        rows.append((layer, float(shares.mean()), float(shares[most]), name))
    return ("layer", "on the keys read", "most", "by head"), rows


def _painted(trace: Trace, maps: list[Tensor]) -> str:
    shown = _painted_image(trace, maps)
    return "" if shown is None else picture(shown, "Mean attention on the image")


def _painted_image(trace: Trace, maps: list[Tensor]) -> Image.Image | None:
    """The mean of everything that was read, painted on the image's pixels; None where it has none."""
    if trace.keys != "image" or len({each.shape[-1] for each in maps}) > 1:
        return None
    try:
        token_map = trace.token_map
    except AttentionError:  # run by hand: nobody knows where the image is
        return None
    if token_map.images > 1:
        return None
    mean = np.mean([each.mean(dim=(0, 1)).numpy() for each in maps], axis=0)
    if len(mean) != len(token_map.image_positions):
        return None
    painted = Image.fromarray(token_map.to_pixels(mean))
    painted.thumbnail((_SIDE, _SIDE))  # before it is coloured: an image may be large
    return Image.fromarray(colorize(normalize(np.asarray(painted))))


def _png(image: Image.Image) -> Picture:
    return Picture(png(image, _SIDE), "image/png")
