"""Whether the answer needs what the map of a phrase lights up."""

from __future__ import annotations

from typing import Any

from vlmscope.analysis.faithfulness import Faithfulness, faithfulness
from vlmscope.analysis.faithfulness.result import WAYS
from vlmscope.app.answers.decoder import decoder_of
from vlmscope.app.answers.ground import ground_phrase
from vlmscope.app.engine.pictures import StoredPicture
from vlmscope.app.service import Service
from vlmscope.models import Prompt
from vlmscope.viewer import View

__all__ = ["faithfulness_view"]

_LABELS = {
    "deletion": ("Taken away, the brightest first", "share of the picture taken away"),
    "insertion": ("Shown alone, the brightest first", "share of the picture shown"),
}


def faithfulness_view(
    service: Service,
    picture: StoredPicture,
    phrase: Prompt,
    question: Prompt,
    method: str | None,
    heads: Any,
) -> View:
    """Curves of one map, beside a random order.

    Args:
        service: the model.
        picture: what is asked about.
        phrase: whose map is tried.
        question: whose answer is followed.
        method: id of the map's method; None: the usual one.
        heads: (layer, head) pairs; None: those that the app was started with.

    Raises:
        VlmscopeError: as :func:`vlmscope.faithfulness`.
    """
    model = decoder_of(service.model)
    named = heads or service.settings.heads
    grounded = ground_phrase(model, service.prefixes, picture, phrase, method, named)
    result = faithfulness(model, grounded.grounding, question)
    answer = result.records[0]["answer"]
    blocks = [_curves(result, way) for way in WAYS]
    return View(phrase.text, f"Asked “{question.text}”, the model says “{answer}”.", blocks)


def _curves(result: Faithfulness, way: str) -> dict[str, Any]:
    form = result.forms[0]
    record = result.records[0]
    title, label = _LABELS[way]
    return {
        "type": "curves",
        "title": title,
        "x_label": label,
        "y_label": "probability of the answer",
        "x": list(record["removed"]),
        "x_scale": "linear",
        "series": [
            {
                "name": name,
                "values": [
                    [value, value, value] for value in record["forms"][form]["orders"][name][way]
                ],
            }
            for name in result.maps
        ],
        "span": None,
        "caption": "One picture and one question: a hint, not a measurement.",
    }
