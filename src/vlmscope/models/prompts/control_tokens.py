"""Control tokens in text that a user wrote: refused by name, since a tokenizer would obey them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from vlmscope.errors import BadPhraseError

__all__ = ["refuse_control_tokens"]

_TOKENIZERS = ("tokenizer", "qformer_tokenizer")


def refuse_control_tokens(texts: Sequence[str], processor: Any, model: str) -> None:
    """Raise BadPhraseError where a text spells a control token (end of text, roles, borders of images).

    Tokens that a vocabulary adds without control over anything, such as PaliGemma's ``<loc0123>``,
    are text like any other.

    Args:
        texts: what a user wrote.
        processor: whose tokenizers will read it.
        model: its id, for the message.
    """
    names = list(_control_tokens(processor))
    for text in texts:
        folded = text.casefold()
        for name, normalised in names:
            if name in text or (normalised and name.casefold() in folded):
                raise BadPhraseError(
                    f"The phrase contains {name!r}, which {model} takes as a control token and not as "
                    "text. Remove it from the phrase."
                )


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
