"""What the model says, word by word, with what each word looked at."""

from __future__ import annotations

from typing import Any

import numpy as np

from vlmscope.analysis.tokens import GroundedAnswer, TokenOptions, token_grounding
from vlmscope.analysis.tokens.result import CAVEAT
from vlmscope.app.answers.decoder import decoder_of
from vlmscope.app.engine.pictures import StoredPicture
from vlmscope.app.service import Service
from vlmscope.models import Prompt
from vlmscope.results.geometry_blocks import cells_block
from vlmscope.viewer import View

__all__ = ["answer_view"]


def answer_view(
    service: Service, picture: StoredPicture, question: Prompt, max_tokens: int
) -> View:
    """Ask, and look at the words of the answer.

    Raises:
        VlmscopeError: as :func:`vlmscope.token_grounding`.
    """
    model = decoder_of(service.model)
    most = min(max_tokens, service.settings.limits.tokens)
    options = TokenOptions(max_new_tokens=most)
    answer = token_grounding(model, picture.opened, question, options=options)
    return View(question.text, answer.text, [_scene(answer, picture), _words(answer)])


def _scene(answer: GroundedAnswer, picture: StoredPicture) -> dict[str, Any]:
    weights = answer.map_of(range(len(answer.words)))
    return {
        "type": "scene",
        "id": "scene",
        "image": picture.shown,
        "size": list(picture.opened.size),
        "title": answer.text,
        "cells": cells_block(answer.token_map),
        "map": weights.astype(np.float32),
        "scale": [float(weights.min()), float(weights.max())],
        "scale_note": "stretched to its own range",
        "seen": list(answer.token_map.seen),
        "box": None,
        "point": None,
        "mask": None,
        "instances": [],
        "score": None,
        "score_note": "",
        "chance": None,
        "evidence": [],  # no heads were chosen, so none has to be vouched for
        "warnings": list(answer.warnings),
        "facts": [["asked", answer.prompt]],
        "python": "",
        "command": "",
    }


def _words(answer: GroundedAnswer) -> dict[str, Any]:
    maps = np.stack([word.maps for word in answer.words])
    scale = maps.max(axis=-1)
    relative = np.divide(
        maps, scale[..., None], out=np.zeros_like(maps), where=scale[..., None] > 0
    )
    return {
        "type": "words",
        "scene": "scene",
        "prompt": answer.prompt,
        "text": answer.text,
        "words": [
            {
                "text": word.text,
                "start": word.word.start,
                "end": word.word.end,
                "lost": word.lost,
                "maybe_guessed": word.maybe_guessed,
                "gain": word.gain,
                "log_prob": word.log_prob,
                "blank_log_prob": word.blank_log_prob,
                "blocked_log_prob": word.blocked_log_prob,
            }
            for word in answer.words
        ],
        "cells": cells_block(answer.token_map),
        "rows": relative.astype(np.float16),
        "scale": scale.astype(np.float32),
        "share": np.stack([word.share for word in answer.words]).astype(np.float32),
        "blank_share": np.stack([word.blank_share for word in answer.words]).astype(np.float32),
        "other_shares": None,
        "layers": list(answer.layers),
        "caveat": CAVEAT,
    }
