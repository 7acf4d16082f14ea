"""From written prompts to token ids with the role of every position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.errors import BadPhraseError, ModelMismatchError, UnsupportedError
from vlmscope.models.prompts import WrittenPrompt
from vlmscope.types import Role, TokenMap

__all__ = ["Encoded", "EncodedText", "encode_text", "pad_batch"]


@dataclass(frozen=True, eq=False)
class EncodedText:
    """One prompt as token ids, its image token expanded.

    Attributes:
        ids: int64 (positions,).
        roles: int8 (positions,), values of :class:`Role`.
        tokens: text of every position.
        image_start: position of the first image token.
        unknown: words of the phrase that the vocabulary lacks.
    """

    ids: NDArray[np.int64]
    roles: NDArray[np.int8]
    tokens: tuple[str, ...]
    image_start: int
    unknown: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Encoded:
    """A batch ready for a model's forward pass, and what its positions mean.

    Attributes:
        inputs: keyword arguments of the model's forward, tensors on the model's device.
        token_maps: one per batch item; positions are those of the PADDED sequence.
    """

    inputs: dict[str, Tensor]
    token_maps: tuple[TokenMap, ...]

    @property
    def length(self) -> int:
        """Positions of the padded sequence."""
        return self.inputs["input_ids"].shape[1]


def encode_text(
    written: WrittenPrompt, tokenizer: Any, image_token_id: int, image_tokens: int
) -> EncodedText:
    """Tokenise, find roles from ids and character offsets, and expand the image token.

    Args:
        written: text with exactly one image token.
        tokenizer: a fast tokenizer (slow ones know no offsets).
        image_token_id: id that stands for image tokens.
        image_tokens: how many of them the image becomes.

    Raises:
        UnsupportedError: for a tokenizer without offsets.
        ModelMismatchError: when the image token is not found exactly once.
    """
    if not getattr(tokenizer, "is_fast", False):
        raise UnsupportedError(
            f"{type(tokenizer).__name__} gives no character offsets, which roles are found by. "
            "Load the fast tokenizer (AutoTokenizer with use_fast=True)."
        )
    encoding = tokenizer(
        written.text, add_special_tokens=written.add_special_tokens, return_offsets_mapping=True
    )
    ids = np.array(encoding["input_ids"], dtype=np.int64)
    where = np.flatnonzero(ids == image_token_id)
    if len(where) != 1:
        raise ModelMismatchError(
            f"The written prompt must hold the image token (id {image_token_id}) exactly once, it "
            f"holds it {len(where)} times. Either the phrase itself contains the image token, or "
            "processor and model do not belong together."
        )
    start = int(where[0])
    roles = _roles(written, encoding["offset_mapping"], start)
    copies = np.ones(len(ids), dtype=np.int64)
    copies[start] = image_tokens
    words = _token_texts(written.text, encoding["offset_mapping"], tokenizer, ids)
    return EncodedText(
        ids=np.repeat(ids, copies),
        roles=np.repeat(roles, copies),
        tokens=tuple(np.repeat(np.array(words, dtype=object), copies)),
        image_start=start,
        unknown=_unknown_words(written.text, encoding["offset_mapping"], roles, ids, tokenizer),
    )


def _roles(
    written: WrittenPrompt, offsets: Sequence[tuple[int, int]], image: int
) -> NDArray[np.int8]:
    roles = np.full(len(offsets), Role.QUERY, dtype=np.int8)
    roles[:image] = Role.SYSTEM
    for span in written.spans:
        for position, (start, end) in enumerate(offsets):
            # a token that straddles a border (" red" with the space outside) belongs to the span
            # that holds its last character; special tokens have no characters at all
            if start < end and span.start <= _last_visible(written.text, start, end) < span.end:
                roles[position] = span.role
    roles[image] = Role.IMAGE
    return roles


def _last_visible(text: str, start: int, end: int) -> int:
    visible = text[start:end].rstrip()
    return start + len(visible) - 1 if visible else end - 1


def _token_texts(
    text: str, offsets: Sequence[tuple[int, int]], tokenizer: Any, ids: NDArray[np.int64]
) -> list[str]:
    names = tokenizer.convert_ids_to_tokens(ids.tolist())
    return [
        text[start:end] if start < end else name
        for (start, end), name in zip(offsets, names, strict=True)
    ]


def _unknown_words(
    text: str,
    offsets: Sequence[tuple[int, int]],
    roles: NDArray[np.int8],
    ids: NDArray[np.int64],
    tokenizer: Any,
) -> tuple[str, ...]:
    unknown = tokenizer.unk_token_id
    found = [
        text[start:end]
        for (start, end), role, token in zip(offsets, roles, ids, strict=True)
        if token == unknown
        and unknown is not None
        and role in (Role.PHRASE, Role.QUERY)
        and start < end
    ]
    return tuple(dict.fromkeys(found))


def check_length(length: int, limit: int | None, name: str) -> None:
    """Raise BadPhraseError when a prompt does not fit the decoder's context."""
    if limit is not None and length > limit:
        raise BadPhraseError(
            f"The prompt has {length} tokens, more than the {limit} that {name} can hold. "
            "Shorten the phrase."
        )


def pad_batch(
    texts: Sequence[EncodedText], pad_id: int, side: str
) -> tuple[dict[str, Tensor], list[int]]:
    """Stack prompts of different lengths.

    Args:
        texts: the batch.
        pad_id: id that fills the gaps.
        side: ``"right"`` or ``"left"``.

    Returns:
        input_ids, attention_mask and position_ids (batch, positions), and how many positions each
        item was shifted by. Position ids count real tokens only, so padding changes nothing.
    """
    length = max(len(text.ids) for text in texts)
    ids = torch.full((len(texts), length), pad_id, dtype=torch.long)
    mask = torch.zeros((len(texts), length), dtype=torch.long)
    shifts = []
    for row, text in enumerate(texts):
        shift = length - len(text.ids) if side == "left" else 0
        window = slice(shift, shift + len(text.ids))
        ids[row, window] = torch.from_numpy(text.ids)
        mask[row, window] = 1
        shifts.append(shift)
    positions = (mask.cumsum(-1) - 1).clamp_min(0)
    return {"input_ids": ids, "attention_mask": mask, "position_ids": positions}, shifts
