"""A prompt with an answer fed in word for word (teacher forcing), from the ids that were generated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.attention.installed import instrument
from vlmscope.attention.instrument import Binding
from vlmscope.errors import BadPhraseError
from vlmscope.models import Encoded, LoadedModel, Prompt
from vlmscope.models.layout.token_maps import token_map
from vlmscope.models.prompts.encoding import EncodedText, pad_batch
from vlmscope.models.prompts.prompt import PromptRequest
from vlmscope.types import Role

__all__ = ["answer_ids", "encode_answer", "encode_forced", "run_forced"]


def encode_answer(
    model: LoadedModel, prompt: Prompt, answer: str, images: int, preset: str | None
) -> EncodedText:
    """A prompt with a given answer behind it.

    Raises:
        BadPhraseError: an answer that becomes no token.
    """
    blank = model.fit(np.full((32, 32, 3), 127, dtype=np.uint8))
    answered = Prompt(prompt.text, prompt.phrase, answer)
    text = model.encode_prompt(answered, [blank] * images, preset)
    if not (text.roles == Role.GENERATED).any():
        raise BadPhraseError(
            f"The answer {answer!r} becomes no token, so nothing can be read of it."
        )
    return text


def answer_ids(
    model: LoadedModel, prompt: Prompt, answer: str, images: int, preset: str | None
) -> NDArray[np.int64]:
    """Ids of a given answer as it would stand behind a prompt; raises as :func:`encode_answer`."""
    text = encode_answer(model, prompt, answer, images, preset)
    ids: NDArray[np.int64] = text.ids[text.roles == Role.GENERATED]
    return ids


def encode_forced(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    prompt: str | Prompt,
    ids: Sequence[int] | NDArray[np.int64],
    *,
    preset: str | None = None,
    placement: str | None = None,
) -> Encoded:
    """Prompt and answer as one sequence.

    Args:
        model: the model.
        pixels: uint8 (height, width, 3).
        prompt: what was asked.
        ids: int (n,): what was answered.
        preset, placement: as for :func:`vlmscope.prefill`.
    """
    request = PromptRequest(Prompt.of(prompt), 1, model.resolve_preset(preset))
    image = model.see(model.fit(pixels, placement), request)
    text = model.encode_prompt(Prompt(request.prompt.text, request.prompt.phrase), [image], preset)
    more = np.asarray(ids, dtype=np.int64)
    words = tuple(model.processor.tokenizer.decode([token]) for token in more.tolist())
    longer = replace(
        text,
        ids=np.concatenate([text.ids, more]),
        roles=np.concatenate([text.roles, np.full(len(more), Role.GENERATED, dtype=np.int8)]),
        tokens=text.tokens + words,
    )
    batch, _ = pad_batch([longer], model.pad_id, "right")
    inputs = model.complete(batch, [[image]], [request])
    size = (int(pixels.shape[0]), int(pixels.shape[1]))
    whole_map = token_map(longer, [image], [size], crossed=model.family.crossed)
    return Encoded(inputs, (whole_map,))


def run_forced(model: LoadedModel, encoded: Encoded) -> tuple[Tensor, Tensor]:
    """One pass over prompt and answer; active captures and knock-outs apply.

    Returns:
        Float32 (answer tokens,) log-probability of each, and bool (answer tokens,) whether it is the
        likeliest at its place.
    """
    tokens = encoded.token_maps[0]
    rows = torch.from_numpy(tokens.positions("generated") - 1)
    with instrument(model) as active, model.frozen(), active.bound(Binding(encoded.token_maps)):
        logits = model.family.forward(model.hf, rows.to(model.device), **encoded.inputs)[0]
    wanted = encoded.inputs["input_ids"][0, rows.to(model.device) + 1]
    scores = logits.float().log_softmax(-1)
    chosen = scores.gather(-1, wanted[:, None].to(scores.device))[:, 0]
    return chosen.cpu(), (scores.argmax(-1) == wanted.to(scores.device)).cpu()
