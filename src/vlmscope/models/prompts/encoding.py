"""From written prompts to token ids with the role of every position."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.errors import BadPhraseError, ModelMismatchError, UnsupportedError, quoted
from vlmscope.models.prompts.prompt import Span, WrittenPrompt
from vlmscope.types import Role, TokenMap

__all__ = [
    "Encoded",
    "EncodedText",
    "control_token_in",
    "control_tokens",
    "encode_text",
    "pad_batch",
    "refuse_control_tokens",
]


_TOKENIZERS = ("tokenizer", "qformer_tokenizer")


@dataclass(frozen=True, eq=False)
class EncodedText:
    """One prompt as token ids, its images expanded.

    Attributes:
        ids: int64 (positions,).
        roles: int8 (positions,), values of :class:`Role`.
        tokens: text of every position.
        image_tokens: int64 (image tokens,): their positions, image after image, separators not
            among them.
        unknown: words of the prompt and of a given answer that the vocabulary lacks.
        text: what was written and tokenised, each run of image tokens as one.
    """

    ids: NDArray[np.int64]
    roles: NDArray[np.int8]
    tokens: tuple[str, ...]
    image_tokens: NDArray[np.int64]
    unknown: tuple[str, ...]
    text: str

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what the model did not read as it was written."""
        if not self.unknown:
            return ()
        return (f"The model's vocabulary lacks {quoted(self.unknown)}: read as 'unknown'.",)

    @property
    def image_end(self) -> int:
        """The position after the last one that stands for an image."""
        return int(np.flatnonzero(self.roles == Role.IMAGE)[-1]) + 1


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
    written: WrittenPrompt, tokenizer: Any, image_token_id: int, runs: Sequence[int]
) -> EncodedText:
    """Tokenise, find roles from ids and character offsets, and repeat the image tokens.

    Args:
        written: text with its images expanded, one image token per run.
        tokenizer: a fast tokenizer (slow ones know no offsets).
        image_token_id: id that stands for image tokens.
        runs: how many copies each image token of the text stands for, in order.

    Raises:
        UnsupportedError: for a tokenizer without offsets.
        ModelMismatchError: when the text does not hold one image token per run.
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
    if len(where) != len(runs):
        raise ModelMismatchError(
            f"The written prompt must hold the image token (id {image_token_id}) {len(runs)} time(s), "
            f"it holds it {len(where)} times. Either the phrase itself contains the image token, or "
            "processor and model do not belong together."
        )
    offsets = encoding["offset_mapping"]
    roles = _roles(written, offsets)
    copies = np.ones(len(ids), dtype=np.int64)
    copies[where] = runs
    words = _token_texts(written.text, offsets, tokenizer, ids)
    repeated = np.repeat(ids, copies)
    return EncodedText(
        ids=repeated,
        roles=np.repeat(roles, copies),
        tokens=tuple(np.repeat(np.array(words, dtype=object), copies)),
        image_tokens=np.flatnonzero(repeated == image_token_id),
        unknown=_unknown_words(written.text, offsets, roles, ids, tokenizer),
        text=written.text,
    )


def _roles(written: WrittenPrompt, offsets: Sequence[tuple[int, int]]) -> NDArray[np.int8]:
    roles = np.full(len(offsets), Role.QUERY, dtype=np.int8)
    images = [_within(written, span, offsets) for span in written.spans if span.role == Role.IMAGE]
    if images:
        roles[: images[0][0]] = Role.SYSTEM
    for span in written.spans:
        roles[_within(written, span, offsets)] = span.role
    return roles


def _within(written: WrittenPrompt, span: Span, offsets: Sequence[tuple[int, int]]) -> list[int]:
    """Tokens of a span.

    A token that straddles a border (" red" with the space outside) belongs to the span that holds
    its last character; special tokens that were added have no characters at all.
    """
    return [
        position
        for position, (start, end) in enumerate(offsets)
        if start < end and span.start <= _last_visible(written.text, start, end) < span.end
    ]


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
    words = [
        text[start:end]
        for (start, end), role, token in zip(offsets, roles, ids, strict=True)
        if token == unknown
        and unknown is not None
        and role in (Role.PHRASE, Role.QUERY, Role.GENERATED)
        and start < end
    ]
    return tuple(dict.fromkeys(words))


def check_length(
    length: int, image_tokens: int, limit: int | None, name: str, pictures: int = 1
) -> None:
    """Raise BadPhraseError when a prompt does not fit the decoder's context."""
    remedy = "Shorten the phrase."
    if limit is not None and image_tokens > limit // 2:
        remedy = "Give the model smaller images: max_side= of vlmscope.load (--max-side)."
        if pictures > 1:
            remedy = (
                f"Show it fewer than {pictures} pictures or frames, or smaller ones (--max-side)."
            )
    if limit is not None and length > limit:
        raise BadPhraseError(
            f"The prompt has {length} tokens, more than the {limit} that {name} can hold; "
            f"{image_tokens} of them are the image's. {remedy}"
        )


def pad_batch(
    texts: Sequence[EncodedText], pad_id: int, side: str, masked: bool = True
) -> tuple[dict[str, Tensor], list[int]]:
    """Stack prompts of different lengths.

    Args:
        texts: the batch.
        pad_id: id that fills the gaps.
        side: ``"right"`` or ``"left"``.
        masked: padding is told from real tokens; False: it counts as some.

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
    if not masked:
        mask.fill_(1)
    positions = (mask.cumsum(-1) - 1).clamp_min(0)
    return {"input_ids": ids, "attention_mask": mask, "position_ids": positions}, shifts


ControlTokens = tuple[tuple[str, bool], ...]
"""(text, whether it is found in normalised text) of every control token of a processor."""


def control_tokens(processor: Any) -> ControlTokens:
    """What a processor's tokenizers obey; listing thousands of tokens is for once per model."""
    return tuple(_control_tokens(processor))


def refuse_control_tokens(texts: Sequence[str], tokens: ControlTokens, model: str) -> None:
    """Raise BadPhraseError where a text spells a control token (end of text, roles, borders of images).

    Tokens that a vocabulary adds without control over anything, such as PaliGemma's ``<loc0123>``,
    are text like any other.

    Args:
        texts: what a user wrote.
        tokens: from :func:`control_tokens`.
        model: its id, for the message.
    """
    name = control_token_in(texts, tokens)
    if name is not None:
        raise BadPhraseError(
            f"The phrase contains {name!r}, which {model} takes as a control token and not as "
            "text. Remove it from the phrase."
        )


def control_token_in(texts: Sequence[str], tokens: ControlTokens) -> str | None:
    """The first control token that a text spells, or None."""
    for text in texts:
        folded = text.casefold()
        for name, normalised in tokens:
            if name in text or (normalised and name.casefold() in folded):
                return name
    return None


def _control_tokens(processor: Any) -> Iterator[tuple[str, bool]]:
    """(text, whether it is found in normalised text) of every control token."""
    for attribute in _TOKENIZERS:
        tokenizer = getattr(processor, attribute, None)
        for token in getattr(tokenizer, "added_tokens_decoder", {}).values():
            if token.special and token.content.strip():
                yield token.content, bool(token.normalized)
        for name in getattr(tokenizer, "all_special_tokens", ()):
            if name.strip():
                yield str(name), False
