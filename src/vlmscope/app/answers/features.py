"""Which questions a model can be asked; the page shows what is there, and nothing is promised."""

from __future__ import annotations

from vlmscope.models import DualEncoder, LoadedModel

__all__ = ["features_of"]


def features_of(model: LoadedModel | DualEncoder) -> dict[str, bool]:
    """What can be asked beside phrases.

    A family that reads the image by cross-attention has no image tokens in the sequence, so that none
    can be decoded. One whose image tokens stand for no place says so when it is asked.
    """
    answers = isinstance(model, LoadedModel)
    in_sequence = isinstance(model, LoadedModel) and not model.family.crossed
    return {
        "answer": answers,
        "knockout": answers,
        "steer": answers,
        "lens": in_sequence,
        "faithfulness": answers,
    }
