"""What the model says when chosen heads are drawn to a box."""

from __future__ import annotations

from typing import Any

from vlmscope.analysis.steering import steered_answer
from vlmscope.app.answers.decoder import decoder_of
from vlmscope.app.engine.pictures import StoredPicture
from vlmscope.app.service import Service
from vlmscope.models import Prompt
from vlmscope.types import Box

__all__ = ["steered_values"]

_TOKENS = 64


def steered_values(
    service: Service,
    picture: StoredPicture,
    question: Prompt,
    box: Box,
    strength: float,
    heads: Any,
) -> dict[str, Any]:
    """The answer as it is, and the one with attention drawn to a box: JSON values.

    Args:
        service: the model.
        picture: what is asked about.
        question: what is asked.
        box: xyxy float pixels of the picture.
        strength: added to the attention logits of the box; 0: the model as it is.
        heads: (layer, head) pairs; None: those that the app was started with.

    Raises:
        VlmscopeError: as :func:`vlmscope.steered_answer`.
    """
    result = steered_answer(
        decoder_of(service.model),
        picture.opened,
        question,
        box,
        heads=heads or service.settings.heads,
        strength=strength,
        max_new_tokens=min(_TOKENS, service.settings.limits.tokens),
        preset="chat",
    )
    return {
        "clean": {"text": result.clean},
        "steered": {"text": result.steered},
        "strength": result.strength,
        "heads": [list(head) for head in result.heads],
    }
