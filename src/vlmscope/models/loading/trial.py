"""A blank picture and a word through the processor of a model that was just loaded.

Settings that no loader checks, such as a mean of four channels, would else come to light in the middle
of a job, as whatever the processor stumbles over.
"""

from __future__ import annotations

import contextlib

import numpy as np

from vlmscope.errors import ModelLoadError, ModelMismatchError, VlmscopeError
from vlmscope.models.decoders.model import LoadedModel
from vlmscope.models.encoders.dual import DualEncoder
from vlmscope.models.loading.refusals import is_fault

__all__ = ["try_processor"]

_SIZE = (48, 64)
_WORD = "a"


def try_processor(model: LoadedModel | DualEncoder) -> None:
    """Refuse a processor that fails on the plainest input; the model computes nothing.

    What vlmscope itself says of the input is left to be said when it is used.

    Raises:
        ModelLoadError: with what the processor raised.
        ModelMismatchError: a tokenizer with an id that the model does not embed.
    """
    _check_ids(model)
    try:
        with contextlib.suppress(VlmscopeError):
            _use(model)
    except BaseException as error:  # a processor with wrong settings can raise anything
        if not is_fault(error):
            raise
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise ModelLoadError(
            f"The processor of {model.id} fails on a blank picture and a word ({reason}). Its settings "
            "were edited or belong to another model: fetch its *_config.json and tokenizer files again."
        ) from error


def _use(model: LoadedModel | DualEncoder) -> None:
    blank = np.zeros((*_SIZE, 3), np.uint8)
    if isinstance(model, LoadedModel):
        model.encode_prompt(_WORD, [model.fit(blank)])
        return
    model.fit(blank)
    tokenizer = getattr(model.processor, "tokenizer", None)
    if tokenizer is not None:
        tokenizer([_WORD], padding=True, return_tensors="pt", verbose=False)
        model.family.unknown_words(model.processor, [_WORD])


def _check_ids(model: LoadedModel | DualEncoder) -> None:
    """Ids may have gaps, so the number of tokens does not tell the highest."""
    tokenizer = getattr(model.processor, "tokenizer", None)
    rows = _embedded(model)
    if tokenizer is None or rows is None:
        return
    token, highest = max(tokenizer.get_vocab().items(), key=lambda each: each[1])
    if highest >= rows:
        raise ModelMismatchError(
            f"The tokenizer of {model.id} gives {token[:40]!r} the id {highest}, and the model embeds "
            f"{rows} tokens. Load the processor that belongs to the model."
        )


def _embedded(model: LoadedModel | DualEncoder) -> int | None:
    """How many tokens the model embeds; None where it reads no text."""
    if isinstance(model, LoadedModel):
        return int(model.hf.get_input_embeddings().weight.shape[0])
    text = getattr(model.hf.config, "text_config", None)
    return getattr(text, "vocab_size", None)
