"""What is asked of a model about its images, how it is written down, and where its parts stand.

Which token's row is read matters more than anything else (docs/methods/localization-heads.md,
Grounding), so the place of the phrase inside the written prompt is known exactly: by character spans
while the text is put together, never by searching for a string afterwards.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from vlmscope.errors import BadPhraseError, ModelMismatchError, UnknownNameError, UnsupportedError
from vlmscope.types import Role

__all__ = [
    "MARKS",
    "PRESETS",
    "Expansion",
    "Prompt",
    "PromptRequest",
    "Span",
    "WrittenPrompt",
    "check_preset",
    "write_chat",
    "write_paper",
    "write_turn",
]


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
        if all(unicodedata.category(each)[0] in "PZC" for each in self.text[start:end]):
            raise BadPhraseError(
                f"The phrase {self.text[start:end].strip()!r} holds no word, only punctuation. Say what "
                "to look for, for example: 'the small red circle'."
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
    """One prompt, how many images or videos (``kind``) go with it, and how it is to be written."""

    prompt: Prompt
    images: int = 1
    preset: str = "chat"
    kind: str = "image"


@dataclass(frozen=True)
class Span:
    """A run of characters of a written prompt and what it is."""

    role: Role
    start: int
    end: int


@dataclass(frozen=True)
class WrittenPrompt:
    """The text that goes to the tokenizer, with ONE placeholder where each image stands.

    Attributes:
        text: what is tokenised.
        spans: roles of its characters, later spans over earlier ones; text before the first image
            that no span names is ``SYSTEM``, after it ``QUERY``.
        add_special_tokens: whether the tokenizer should add BOS and the like.
    """

    text: str
    spans: tuple[Span, ...]
    add_special_tokens: bool

    def behind(self, start: str) -> WrittenPrompt:
        """The same prompt behind a start that is in none of its spans."""
        spans = tuple(
            Span(each.role, each.start + len(start), each.end + len(start)) for each in self.spans
        )
        return WrittenPrompt(start + self.text, spans, self.add_special_tokens)

    def expanded(self, placeholder: str, expansions: Sequence[Expansion]) -> WrittenPrompt:
        """The same prompt with every placeholder replaced by what its image becomes.

        Raises:
            ModelMismatchError: when there are not as many placeholders as images.
        """
        parts = self.text.split(placeholder)
        if len(parts) != len(expansions) + 1:
            raise ModelMismatchError(
                f"The written prompt must hold the image placeholder {placeholder!r} "
                f"{len(expansions)} time(s), it holds it {len(parts) - 1} times. Either the phrase "
                "itself contains it, or processor and model do not belong together."
            )
        text, moves, images = parts[0], [(0, 0)], []
        for expansion, part in zip(expansions, parts[1:], strict=True):
            images.append(Span(Role.IMAGE, len(text), len(text) + len(expansion.text)))
            old_end = moves[-1][1] + len(text) + len(placeholder)
            text += expansion.text
            moves.append((old_end, old_end - len(text)))
            text += part
        spans = tuple(_moved(span, moves) for span in self.spans)
        return WrittenPrompt(text, (*spans, *images), self.add_special_tokens)


def _moved(span: Span, moves: Sequence[tuple[int, int]]) -> Span:
    """A span of the written text in the expanded one; ``moves``: (from character, old - new)."""
    ends = [
        at - next(shift for start, shift in reversed(moves) if at >= start)
        for at in (span.start, span.end)
    ]
    return Span(span.role, *ends)


@dataclass(frozen=True)
class Expansion:
    """The text of one image in a prompt, each run of image tokens written as ONE image token.

    Attributes:
        text: for example ``"<img><image></img>"``, or ``""`` where images leave no token at all.
        runs: how many copies each image token in ``text`` stands for, in order.
    """

    text: str
    runs: tuple[int, ...]

    @classmethod
    def of(cls, written: str, image_token: str) -> Expansion:
        """Collapse the runs in the text that a processor writes for an image.

        Raises:
            ModelMismatchError: when it holds no image token.
        """
        pattern = re.compile(f"(?:{re.escape(image_token)})+")
        runs = tuple(len(run) // len(image_token) for run in pattern.findall(written))
        if not runs:
            raise ModelMismatchError(
                f"The processor writes no image token {image_token!r} for an image (it writes "
                f"{written[:80]!r}). Load the processor that belongs to the model."
            )
        return cls(pattern.sub(lambda _: image_token, written), runs)

    @classmethod
    def run(cls, image_token: str, tokens: int) -> Expansion:
        """Nothing but image tokens."""
        return cls(image_token, (tokens,))

    @property
    def tokens(self) -> int:
        """Image tokens, separators not counted."""
        return sum(self.runs)


def write_paper(prompt: Prompt, system: str, image: str, images: int = 1) -> WrittenPrompt:
    """The published form: system sentence, image, newline, the expression LAST, no role names.

    Args:
        prompt: what is asked.
        system: sentence in front of the image, or ``""``.
        image: the text that stands for an image, its family's delimiters included.
        images: how many images the prompt holds.
    """
    head = f"{system} " if system else ""
    head += f"{image}\n" * images
    start, end = (len(head) + offset for offset in prompt.span)
    # what follows the expression within the text is kept: the row that is read is the span's end
    text = head + prompt.text
    spans = [Span(Role.QUERY, len(head), len(text)), Span(Role.PHRASE, start, end)]
    if prompt.answer is not None:
        spans.append(Span(Role.GENERATED, len(text) + 1, len(text) + 1 + len(prompt.answer)))
        text = f"{text} {prompt.answer}"
    return WrittenPrompt(text, tuple(spans), add_special_tokens=True)


def write_turn(prompt: Prompt, images: str, ending: str) -> WrittenPrompt:
    """Images, text and the mark behind which a model answers whose processor has no template.

    Args:
        prompt: what is asked.
        images: the text that stands for all images.
        ending: the mark.
    """
    start, end = (len(images) + offset for offset in prompt.span)
    asked = Span(Role.QUERY, len(images), len(images) + len(prompt.text))
    spans = [asked, Span(Role.PHRASE, start, end)]
    text = images + prompt.text + ending
    if prompt.answer is not None:
        spans.append(Span(Role.GENERATED, len(text), len(text) + len(prompt.answer)))
        text += prompt.answer
    return WrittenPrompt(text, tuple(spans), add_special_tokens=True)


def write_chat(
    prompt: Prompt,
    processor: Any,
    bos: str | None,
    images: int = 1,
    fallback: str | None = None,
    kind: str = "image",
) -> WrittenPrompt:
    """The model's own chat template, ending where its answer begins.

    Args:
        prompt: what is asked.
        processor: whose template it is.
        bos: text of the token that begins a sequence; the tokenizer adds it unless the template does.
        images: how many the prompt holds.
        fallback: template for processors that carry none.
        kind: what they are to the template, ``image`` or ``video``.

    Raises:
        UnsupportedError: when the processor carries no chat template, or one that drops the text or
            writes another.
    """
    template = (
        getattr(processor, "chat_template", None)
        or getattr(getattr(processor, "tokenizer", None), "chat_template", None)
        or fallback
    )
    if not template:
        raise UnsupportedError(
            "This processor has no chat template, so the prompt preset 'chat' cannot be written. "
            "Use the preset 'paper', or load a processor that has one."
        )
    rendering = partial(_rendered, processor, template, [{"type": kind}] * images)
    text = _as_written(prompt, rendering)
    if prompt.answer is not None:
        gap = "" if text.endswith((" ", "\n")) else " "
        text = f"{text}{gap}{_mark('answer', prompt.answer)}"
    plain, spans = _unmark(text)
    starts_with_bos = bool(bos) and plain.startswith(str(bos))
    return WrittenPrompt(plain, tuple(spans), add_special_tokens=not starts_with_bos)


def _rendered(processor: Any, template: str, images: list[dict[str, str]], text: str) -> str:
    content = [*images, {"type": "text", "text": text}]
    rendered: str = processor.apply_chat_template(
        [{"role": "user", "content": content}],
        chat_template=template,
        tokenize=False,
        add_generation_prompt=True,
    )
    return rendered


def _as_written(prompt: Prompt, rendering: Callable[[str], str]) -> str:
    """The rendered prompt with marks, its text trimmed where the template trims it.

    Marks around a text keep a template from trimming it, and the model would be given spaces and line
    ends that its own processor takes away.
    """
    start, end = prompt.span
    text = prompt.text
    wanted = rendering(text)
    left, right = len(text) - len(text.lstrip()), len(text.rstrip())
    for first, last in dict.fromkeys(
        ((0, len(text)), (left, right), (0, right), (left, len(text)))
    ):
        phrase = _mark("phrase", text[start:end])
        marked = rendering(_mark("query", text[first:start] + phrase + text[end:last]))
        plain, spans = _unmark(marked)
        if {span.role for span in spans} < {Role.QUERY, Role.PHRASE}:
            raise UnsupportedError(
                "The chat template of this processor does not write the user's text. "
                "Use the preset 'paper', or a template that writes content of type 'text'."
            )
        if plain == wanted:
            return marked
    raise UnsupportedError(
        "The chat template of this processor changes the user's text, so where its phrase stands is not "
        f"known (of {text[:60]!r}). Use the preset 'paper', or a template that writes text as it is."
    )


def check_preset(preset: str) -> None:
    """Raise UnknownNameError unless ``preset`` is one of :data:`PRESETS`."""
    if preset not in PRESETS:
        raise UnknownNameError("prompt preset", preset, PRESETS)


def _mark(kind: str, text: str) -> str:
    opening, closing = MARKS[kind]
    return f"{opening}{text}{closing}"


def _unmark(text: str) -> tuple[str, Sequence[Span]]:
    """Take the marks out and say where they stood in what is left."""
    roles = {"query": Role.QUERY, "phrase": Role.PHRASE, "answer": Role.GENERATED}
    opening = {pair[0]: roles[kind] for kind, pair in MARKS.items()}
    closing = {pair[1]: roles[kind] for kind, pair in MARKS.items()}
    plain: list[str] = []
    starts: dict[Role, int] = {}
    spans: list[Span] = []
    for character in text:
        if character in opening:
            starts[opening[character]] = len(plain)
        elif character in closing:
            role = closing[character]
            spans.append(Span(role, starts[role], len(plain)))
        else:
            plain.append(character)
    return "".join(plain), sorted(spans, key=lambda span: span.role)
