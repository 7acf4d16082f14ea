"""``vlmscope ground --say``: the model's own boxes beside where it looked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vlmscope.cli.ground_output import GroundOutput, PictureResult
from vlmscope.data.images import OpenedImage
from vlmscope.errors import BadOptionError
from vlmscope.results import AnswerComparison
from vlmscope.results.comparison_views import joined_view
from vlmscope.types import Box

if TYPE_CHECKING:
    from vlmscope.models import LoadedModel, Prompt

__all__ = ["check_say", "say"]

_COLUMNS = ("phrase", "x0", "y0", "x1", "y1", "IoU while writing", "IoU at the phrase")


def check_say(output: GroundOutput, phrases: int, others: Mapping[str, Any]) -> None:
    """Refuse what does not go with ``--say``.

    Args:
        output: where pictures go, and what is printed.
        phrases: how many.
        others: option -> its value; those that were typed are refused.

    Raises:
        BadOptionError: names the option, or the folder that several pictures need.
    """
    others = {**others, "--shared-scale": output.shared_scale, "--arrays": output.arrays}
    typed = [name for name, value in others.items() if value not in (None, False)]
    if typed:
        raise BadOptionError(
            f"--say compares answers with localization heads read at two rows, so {typed[0]} does not "
            "go with it. Leave one of the two out."
        )
    if output.out is not None and output.one_picture and phrases > 1:
        raise BadOptionError(
            f"--say draws one picture per phrase and there are {phrases}: give --out a folder, got "
            f"{output.out.name!r}."
        )


def say(
    output: GroundOutput,
    opened: OpenedImage,
    model: LoadedModel,
    prompts: Sequence[Prompt],
    **options: Any,
) -> PictureResult:
    """Compare what the model says of every phrase with where it looked.

    Args:
        output: where pictures go.
        opened: the image.
        model: the model.
        prompts: the phrases.
        **options: of :func:`vlmscope.compare_answer`.
    """
    from vlmscope.methods import compare_answer

    answers = [compare_answer(model, opened, prompt.text, **options) for prompt in prompts]
    return PictureResult(
        columns=_COLUMNS,
        rows=[_row(answer) for answer in answers],
        record={"comparisons": [answer.to_dict() for answer in answers]},
        warnings=[warning for answer in answers for warning in _warnings(answer)],
        names=[answer.phrase for answer in answers],
        overlays=(answer.overlay() for answer in answers),
        view=lambda: joined_view("Said and looked", model.id, [each.view() for each in answers]),
    )


def _row(answer: AnswerComparison) -> tuple[object, ...]:
    ious = answer.ious
    return (answer.phrase, *_pixels(answer.said), ious.get("said/box"), ious.get("said/last_text"))


def _pixels(box: Box | None) -> tuple[str, ...]:
    return ("-",) * 4 if box is None else tuple(f"{value:.1f}" for value in box)


def _warnings(answer: AnswerComparison) -> list[str]:
    texts = [f"{answer.phrase!r}: {text}" for text in answer.warnings]
    return texts + [text for grounding in answer.looked.values() for text in grounding.warnings]
