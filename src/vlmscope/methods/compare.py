"""``compare_methods``: every method that runs on a model, on the same phrases in one image.

A function of its own and not a value of ``ground``'s ``method``: what comes back is another thing.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from vlmscope.attention import Generation, Trace, capture, captured, generate
from vlmscope.data.images import ImageSource, OpenedImage, open_image
from vlmscope.errors import (
    BadHeadSetError,
    BadOptionError,
    BadPhraseError,
    UnknownNameError,
    UnsupportedError,
)
from vlmscope.methods.base import GroundRequest, Method
from vlmscope.methods.catalogue import get_method, methods
from vlmscope.methods.decoder.localization_heads import LocalizationHeads
from vlmscope.methods.encoder import DenseMethod
from vlmscope.methods.encoder.answer import answer_together
from vlmscope.methods.encoder.similarity import DenseAnswer
from vlmscope.methods.ground import (
    Phrase,
    check_refiner,
    ground,
    ground_options,
    prompts_of,
    with_image_notes,
)
from vlmscope.models import DualEncoder, LoadedModel, Prompt
from vlmscope.post import PostOptions
from vlmscope.refine import Refiner
from vlmscope.results import AnswerComparison, Grounding, MethodComparison
from vlmscope.types import Answer

__all__ = ["compare_answer", "compare_methods", "methods_for"]


def methods_for(
    model: LoadedModel | DualEncoder, names: Sequence[str] | None = None
) -> tuple[Method, ...]:
    """The methods of these ids, or all that run on a model, in the order of preference.

    Raises:
        UnknownNameError: an unknown method.
        UnsupportedError: a method that does not run on the model, or when none does.
        BadOptionError: no id at all, or one twice.
    """
    if names is None:
        found = tuple(method for method in methods() if method.accepts(model))
        if not found:
            raise UnsupportedError(f"No method of vlmscope runs on {model.id}.")
        return found
    if not names or len(set(names)) < len(names):
        raise BadOptionError(f"methods names each method once, one at least; got {list(names)}.")
    found = tuple(get_method(name) for name in names)
    for method in found:
        if not method.accepts(model):
            raise UnsupportedError(
                f"The method {method.id!r} does not run on {model.id}. See: vlmscope methods"
            )
    return found


def compare_methods(
    model: LoadedModel | DualEncoder,
    image: ImageSource | OpenedImage,
    phrases: Phrase | Sequence[Phrase],
    methods: Sequence[str] | None = None,
    heads: Any = None,
    placement: str | None = None,
    prompt: str | None = None,
    rows: str | int | Sequence[int] | None = None,
    refine: Refiner | None = None,
    **options: Any,
) -> MethodComparison:
    """Ground the same phrases by several methods.

    Args:
        model: the model.
        image: path, bytes, PIL image or uint8 array (height, width, 3).
        phrases: one phrase or several.
        methods: ids; default: all that run on the model.
        heads, placement, prompt, rows: as for :func:`vlmscope.ground`, for the methods that have a
            use for them.
        refine: a SAM that draws the masks; it embeds the image once for all of them.
        **options: each goes to every method that has it; ``post`` to all.

    Returns:
        The comparison. Without ``methods``, one that cannot be run here (localization heads of a
        model whose heads nobody knows) is left out, and ``left_out`` says why.

    Raises:
        UnknownNameError: an unknown method, or an option that none of the methods has.
        BadOptionError: a value that an option does not take, or an argument for which none of the
            methods has a use.
        BadImageError, BadPhraseError, UnsupportedError: as for :func:`vlmscope.ground`.
    """
    check_refiner(refine)
    chosen = methods_for(model, methods)
    asked = prompts_of(phrases)
    given = {"heads": heads, "placement": placement, "prompt": prompt, "rows": rows}
    shared = {name: value for name, value in given.items() if value is not None}
    calls = {method.id: _call(model, method, shared, options) for method in chosen}
    _check_used(model, chosen, shared, options)
    opened = open_image(image)
    found = _dense_found(model, chosen, calls, opened, asked)
    left_out: dict[str, Exception] = {}
    for method in chosen:
        if method.id in found:
            continue
        try:
            found[method.id] = ground(model, opened, asked, method.id, **calls[method.id])  # type: ignore[arg-type]
        except (BadHeadSetError, UnsupportedError) as error:
            if methods is not None or (heads is not None and isinstance(error, BadHeadSetError)):
                raise
            left_out[method.id] = error
    if not found:
        raise next(iter(left_out.values()))
    return MethodComparison(
        model=model.id,
        phrases=tuple(_named(each) for each in asked),
        groundings=_refined(
            {each.id: found[each.id] for each in chosen if each.id in found}, refine
        ),
        left_out={method: str(error) for method, error in left_out.items()},
    )


def _dense_found(
    model: LoadedModel | DualEncoder,
    chosen: Sequence[Method],
    calls: Mapping[str, Mapping[str, Any]],
    opened: OpenedImage,
    asked: Sequence[Prompt],
) -> dict[str, list[Grounding]]:
    """The answers of dense methods, which share the passes through the tower.

    None where one of them refuses the model in the pass: each is then called alone, and the one that
    cannot be run is left out like any other.
    """
    dense = [method for method in chosen if isinstance(method, DenseMethod)]
    if not dense or not asked:
        return {}
    assert isinstance(model, DualEncoder)  # `accepts` said so
    hows = [
        DenseAnswer(method, model, ground_options(method, model, calls[method.id]))
        for method in dense
    ]
    try:
        results = answer_together(hows, opened.pixels, asked)
    except UnsupportedError:
        return {}
    return {
        method.id: with_image_notes(own, opened) for method, own in zip(dense, results, strict=True)
    }


def _call(
    model: LoadedModel | DualEncoder,
    method: Method,
    shared: Mapping[str, Any],
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """What one method is called with; its options are checked before anything is computed."""
    own = {name: value for name, value in options.items() if name in _option_names(method)}
    ground_options(method, model, own)
    return {**own, **{name: value for name, value in shared.items() if name in method.takes}}


def _option_names(method: Method) -> set[str]:
    names = {each.name for each in fields(method.options)}
    return names | {"post"} if issubclass(method.options, PostOptions) else names


def _check_used(
    model: LoadedModel | DualEncoder,
    chosen: Sequence[Method],
    shared: Mapping[str, Any],
    options: Mapping[str, Any],
) -> None:
    """Nothing that the user typed is silently ignored by all methods."""
    known = set().union(*(_option_names(method) for method in chosen))
    for name in options:
        if name not in known:
            raise UnknownNameError("option", name, known, where="See: vlmscope methods")
    for name in shared:
        if not any(name in method.takes for method in chosen):
            raise BadOptionError(
                f"None of the methods {', '.join(method.id for method in chosen)} on {model.id} has "
                f"a use for {name}. Leave it out."
            )


def _refined(
    found: Mapping[str, list[Grounding]], refine: Refiner | None
) -> dict[str, tuple[Grounding, ...]]:
    """All of them through the refiner together: the image is embedded once."""
    if refine is None:
        return {method: tuple(own) for method, own in found.items()}
    better = iter(refine.refine([grounding for own in found.values() for grounding in own]))
    return {method: tuple(itertools.islice(better, len(own))) for method, own in found.items()}


def _named(prompt: Prompt) -> str:
    start, end = prompt.span
    return prompt.text[start:end]


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
    _check(model, phrase)
    convention = model.boxes
    opened = open_image(image)
    question = convention.prompt(phrase) if ask is None else ask
    preset = prompt or ("chat" if "chat" in model.family.presets else None)
    preset = model.resolve_preset(preset)
    method = LocalizationHeads()
    settings = ground_options(method, model, options)
    requests = {
        rows: GroundRequest(heads, placement, preset, rows, settings)
        for rows in ("box", "last_text")
    }
    wanted = method.heads_for(model, requests["box"])
    room = convention.room if max_new_tokens is None else max_new_tokens
    with (
        capture(model, rows="box", heads=wanted) as wrote,
        capture(model, rows="last_text", heads=wanted) as read,
    ):
        said = generate(
            model,
            opened.pixels,
            question,
            max_new_tokens=room,
            preset=preset,
            placement=placement,
            **(generation or {}),
        )
    answer = _read(model, said)

    def looked(trace: Trace, rows: str) -> Grounding:
        maps = captured(trace, wanted, preset)
        return method.locate(model, opened.pixels, question, maps, requests[rows])

    found = {"box": looked(wrote, "box")} if answer.boxes else {}
    found["last_text"] = looked(read, "last_text")
    return AnswerComparison(
        phrase=phrase.strip(),
        model=model.id,
        prompt=question.text,
        text=said.text,
        answer=answer,
        looked=found,
        warnings=_warnings(model, answer, len(said.ids) >= room),
    )


def _check(model: Any, phrase: Any) -> None:
    if not isinstance(model, LoadedModel):
        raise UnsupportedError(
            f"{getattr(model, 'id', type(model).__name__)} answers nothing: it is an encoder. "
            "Load a model with a decoder."
        )
    if not isinstance(phrase, str):
        raise BadPhraseError(f"A phrase must be text, got {type(phrase).__name__}.")


def _read(model: LoadedModel, said: Generation) -> Answer:
    words = [said.token_map.tokens[position] for position in said.token_map.positions("generated")]
    return model.read_answer("".join(words), said.token_map)


def _warnings(model: LoadedModel, answer: Answer, full: bool) -> tuple[str, ...]:
    found = [model.boxes.caution] if model.boxes.caution else []
    found.extend(answer.problems)
    if len(answer.boxes) > 1:
        found.append(f"The answer holds {len(answer.boxes)} boxes; the first is compared.")
    if full and not answer.boxes:
        found.append(
            "The answer was cut off before it held a box; give it more room: max_new_tokens."
        )
    return tuple(found)
