"""Questions that only a model with a text decoder can be asked."""

from __future__ import annotations

from vlmscope.errors import UnsupportedError
from vlmscope.models import DualEncoder, LoadedModel

__all__ = ["decoder_of"]


def decoder_of(model: LoadedModel | DualEncoder) -> LoadedModel:
    """The model, if it answers in words.

    Raises:
        UnsupportedError: it is an encoder.
    """
    if not isinstance(model, LoadedModel):
        raise UnsupportedError(
            f"{model.id} is an encoder and says nothing. Start the app with a model that answers in "
            "words, such as tiny-llava."
        )
    return model
