"""``answer``: the boxes that a model writes itself, as a method of evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from vlmscope.attention.box_questions import BoxQuestion
from vlmscope.errors import UnsupportedError
from vlmscope.models import LoadedModel
from vlmscope.options import CheckedOptions, option

__all__ = ["ANSWER", "AnswerMethod", "AnswerOptions"]


@dataclass(frozen=True)
class AnswerOptions(CheckedOptions):
    """How a model is asked for a box; the question is that of its family's convention."""

    prompt: str | None = option(
        None, "preset of the prompt; None: chat where the family has it", optional=True
    )
    room: int | None = option(
        None,
        "tokens that an answer may take; None: what the family needs",
        at_least=1,
        whole=True,
        optional=True,
    )


class AnswerMethod:
    """The boxes that a model writes itself. They are no maps, so nothing but evaluation takes it."""

    id = "answer"
    summary = "the boxes that the model writes itself, by its family's convention"
    options: type[Any] = AnswerOptions
    takes: frozenset[str] = frozenset()

    def accepts(self, model: Any) -> bool:
        return isinstance(model, LoadedModel) and model.family.boxes is not None

    def question(self, model: Any, options: AnswerOptions) -> BoxQuestion:
        """How a model is asked under options.

        Raises:
            UnsupportedError: an encoder, or a family without a documented way of writing boxes.
            UnknownNameError: a preset that the family does not have.
        """
        return BoxQuestion.of(model, preset=options.prompt, max_new_tokens=options.room)

    def ground(
        self, model: LoadedModel, pixels: Any, phrases: Sequence[Any], request: Any
    ) -> NoReturn:
        """Refused: written boxes have no map and no mask.

        Raises:
            UnsupportedError: always; evaluation asks by :meth:`question`.
        """
        raise UnsupportedError(
            "The method 'answer' gives boxes and no map, so it can be measured (vlmscope eval) and not "
            "ground. For one phrase call vlmscope.compare_answer."
        )


ANSWER = AnswerMethod()
