"""How a model is asked for the box of a phrase, and how its answer is read: one place for all that ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention.decoding import changed_words
from vlmscope.attention.generation import Generation, generate
from vlmscope.attention.prefix import SharedPrefix, shared_prefix
from vlmscope.errors import UnsupportedError
from vlmscope.models import LoadedModel, Prompt
from vlmscope.models.guard import check_model
from vlmscope.types import Answer

__all__ = ["BoxAnswer", "BoxQuestion"]


@dataclass(frozen=True, eq=False)
class BoxAnswer:
    """What a model said to a question for a box.

    Attributes:
        raw: its words, special tokens spelled out, the one that ends it left out.
        answer: the same, token by token, read for boxes.
        truncated: it was cut off: it had no room for an end.
    """

    raw: str
    answer: Answer
    truncated: bool


@dataclass(frozen=True, eq=False)
class BoxQuestion:
    """A model that is asked for boxes, by its family's own convention; :meth:`of` makes one.

    Attributes:
        model: the model.
        preset: of the prompt.
        placement: how the image is fitted; None: the family's.
        room: tokens that an answer may take.
        ends: ids that end an answer.
    """

    model: LoadedModel
    preset: str
    placement: str | None
    room: int
    ends: frozenset[int] = field(repr=False)

    @classmethod
    def of(
        cls,
        model: Any,
        *,
        preset: str | None = None,
        placement: str | None = None,
        max_new_tokens: int | None = None,
    ) -> BoxQuestion:
        """Check that a model can be asked.

        Args:
            model: of a family that has a documented way of writing boxes.
            preset: of the prompt; default: ``"chat"`` where the family has it, as answers are what
                chat templates are for.
            placement: how the image is fitted; default: the family's.
            max_new_tokens: of an answer; default: what the family needs.

        Raises:
            UnsupportedError: no documented way of writing boxes, or an encoder, which answers
                nothing.
            UnknownNameError: a preset that the family does not have.
        """
        check_model(model)
        if not isinstance(model, LoadedModel):
            raise UnsupportedError(
                f"{getattr(model, 'id', type(model).__name__)} answers nothing: it is an encoder. "
                "Load a model with a decoder."
            )
        room = model.boxes.room if max_new_tokens is None else max_new_tokens
        usual = "chat" if "chat" in model.family.presets else None
        chosen = model.resolve_preset(preset or usual)
        return cls(model, chosen, placement, room, _ends(model))

    def prompt(self, phrase: str) -> Prompt:
        """The question for a phrase's box; its phrase span is the phrase."""
        return self.model.boxes.prompt(phrase)

    def generate(self, pixels: NDArray[np.uint8], prompt: Prompt, **options: Any) -> Generation:
        """What the model answers about an image, uint8 (height, width, 3); contexts watch it.

        Args:
            pixels: the image.
            prompt: :meth:`prompt`'s, or another.
            **options: of transformers' ``generate``.
        """
        return generate(
            self.model,
            pixels,
            prompt,
            max_new_tokens=self.room,
            preset=self.preset,
            placement=self.placement,
            **options,
        )

    def read(self, generation: Generation) -> BoxAnswer:
        """An answer, read for boxes."""
        token_map, ids = generation.token_map, generation.ids
        words = [token_map.tokens[position] for position in token_map.positions("generated")]
        answer = self.model.read_answer("".join(words), token_map)
        ended = int(ids[-1]) in self.ends
        raw = self.model.processor.tokenizer.decode(ids[:-1] if ended else ids)
        return BoxAnswer(raw.strip(), answer, len(ids) >= self.room and not ended)

    def ask(self, pixels: NDArray[np.uint8], phrases: Sequence[str]) -> list[BoxAnswer]:
        """The model's answers to questions about one image, which is encoded once where it can be.

        Greedy. Where the family's image sees the text, or the question stands before the image, or
        the checkpoint's own settings change what greedy decoding writes, each question is answered
        by itself.

        Args:
            pixels: the image, uint8 (height, width, 3).
            phrases: what is looked for.
        """
        return list(self._ask(pixels, [self.prompt(phrase) for phrase in phrases]))

    def _ask(self, pixels: NDArray[np.uint8], prompts: Sequence[Prompt]) -> Iterator[BoxAnswer]:
        prefix = self._prefix(pixels, prompts)
        for prompt in prompts:
            if prefix is None:
                yield self.read(self.generate(pixels, prompt))
            else:
                yield self.read(prefix.generate(prompt, self.room))

    def _prefix(self, pixels: NDArray[np.uint8], prompts: Sequence[Prompt]) -> SharedPrefix | None:
        if not self.shares_image:
            return None
        prefix = shared_prefix(self.model, pixels, preset=self.preset, placement=self.placement)
        try:
            prefix.encode(prompts)
        except UnsupportedError:  # they differ before the end of the image
            return None
        return prefix

    @property
    def shares_image(self) -> bool:
        """Whether the questions about an image can share what is computed of it."""
        return self.model.family.causal_image and not changed_words(self.model.hf)


def _ends(model: LoadedModel) -> frozenset[int]:
    stated = getattr(model.hf.generation_config, "eos_token_id", None)
    if stated is None:
        stated = model.processor.tokenizer.eos_token_id
    return frozenset(stated if isinstance(stated, list | tuple) else [stated])
