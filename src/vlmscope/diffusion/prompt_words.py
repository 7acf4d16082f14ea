"""Which tokens of a prompt a word is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from vlmscope.errors import BadOptionError, UnsupportedError

__all__ = ["PromptWords", "read_prompt"]

_WORD = re.compile(r"\w+(?:['’-]\w+)*")


@dataclass(frozen=True)
class PromptWords:
    """A prompt as the text encoder reads it.

    Attributes:
        text: of the prompt.
        tokens: the text of each token, special ones spelled out, padding left out.
        spans: (start, end) of each token in ``text``; (0, 0) for special ones.
        length: keys that the cross-attention sees, padding included.
    """

    text: str
    tokens: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    length: int

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the prompt that the text encoder reads, each once, in their order."""
        read = max((end for _, end in self.spans), default=0)
        words = (each.group() for each in _WORD.finditer(self.text) if each.end() <= read)
        return tuple(dict.fromkeys(words))

    def positions(self, word: str, occurrence: int | None = None) -> tuple[int, ...]:
        """Tokens of a word or of several words in a row, wherever they stand in the prompt.

        Args:
            word: as in the prompt; case does not matter.
            occurrence: which of several, from 0; None: all of them.

        Raises:
            BadOptionError: a word that the prompt does not hold, or that was cut off.
        """
        wanted = word.strip()
        if not wanted:
            raise BadOptionError("Whose map is wanted? Got an empty word; give one of the prompt.")
        places = self._places(wanted)
        if not places:
            raise BadOptionError(
                f"The prompt {self.text!r} does not hold {word!r}. Its words: {', '.join(self.words)}."
            )
        if occurrence is not None:
            if not 0 <= occurrence < len(places):
                raise BadOptionError(
                    f"{word!r} stands {len(places)} times in the prompt, counted from 0, got "
                    f"occurrence={occurrence}."
                )
            places = [places[occurrence]]
        found = tuple(
            index
            for index, (start, end) in enumerate(self.spans)
            if any(start < last and end > first for first, last in places)
        )
        if not found:
            raise BadOptionError(
                f"{word!r} stands behind the {self.length} tokens that the text encoder reads, so it "
                "had no part in the picture. Shorten the prompt."
            )
        return found

    def _places(self, word: str) -> list[tuple[int, int]]:
        found = re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", self.text, re.IGNORECASE)
        return [each.span() for each in found]


def read_prompt(pipeline: Any, prompt: str) -> PromptWords:
    """A prompt as a pipeline of diffusers hands it to its (first) text encoder.

    Raises:
        BadOptionError: an empty prompt.
        UnsupportedError: a tokenizer that does not say where its tokens stand.
    """
    if not isinstance(prompt, str) or not prompt.strip():
        raise BadOptionError(f"A prompt is a text with words in it, got {prompt!r}.")
    tokenizer = pipeline.tokenizer
    if not getattr(tokenizer, "is_fast", False):
        raise UnsupportedError(
            f"{type(tokenizer).__name__} does not say where its tokens stand in the prompt. Load the "
            "pipeline with a fast tokenizer, for example transformers.CLIPTokenizerFast."
        )
    # an embedding learned for one word can stand for several tokens
    convert = getattr(pipeline, "maybe_convert_prompt", None)
    text = prompt if convert is None else convert(prompt, tokenizer)
    read = tokenizer(
        text,
        padding="max_length",
        max_length=tokenizer.model_max_length,
        truncation=True,
        return_offsets_mapping=True,
        return_attention_mask=True,
    )
    # padding may be the end token again: the mask tells them apart
    real = sum(read["attention_mask"])
    return PromptWords(
        text,
        tuple(tokenizer.convert_ids_to_tokens(read["input_ids"][:real])),
        tuple((int(start), int(end)) for start, end in read["offset_mapping"][:real]),
        len(read["input_ids"]),
    )
