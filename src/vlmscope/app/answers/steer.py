"""What the model says when chosen heads are made to look at a box."""

from __future__ import annotations

from typing import Any

from vlmscope.app.answers.decoder import decoder_of
from vlmscope.app.answers.features import steering
from vlmscope.app.answers.session import head_set
from vlmscope.app.engine.pictures import StoredPicture
from vlmscope.app.refusal import Refusal
from vlmscope.app.service import Service
from vlmscope.attention import generate
from vlmscope.errors import BadHeadSetError, UnsupportedError
from vlmscope.heads.choice import resolve_heads
from vlmscope.models import LoadedModel, Prompt
from vlmscope.types import Box, Head

__all__ = ["steered_answer"]

_TOKENS = 64


def steered_answer(
    service: Service,
    picture: StoredPicture,
    question: Prompt,
    box: Box,
    strength: float,
    heads: Any,
) -> dict[str, Any]:
    """The answer as it is, and the one with attention led to a box: JSON values.

    Args:
        service: the model.
        picture: what is asked about.
        question: what is asked.
        box: xyxy float pixels of the picture.
        strength: of the bias on attention logits; 0: the clean model.
        heads: (layer, head) pairs; None: those that phrases are read from.

    Raises:
        UnsupportedError: this version cannot steer.
        BadHeadSetError: no heads are known, or some that the model does not have.
        Refusal: a box that is none.
    """
    model, steer = decoder_of(service.model), steering()
    if steer is None:
        raise UnsupportedError("This version of vlmscope cannot steer attention.")
    if box[0] >= box[2] or box[1] >= box[3]:
        raise Refusal(400, "bad-box", "A box is x0, y0, x1, y1 with x0 < x1 and y0 < y1.")
    chosen = _heads(model, heads or service.settings.heads)
    pixels, most = picture.opened.pixels, min(_TOKENS, service.settings.limits.tokens)
    clean = generate(model, pixels, question, max_new_tokens=most)
    with steer(model, chosen, towards=box, strength=strength):
        steered = generate(model, pixels, question, max_new_tokens=most)
    return {
        "clean": {"text": clean.text},
        "steered": {"text": steered.text},
        "strength": strength,
        "heads": [list(head) for head in chosen],
    }


def _heads(model: LoadedModel, heads: Any) -> tuple[Head, ...]:
    known = resolve_heads(heads, model) if heads is not None else head_set(model, None)
    if known is None:
        raise BadHeadSetError(f"No localization heads are known for {model.id}. Choose some.")
    return known.heads
