"""``ground``: where does the model look for this phrase?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, overload

from vlmscope.data.images import ImageSource, OpenedImage, open_image
from vlmscope.errors import BadOptionError, BadPhraseError, UnsupportedError
from vlmscope.methods.base import ARGUMENTS, GroundRequest, Method
from vlmscope.methods.catalogue import default_method, get_method
from vlmscope.models import DualEncoder, LoadedModel, Prompt
from vlmscope.models.guard import check_model
from vlmscope.options import change_options
from vlmscope.post import PostOptions
from vlmscope.post.options import post_fields
from vlmscope.refine import Refiner
from vlmscope.results import Grounding

__all__ = ["Phrase", "check_refiner", "ground", "ground_options", "prompts_of"]

Phrase = str | Prompt


@overload
def ground(
    model: LoadedModel,
    image: ImageSource | OpenedImage,
    phrases: Phrase,
    method: str | None = ...,
    heads: Any = ...,
    placement: str | None = ...,
    prompt: str | None = ...,
    rows: str | int | Sequence[int] | None = ...,
    refine: Refiner | None = ...,
    **options: Any,
) -> Grounding: ...


@overload
def ground(
    model: LoadedModel,
    image: ImageSource | OpenedImage,
    phrases: Sequence[Phrase],
    method: str | None = ...,
    heads: Any = ...,
    placement: str | None = ...,
    prompt: str | None = ...,
    rows: str | int | Sequence[int] | None = ...,
    refine: Refiner | None = ...,
    **options: Any,
) -> list[Grounding]: ...


def ground(
    model: LoadedModel,
    image: ImageSource | OpenedImage,
    phrases: Phrase | Sequence[Phrase],
    method: str | None = None,
    heads: Any = None,
    placement: str | None = None,
    prompt: str | None = None,
    rows: str | int | Sequence[int] | None = None,
    refine: Refiner | None = None,
    **options: Any,
) -> Grounding | list[Grounding]:
    """Find what phrases refer to in an image.

    Args:
        model: the model.
        image: path, bytes, PIL image or uint8 array (height, width, 3).
        phrases: one phrase, or several: they share the image's forward pass.
        method: id of a method; default: the first that runs on the model.
        heads: for methods that read chosen heads: a HeadSet, the path of a head file, the name of
            a published set, ``"L14H24,L14H13"`` or (layer, head) pairs; default: the heads that
            ship with the model, else those published for it.
        placement: how the image is fitted; default: the family's.
        prompt: preset of the prompt; default: the one the heads were discovered with.
        rows: the read-out row; default: the one the heads were discovered with.
        refine: a SAM from :func:`vlmscope.load_sam` that draws the masks, prompted by the boxes;
            default: masks are the method's own.
        **options: of the method; ``post="paper"`` or a PostOptions chooses a whole setting of the
            post-processing in place of the model's own, single options change it.

    Returns:
        One Grounding for one phrase, a list for a sequence.

    Raises:
        BadImageError: an image that cannot be read.
        BadPhraseError: an empty phrase, or something that is no text.
        UnknownNameError: an unknown method, option, placement, preset or row.
        BadHeadSetError: heads that the model does not have, or none to be found for it.
        UnsupportedError: a method that cannot run on the model.
        BadOptionError: ``refine`` that is no Refiner, or an argument that the method has no use for.
    """
    check_model(model)
    check_refiner(refine)
    chosen = _chosen(model, method)
    settings = ground_options(chosen, model, options)
    prompts = prompts_of(phrases)
    opened = open_image(image)
    request = GroundRequest(heads, placement, prompt, rows, settings)
    _refuse_foreign(chosen, request)
    results = chosen.ground(model, opened.pixels, prompts, request) if prompts else []
    results = with_image_notes(results, opened)
    if refine is not None:
        results = refine.refine(results)
    return results[0] if isinstance(phrases, str | Prompt) else results


def with_image_notes(results: list[Grounding], opened: OpenedImage) -> list[Grounding]:
    """Results that say what was done to the image before anything was looked for."""
    if not opened.notes:
        return results
    notes = {"image_notes": list(opened.notes)}
    return [replace(each, details={**each.details, **notes}) for each in results]


def _chosen(model: LoadedModel, name: str | None) -> Method:
    if name is None:
        return default_method(model)
    if name == "all":
        raise BadOptionError(
            "One call of ground is one method; for all of them side by side call "
            "vlmscope.compare_methods(model, image, phrases)."
        )
    method = get_method(name)
    if not method.accepts(model):
        raise UnsupportedError(
            f"The method {name!r} does not run on {model.id}. See: vlmscope methods"
        )
    return method


def _refuse_foreign(method: Method, request: GroundRequest) -> None:
    """Arguments of other methods are not silently ignored.

    Raises:
        BadOptionError: an argument that the method has no use for.
    """
    for name in ARGUMENTS:
        if getattr(request, name) is not None and name not in method.takes:
            raise BadOptionError(
                f"The method {method.id!r} knows no {name}; it belongs to methods that read "
                f"{'chosen heads' if name == 'heads' else 'attention'} of a decoder. Leave it out."
            )


def check_refiner(refine: Any) -> None:
    """Raise BadOptionError for anything but a Refiner or None."""
    if refine is not None and not isinstance(refine, Refiner):
        raise BadOptionError(
            "refine takes a Refiner, such as vlmscope.load_sam('facebook/sam-vit-base') gives, got "
            f"{type(refine).__name__}."
        )


def ground_options(
    method: Method, model: LoadedModel | DualEncoder, changes: Mapping[str, Any]
) -> Any:
    """A method's options for a model: its own defaults, the model's over them, ``changes`` on top.

    Raises:
        UnknownNameError: an option that the method does not have; lists the nearest.
        BadOptionError: a value out of range.
    """
    values = dict(changes)
    if issubclass(method.options, PostOptions):
        post = values.pop("post", None)
        values = {**(model.card.grounding if post is None else post_fields(post)), **values}
    return change_options(
        method.options(),
        values,
        f"option of {method.id}",
        where=f"See: vlmscope methods {method.id}",
    )


def prompts_of(phrases: Any) -> list[Prompt]:
    """One phrase or several as prompts.

    Raises:
        BadPhraseError: something that is no text.
    """
    if isinstance(phrases, str | Prompt):
        return [Prompt.of(phrases)]
    if not isinstance(phrases, Sequence) or isinstance(phrases, bytes):
        raise BadPhraseError(
            f"Phrases are a text or a list of texts, got {type(phrases).__name__}."
        )
    return [Prompt.of(phrase) for phrase in phrases]
