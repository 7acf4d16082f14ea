"""A method with phrases, ready for one image after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from vlmscope.data.ahead import ahead
from vlmscope.data.images import ImageSource, OpenedImage, open_image
from vlmscope.errors import BadOptionError, BadPhraseError
from vlmscope.methods.base import (
    ARGUMENTS,
    GroundRequest,
    Method,
    Prepared,
    check_accepts,
    prepared,
    with_proxy,
)
from vlmscope.methods.catalogue import default_method, get_method
from vlmscope.models import DualEncoder, LoadedModel, PatchTower, Prompt
from vlmscope.models.guard import check_model
from vlmscope.options import change_options
from vlmscope.post import PostOptions
from vlmscope.post.options import post_fields
from vlmscope.refine import Refiner
from vlmscope.results import Grounding

__all__ = [
    "Grounder",
    "Phrase",
    "check_refiner",
    "ground_options",
    "grounder",
    "prompts_of",
    "with_image_notes",
]

Phrase = str | Prompt


@dataclass(frozen=True, eq=False)
class Grounder:
    """A method on a model with its phrases: call it on one image after the other.

    Attributes:
        model: the model.
        method: the method.
        prompts: what is looked for.
        refine: a SAM that draws the masks, or None.
        cautions: what to know of the choice of the method; every result says it.
    """

    model: LoadedModel | DualEncoder = field(repr=False)
    method: Method
    prompts: tuple[Prompt, ...]
    refine: Refiner | None
    cautions: tuple[str, ...]
    _find: Prepared = field(repr=False)

    def __call__(self, image: ImageSource | OpenedImage) -> list[Grounding]:
        """Ground the phrases in one image; a Grounding for each.

        Raises:
            BadImageError: an image that cannot be read.
        """
        opened = open_image(image)
        results = self._find(opened.pixels) if self.prompts else []
        results = with_image_notes(results, opened)
        if self.cautions:
            results = [replace(each, warnings=self.cautions + each.warnings) for each in results]
        return results if self.refine is None else self.refine.refine(results)

    def each(self, images: Iterable[ImageSource | OpenedImage]) -> Iterator[list[Grounding]]:
        """The same for every image, in order; the next images are read while one is looked at.

        Images are taken one by one, so that memory does not grow with their number.

        Raises:
            BadImageError: at the first image that cannot be read. To go on after it, call the
                Grounder image by image.
        """
        for _, opened in ahead(images, open_image):
            yield self(opened())


def grounder(
    model: LoadedModel | DualEncoder,
    phrases: Phrase | Sequence[Phrase],
    method: str | None = None,
    heads: Any = None,
    placement: str | None = None,
    prompt: str | None = None,
    rows: str | int | Sequence[int] | None = None,
    refine: Refiner | None = None,
    proxy: PatchTower | None = None,
    **options: Any,
) -> Grounder:
    """Check everything and prepare the phrases once, for many images.

    Arguments and errors: :func:`vlmscope.ground`.
    """
    check_model(model)
    check_refiner(refine)
    chosen, cautions = _chosen(model, method, heads, proxy)
    settings = ground_options(chosen, model, options)
    prompts = prompts_of(phrases)
    request = GroundRequest(heads, placement, prompt, rows, settings)
    _refuse_foreign(chosen, request)
    find = prepared(chosen, model, prompts, request)
    return Grounder(model, chosen, tuple(prompts), refine, cautions, find)


def with_image_notes(results: list[Grounding], opened: OpenedImage) -> list[Grounding]:
    """Results that say what was done to the image before anything was looked for."""
    if not opened.notes:
        return results
    notes = {"image_notes": list(opened.notes)}
    return [replace(each, details={**each.details, **notes}) for each in results]


def _chosen(
    model: LoadedModel | DualEncoder, name: str | None, heads: Any, proxy: Any
) -> tuple[Method, tuple[str, ...]]:
    if name is None and proxy is None:
        return default_method(model, heads)
    name = "proxyclip" if name is None else name
    if name == "all":
        raise BadOptionError(
            "One call of ground is one method; for all of them side by side call "
            "vlmscope.compare_methods(model, image, phrases)."
        )
    method = with_proxy(get_method(name), proxy)
    check_accepts(method, model)
    return method, ()


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
