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

__all__ = [
    "answer_ids",
    "encode_answer",
    "encode_forced",
    "encode_forced_batch",
    "run_forced",
    "run_forced_batch",
    "with_answer",
]


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
    return encode_forced_batch(model, [pixels], prompt, ids, preset=preset, placement=placement)


def encode_forced_batch(
    model: LoadedModel,
    pictures: Sequence[NDArray[np.uint8]],
    prompt: str | Prompt,
    ids: Sequence[int] | NDArray[np.int64],
    *,
    preset: str | None = None,
    placement: str | None = None,
) -> Encoded:
    """One prompt and answer on several pictures of one size, as one batch.

    Args:
        model: the model.
        pictures: uint8 (height, width, 3) each.
        prompt, ids, preset, placement: as for :func:`encode_forced`.
    """
    request = PromptRequest(Prompt.of(prompt), 1, model.resolve_preset(preset))
    images = [model.see(model.fit(pixels, placement), request) for pixels in pictures]
    text = model.encode_prompt(
        Prompt(request.prompt.text, request.prompt.phrase), images[:1], preset
    )
    longer = with_answer(model, text, ids)
    batch, _ = pad_batch([longer] * len(images), model.pad_id, "right")
    inputs = model.complete(batch, [[image] for image in images], [request] * len(images))
    size = (int(pictures[0].shape[0]), int(pictures[0].shape[1]))
    token_maps = tuple(
        token_map(longer, [image], [size], crossed=model.family.crossed) for image in images
    )
    return Encoded(inputs, token_maps)


def with_answer(
    model: LoadedModel, text: EncodedText, ids: Sequence[int] | NDArray[np.int64]
) -> EncodedText:
    """An encoded prompt with an answer behind it.

    Args:
        model: the model.
        text: the prompt.
        ids: int (n,): what was answered.
    """
    more = np.asarray(ids, dtype=np.int64)
    words = tuple(model.processor.tokenizer.decode([token]) for token in more.tolist())
    return replace(
        text,
        ids=np.concatenate([text.ids, more]),
        roles=np.concatenate([text.roles, np.full(len(more), Role.GENERATED, dtype=np.int8)]),
        tokens=text.tokens + words,
    )


def run_forced(model: LoadedModel, encoded: Encoded) -> tuple[Tensor, Tensor]:
    """One pass over prompt and answer; active captures and knock-outs apply.

    Returns:
        Float32 (answer tokens,) log-probability of each, and bool (answer tokens,) whether it is the
        likeliest at its place.
    """
    scores, likeliest = run_forced_batch(model, encoded)
    return scores[0], likeliest[0]


def run_forced_batch(model: LoadedModel, encoded: Encoded) -> tuple[Tensor, Tensor]:
    """One pass over a batch of :func:`encode_forced_batch`: both as (batch, answer tokens)."""
    tokens = encoded.token_maps[0]
    rows = torch.from_numpy(tokens.positions("generated") - 1)
    with instrument(model) as active, model.frozen(), active.bound(Binding(encoded.token_maps)):
        logits = model.family.forward(model.hf, rows.to(model.device), **encoded.inputs)
    wanted = encoded.inputs["input_ids"][:, rows.to(model.device) + 1]
    scores = logits.float().log_softmax(-1)
    wanted = wanted.to(scores.device)
    chosen = scores.gather(-1, wanted[..., None])[..., 0]
    return chosen.cpu(), (scores.argmax(-1) == wanted).cpu()
