"""``compare_answer``: what a model says of a phrase, beside where its attention lay meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vlmscope.attention import Trace, capture, captured
from vlmscope.attention.box_questions import BoxQuestion
from vlmscope.data.images import ImageSource, OpenedImage, open_image
from vlmscope.errors import BadPhraseError
from vlmscope.methods.base import GroundRequest
from vlmscope.methods.decoder.localization_heads import LocalizationHeads
from vlmscope.methods.grounder import ground_options
from vlmscope.models import LoadedModel, Prompt
from vlmscope.results import AnswerComparison, Grounding
from vlmscope.types import Answer

__all__ = ["compare_answer"]


def compare_answer(
    model: LoadedModel,
    image: ImageSource | OpenedImage,
    phrase: str,
    heads: Any = None,
    *,
    ask: Prompt | None = None,
    prompt: str | None = None,
    placement: str | None = None,
    max_new_tokens: int | None = None,
    generation: Mapping[str, Any] | None = None,
    **options: Any,
) -> AnswerComparison:
    """Let a model write the box of a phrase, and see where chosen heads look while it does.

    One pass gives all of it: the answer, the rows that predict its coordinates, and the row of the
    phrase's last token in the same prompt.

    Args:
        model: of a family that has a documented way of writing boxes.
        image: path, bytes, PIL image or uint8 array (height, width, 3).
        phrase: what to look for.
        heads: as for :func:`vlmscope.ground`; default: those that ship with the model.
        ask: another prompt than the family's own.
        prompt: preset of the prompt; default: ``"chat"`` where the family has it, as answers are
            what chat templates are for.
        placement: how the image is fitted; default: the family's.
        max_new_tokens: of the answer; default: what the family needs.
        generation: further options of transformers' ``generate``.
        **options: post-processing of the maps, as for :func:`vlmscope.ground`.

    Returns:
        The comparison. An answer without a box is a result too: ``said`` is None, and
        ``answer.problems`` says what was wrong.

    Raises:
        UnsupportedError: no documented way of writing boxes, or an encoder, which answers nothing.
        BadImageError, BadPhraseError, BadHeadSetError, UnknownNameError: as their names say.
    """
    asking = BoxQuestion.of(
        model, preset=prompt, placement=placement, max_new_tokens=max_new_tokens
    )
    if not isinstance(phrase, str):
        raise BadPhraseError(f"A phrase must be text, got {type(phrase).__name__}.")
    opened = open_image(image)
    question = asking.prompt(phrase) if ask is None else ask
    preset = asking.preset
    method = LocalizationHeads()
    settings = ground_options(method, model, options)
    requests = {
        rows: GroundRequest(heads, placement, preset, rows, settings)
        for rows in ("box", "last_text")
    }
    wanted = method.heads_for(model, requests["box"])
    with (
        capture(model, rows="box", heads=wanted) as wrote,
        capture(model, rows="last_text", heads=wanted) as read,
    ):
        generated = asking.generate(opened.pixels, question, **(generation or {}))
    answer = asking.read(generated).answer

    def looked(trace: Trace, rows: str) -> Grounding:
        maps = captured(trace, wanted, preset)
        return method.locate(model, opened.pixels, question, maps, requests[rows])

    groundings = {"box": looked(wrote, "box")} if answer.boxes else {}
    groundings["last_text"] = looked(read, "last_text")
    return AnswerComparison(
        phrase=phrase.strip(),
        model=model.id,
        prompt=question.text,
        text=generated.text,
        answer=answer,
        looked=groundings,
        warnings=_warnings(model, answer, len(generated.ids) >= asking.room),
    )


def _warnings(model: LoadedModel, answer: Answer, full: bool) -> tuple[str, ...]:
    warnings = [model.boxes.caution] if model.boxes.caution else []
    warnings.extend(answer.problems)
    if len(answer.boxes) > 1:
        warnings.append(f"The answer holds {len(answer.boxes)} boxes; the first is compared.")
    if full and not answer.boxes:
        warnings.append(
            "The answer was cut off before it held a box; give it more room: max_new_tokens."
        )
    return tuple(warnings)
