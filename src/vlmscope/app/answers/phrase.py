"""A phrase as the page draws it: its scene, and a grid of all heads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from vlmscope.app.answers.ground import ground_phrase
from vlmscope.app.answers.session import head_set
from vlmscope.app.engine.pictures import StoredPicture
from vlmscope.app.service import Service
from vlmscope.attention import HeadMaps
from vlmscope.heads.heads_block import heads_block
from vlmscope.methods import get_method
from vlmscope.models import DualEncoder, LoadedModel, Prompt
from vlmscope.results import Grounding
from vlmscope.results.scene import scene_block
from vlmscope.viewer import View

__all__ = ["phrase_view"]


def phrase_view(
    service: Service,
    picture: StoredPicture,
    phrase: Prompt,
    method: str | None = None,
    heads: Any = None,
    all_heads: bool = True,
) -> View:
    """Where a phrase is.

    Args:
        service: the model and what it has read.
        picture: where to look.
        phrase: what for.
        method: id; None: the usual one.
        heads: (layer, head) pairs; None: those that the app was started with.
        all_heads: with a grid of the maps of all heads, where the method reads any.

    Raises:
        VlmscopeError: as :func:`vlmscope.ground`.
    """
    model, named = service.model, heads or service.settings.heads
    grounded = ground_phrase(model, service.prefixes, picture, phrase, method, named, all_heads)
    grounding = _said(grounded.grounding, heads)
    blocks = [scene_block(grounding, picture=picture.shown)]
    if grounded.maps is not None:
        blocks.append(_grid(model, grounding, grounded.maps, service.settings.heads))
    return View(grounding.phrase, f"{grounding.method} of {model.id}", blocks)


def _said(grounding: Grounding, heads: Any) -> Grounding:
    """A grounding that says so where heads were chosen and its method reads none."""
    if heads is None or "heads" in get_method(grounding.method).takes:
        return grounding
    unread = f"{grounding.method} reads no chosen heads, so those that were chosen change nothing."
    return replace(grounding, warnings=(unread, *grounding.warnings))


def _grid(
    model: LoadedModel | DualEncoder, grounding: Grounding, maps: HeadMaps, named: Any
) -> dict[str, Any]:
    """All heads; those that cannot look at the image have no rows."""
    assert isinstance(model, LoadedModel)  # heads were read
    values = maps.one_row()
    rows = np.full((*model.decoder_shape, values.shape[-1]), np.nan, dtype=np.float32)
    rows[tuple(np.array(maps.heads).T)] = values
    chosen = () if grounding.head_set is None else grounding.head_set.heads
    return heads_block(
        maps.token_map,
        rows,
        chosen=chosen,
        head_set=head_set(model, named),  # what is known of heads, whichever were chosen
        rows_name=", ".join(maps.row_tokens),
    )
