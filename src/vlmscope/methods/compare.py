"""``compare_methods``: every method that runs on a model, on the same phrases in one image.

A function of its own and not a value of ``ground``'s ``method``: what comes back is another thing.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from vlmscope.data.images import ImageSource, OpenedImage, open_image
from vlmscope.errors import (
    BadHeadSetError,
    BadOptionError,
    UnknownNameError,
    UnsupportedError,
)
from vlmscope.methods.base import ARGUMENTS, GroundRequest, Method, check_accepts
from vlmscope.methods.catalogue import get_method, methods
from vlmscope.methods.decoder import ReadingMethod, Reads, ground_together
from vlmscope.methods.encoder import DenseMethod
from vlmscope.methods.encoder.method import grounded_together
from vlmscope.methods.encoder.similarity import DenseSetup
from vlmscope.methods.ground import ground
from vlmscope.methods.grounder import (
    Phrase,
    ground_options,
    prompts_of,
    refuse_pixel_options,
    sam_prompt,
    with_image_notes,
)
from vlmscope.models import DualEncoder, LoadedModel, Prompt
from vlmscope.models.guard import check_model
from vlmscope.post import PostOptions
from vlmscope.refine import Refiner
from vlmscope.results import Grounding, MethodComparison

__all__ = ["compare_methods", "methods_for"]


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
    refine_prompt: str | None = None,
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
        refine_prompt: what prompts it: ``box`` (default), ``point``, ``both`` or ``mask``.
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
    check_model(model)
    prompts_sam = sam_prompt(refine, refine_prompt)
    chosen = methods_for(model, methods)
    prompts = prompts_of(phrases)
    arguments = {"heads": heads, "placement": placement, "prompt": prompt, "rows": rows}
    shared = {name: value for name, value in arguments.items() if value is not None}
    calls = {method.id: _call(model, method, shared, options) for method in chosen}
    _check_used(model, chosen, shared, options)
    opened = open_image(image)
    groundings = _by_dense_methods(model, chosen, calls, opened, prompts)
    groundings |= _by_reading_methods(model, chosen, calls, opened, prompts)
    left_out: dict[str, Exception] = {}
    for method in chosen:
        if method.id in groundings:
            continue
        try:
            groundings[method.id] = ground(model, opened, prompts, method.id, **calls[method.id])  # type: ignore[arg-type]
        except (BadHeadSetError, UnsupportedError) as error:
            if methods is not None or (heads is not None and isinstance(error, BadHeadSetError)):
                raise
            left_out[method.id] = error
    if not groundings:
        raise next(iter(left_out.values()))
    return MethodComparison(
        model=model.id,
        phrases=tuple(_named(each) for each in prompts),
        groundings=_refined(
            {each.id: groundings[each.id] for each in chosen if each.id in groundings},
            refine,
            prompts_sam,
        ),
        left_out={method: str(error) for method, error in left_out.items()},
    )


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
        accepted = tuple(method for method in methods() if method.accepts(model))
        if not accepted:
            raise UnsupportedError(f"No method of vlmscope runs on {model.id}.")
        return accepted
    if not names or len(set(names)) < len(names):
        raise BadOptionError(f"methods names each method once, one at least; got {list(names)}.")
    chosen = tuple(get_method(name) for name in names)
    for method in chosen:
        check_accepts(method, model)
    return chosen


def _by_dense_methods(
    model: LoadedModel | DualEncoder,
    chosen: Sequence[Method],
    calls: Mapping[str, Mapping[str, Any]],
    opened: OpenedImage,
    prompts: Sequence[Prompt],
) -> dict[str, list[Grounding]]:
    """The groundings of dense methods, which share the passes through the tower.

    None where one of them refuses the model in the pass: each is then called alone, and the one that
    cannot be run is left out like any other.
    """
    dense = [method for method in chosen if isinstance(method, DenseMethod)]
    if not dense or not prompts:
        return {}
    assert isinstance(model, DualEncoder)  # `accepts` said so
    setups = [
        DenseSetup(method, model, ground_options(method, model, calls[method.id]))
        for method in dense
    ]
    try:
        results = grounded_together(setups, prompts)(opened.pixels)
    except UnsupportedError:
        return {}
    return {
        method.id: with_image_notes(groundings, opened)
        for method, groundings in zip(dense, results, strict=True)
    }


def _by_reading_methods(
    model: LoadedModel | DualEncoder,
    chosen: Sequence[Method],
    calls: Mapping[str, Mapping[str, Any]],
    opened: OpenedImage,
    prompts: Sequence[Prompt],
) -> dict[str, list[Grounding]]:
    """The groundings of methods that read a decoder's attention, which share its passes.

    One that refuses the model has none here, and none has where a pass is refused: each is then
    called alone, and the one that cannot be run is left out like any other.
    """
    several: dict[str, Reads] = {}
    for method in chosen:
        if isinstance(method, ReadingMethod) and prompts:
            assert isinstance(model, LoadedModel)  # `accepts` said so
            with contextlib.suppress(BadHeadSetError, UnsupportedError):
                request = _request(method, model, calls[method.id])
                several[method.id] = method.reads(model, prompts, request)
    if not several:
        return {}
    assert isinstance(model, LoadedModel)
    try:
        results = ground_together(model, opened.pixels, list(several.values()))
    except UnsupportedError:
        return {}
    return {
        name: with_image_notes(groundings, opened)
        for name, groundings in zip(several, results, strict=True)
    }


def _request(
    method: Method, model: LoadedModel | DualEncoder, call: Mapping[str, Any]
) -> GroundRequest:
    options = {name: value for name, value in call.items() if name not in ARGUMENTS}
    heads, placement, prompt, rows = (call.get(name) for name in ARGUMENTS)
    return GroundRequest(heads, placement, prompt, rows, ground_options(method, model, options))


def _call(
    model: LoadedModel | DualEncoder,
    method: Method,
    shared: Mapping[str, Any],
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """What one method is called with; its options are checked before anything is computed."""
    refuse_pixel_options(options)
    known = {name: value for name, value in options.items() if name in _option_names(method)}
    ground_options(method, model, known)
    return {**known, **{name: value for name, value in shared.items() if name in method.takes}}


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
    by_method: Mapping[str, list[Grounding]], refine: Refiner | None, prompt: str
) -> dict[str, tuple[Grounding, ...]]:
    """All of them through the refiner together: the image is embedded once."""
    if refine is None:
        return {method: tuple(groundings) for method, groundings in by_method.items()}
    together = [grounding for groundings in by_method.values() for grounding in groundings]
    better = iter(refine.refine(together, prompt))
    return {
        method: tuple(itertools.islice(better, len(groundings)))
        for method, groundings in by_method.items()
    }


def _named(prompt: Prompt) -> str:
    start, end = prompt.span
    return prompt.text[start:end]
