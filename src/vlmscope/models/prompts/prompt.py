"""What is asked of a model about its images."""

from __future__ import annotations

from dataclasses import dataclass

from vlmscope.errors import BadPhraseError

__all__ = ["MARKS", "PRESETS", "Prompt", "PromptRequest"]


PRESETS = ("paper", "chat")

MARKS = {
    "query": ("\ue000", "\ue001"),
    "phrase": ("\ue002", "\ue003"),
    "answer": ("\ue004", "\ue005"),
}
"""Private-use characters that mark a span inside a chat template, which may rearrange or trim text."""

_ALL_MARKS = {mark for pair in MARKS.values() for mark in pair}


@dataclass(frozen=True)
class Prompt:
    """One text that goes with one image.

    Attributes:
        text: the expression, question or instruction.
        phrase: (start, end) characters of ``text`` that name what is to be found; None: all of it.
        answer: text that the model is taken to have answered (teacher forcing), or None.
    """

    text: str
    phrase: tuple[int, int] | None = None
    answer: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise BadPhraseError(f"A phrase must be text, got {type(self.text).__name__}.")
        if not self.text.strip():
            raise BadPhraseError(
                f"The phrase is empty (got {self.text!r}). Say what to look for, "
                "for example: 'the small red circle'."
            )
        try:
            (self.text + (self.answer or "")).encode("utf-8")
        except UnicodeEncodeError as error:
            raise BadPhraseError(
                f"The phrase holds half of a surrogate pair at character {error.start}, which is no "
                "text. It was probably decoded with the wrong encoding."
            ) from error
        if _ALL_MARKS & set(self.text + (self.answer or "")):
            raise BadPhraseError(
                "The phrase holds private-use characters (U+E000 to U+E005) that vlmscope keeps for "
                "itself. Remove them."
            )
        start, end = self.phrase if self.phrase is not None else (0, len(self.text))
        if not 0 <= start < end <= len(self.text) or not self.text[start:end].strip():
            raise BadPhraseError(
                f"The phrase span {self.phrase} names no text in {self.text!r} "
                f"({len(self.text)} characters). Give (start, end) with 0 <= start < end."
            )

    @property
    def span(self) -> tuple[int, int]:
        """(start, end) of the phrase within ``text``, surrounding white space left out."""
        start, end = self.phrase if self.phrase is not None else (0, len(self.text))
        part = self.text[start:end]
        stripped = part.strip()
        if not stripped:
            return start, end
        offset = part.index(stripped)
        return start + offset, start + offset + len(stripped)

    @classmethod
    def of(cls, prompt: str | Prompt) -> Prompt:
        """A prompt as it is; a string becomes a prompt whose phrase is the whole string."""
        return prompt if isinstance(prompt, Prompt) else cls(prompt)


@dataclass(frozen=True)
class PromptRequest:
    """One prompt, how many images go with it, and how it is to be written."""

    prompt: Prompt
    images: int = 1
    preset: str = "chat"
