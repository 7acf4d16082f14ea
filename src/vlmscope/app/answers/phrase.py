"""A phrase as the page draws it: its scene, and a grid of all heads."""

from __future__ import annotations

from typing import Any

from vlmscope.app.answers.ground import ground_phrase
from vlmscope.app.answers.heads import heads_block
from vlmscope.app.answers.recipe import ground_recipe
from vlmscope.app.answers.scene import scene_block
from vlmscope.app.answers.session import head_set
from vlmscope.app.engine.pictures import StoredPicture
from vlmscope.app.service import Service
from vlmscope.models import Prompt
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
    grounding = grounded.grounding
    known = head_set(model, named)
    recipe = ground_recipe(model, grounding.phrase, grounding.method, heads)
    reads_heads = "heads" in grounding.details
    scene = scene_block(grounding, picture.shown, known if reads_heads else None, **recipe)
    blocks = [scene]
    if grounded.maps is not None:
        chosen = known if reads_heads else None
        blocks.append(heads_block(grounded.maps, model.decoder_shape, scene["id"], chosen))  # type: ignore[union-attr]
    return View(grounding.phrase, f"{grounding.method} of {model.id}", blocks)
