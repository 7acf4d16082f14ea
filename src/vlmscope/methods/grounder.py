"""A method with phrases, ready for one image after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.data.ahead import ahead
from vlmscope.data.images import ImageSource, OpenedImage, open_image
from vlmscope.errors import (
    BadImageError,
    BadOptionError,
    BadPhraseError,
    VlmscopeError,
)
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
from vlmscope.methods.decoder import ReadingMethod, Reads, ground_together, read_of_images
from vlmscope.methods.encoder.options import PIXEL_OPTIONS
from vlmscope.models import DualEncoder, LoadedModel, PatchTower, Prompt
from vlmscope.models.guard import check_model
from vlmscope.options import change_options
from vlmscope.post import PostOptions
from vlmscope.post.options import post_fields
from vlmscope.refine import RefineOptions, Refiner
from vlmscope.results import Grounding

__all__ = [
    "Grounder",
    "Phrase",
    "check_batch",
    "ground_options",
    "grounder",
    "prompts_of",
    "refuse_pixel_options",
    "sam_prompt",
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
        refine_prompt: what of a result prompts it.
        cautions: what to know of the choice of the method; every result says it.
        batch: how many images :meth:`each` looks at side by side.
    """

    model: LoadedModel | DualEncoder = field(repr=False)
    method: Method
    prompts: tuple[Prompt, ...]
    refine: Refiner | None
    refine_prompt: str
    cautions: tuple[str, ...]
    _find: Prepared = field(repr=False)
    batch: int = 1
    _reads: Reads | None = field(default=None, repr=False)

    def __call__(self, image: ImageSource | OpenedImage) -> list[Grounding]:
        """Ground the phrases in one image; a Grounding for each.

        Raises:
            BadImageError: an image that cannot be read.
        """
        opened = open_image(image)
        return self._finished(self._find(opened.pixels) if self.prompts else [], opened)

    def each(self, images: Iterable[ImageSource | OpenedImage]) -> Iterator[list[Grounding]]:
        """The same for every image, in order; the next images are read while one is looked at.

        Images are taken one by one, or :attr:`batch` of them at a time, so that memory does not grow
        with their number.

        Raises:
            BadImageError: at the first image that cannot be read. To go on after it, call the
                Grounder image by image.
        """
        if self.batch == 1 or not self.prompts:
            for _, opened in ahead(images, open_image):
                yield self(opened())
            return
        waiting: list[OpenedImage] = []
        for _, opened in ahead(images, open_image, self.batch):
            try:
                waiting.append(opened())
            except BadImageError:
                yield from self._side_by_side(waiting)
                raise
            if len(waiting) == self.batch:
                yield from self._side_by_side(waiting)
                waiting = []
        yield from self._side_by_side(waiting)

    def _side_by_side(self, images: Sequence[OpenedImage]) -> Iterator[list[Grounding]]:
        assert self._reads is not None and isinstance(
            self.model, LoadedModel
        )  # as they were checked
        pixels = [opened.pixels for opened in images]
        try:
            read = read_of_images(self.model, pixels, [[self._reads]] * len(images))
        except VlmscopeError:  # of one of them: each by itself, and this one says it when it comes
            yield from map(self, images)
            return
        for opened, [own] in zip(images, read, strict=True):
            yield self._finished(self._reads.located(opened.pixels, own), opened)

    def _finished(self, results: list[Grounding], opened: OpenedImage) -> list[Grounding]:
        results = with_image_notes(results, opened)
        if self.cautions:
            results = [replace(each, warnings=self.cautions + each.warnings) for each in results]
        return results if self.refine is None else self.refine.refine(results, self.refine_prompt)


def grounder(
    model: LoadedModel | DualEncoder,
    phrases: Phrase | Sequence[Phrase],
    method: str | None = None,
    heads: Any = None,
    placement: str | None = None,
    prompt: str | None = None,
    rows: str | int | Sequence[int] | None = None,
    refine: Refiner | None = None,
    refine_prompt: str | None = None,
    batch: int = 1,
    proxy: PatchTower | None = None,
    text_cache: bool = True,
    **options: Any,
) -> Grounder:
    """Check everything and prepare the phrases once, for many images.

    Arguments and errors: :func:`vlmscope.ground`.
    """
    check_model(model)
    prompts_sam = sam_prompt(refine, refine_prompt)
    check_batch(batch)
    chosen, cautions = _chosen(model, method, heads, proxy)
    refuse_pixel_options(options)
    settings = ground_options(chosen, model, options)
    prompts = prompts_of(phrases)
    request = GroundRequest(heads, placement, prompt, rows, settings, text_cache)
    _refuse_foreign(chosen, request)
    fixed = (model, chosen, tuple(prompts), refine, prompts_sam, cautions)
    if batch == 1:
        return Grounder(*fixed, prepared(chosen, model, prompts, request))
    if not isinstance(chosen, ReadingMethod) or not isinstance(model, LoadedModel):
        raise BadOptionError(
            f"The method {chosen.id!r} looks at one image at a time; batch is for methods that read "
            f"attention of a decoder. Leave it out, got {batch}."
        )
    reads = chosen.reads(model, prompts, request)
    return Grounder(*fixed, partial(_alone, model, reads), batch, reads)


def check_batch(batch: Any) -> None:
    """Raise BadOptionError for anything but a whole number of 1 or more."""
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise BadOptionError(f"batch is how many images are looked at side by side, got {batch!r}.")


def _alone(model: LoadedModel, reads: Reads, pixels: NDArray[np.uint8]) -> list[Grounding]:
    [groundings] = ground_together(model, pixels, [reads])
    return groundings


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


def sam_prompt(refine: Any, prompt: Any) -> str:
    """What of a Grounding prompts SAM: the box, unless something else was asked for.

    Raises:
        BadOptionError: anything but a Refiner or None, or a prompt without a SAM.
        UnknownNameError: a prompt that there is none of.
    """
    if refine is None and prompt is not None:
        raise BadOptionError(
            f"refine_prompt={prompt!r} says what prompts SAM, and there is no SAM. Give one with "
            "refine, such as vlmscope.load_sam('facebook/sam-vit-base')."
        )
    if refine is not None and not isinstance(refine, Refiner):
        raise BadOptionError(
            "refine takes a Refiner, such as vlmscope.load_sam('facebook/sam-vit-base') gives, got "
            f"{type(refine).__name__}."
        )
    return RefineOptions().prompt if prompt is None else RefineOptions(prompt).prompt


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


def refuse_pixel_options(options: Mapping[str, Any]) -> None:
    """Options that compare classes pixel by pixel are not silently ignored.

    Raises:
        BadOptionError: one of them.
    """
    for name in PIXEL_OPTIONS:
        if name in options:
            raise BadOptionError(
                f"The option {name!r} is about classes that are compared pixel by pixel, and here each "
                "phrase has a map of its own. Leave it out, or use segment."
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
