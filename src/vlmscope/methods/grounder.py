"""A method with phrases, ready for one image after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from vlmscope.data.images import ImageSource, OpenedImage, open_image
from vlmscope.errors import BadOptionError, BadPhraseError
from vlmscope.methods.base import (
    ARGUMENTS,
    GroundRequest,
    Method,
    Prepared,
    check_accepts,
    with_proxy,
)
from vlmscope.methods.catalogue import default_method, get_method
from vlmscope.methods.encoder.options import PIXEL_OPTIONS
from vlmscope.methods.looks import Looks, looks_of
from vlmscope.methods.stream import Job, Outcome, Stream
from vlmscope.models import DualEncoder, LoadedModel, PatchTower, Prompt
from vlmscope.models.guard import check_model
from vlmscope.options import change_options, check_batch
from vlmscope.post import PostOptions
from vlmscope.post.options import post_fields
from vlmscope.refine import RefineOptions, Refiner
from vlmscope.results import Grounding

__all__ = [
    "Grounder",
    "Phrase",
    "chosen_method",
    "ground_options",
    "grounder",
    "prompts_of",
    "refuse_foreign",
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
        batch: how many images :meth:`each` and :meth:`stream` look at side by side.
    """

    model: LoadedModel | DualEncoder = field(repr=False)
    method: Method
    prompts: tuple[Prompt, ...]
    refine: Refiner | None
    refine_prompt: str
    cautions: tuple[str, ...]
    _find: Prepared = field(repr=False)
    _looks: Looks = field(repr=False)
    batch: int = 1

    def __call__(self, image: ImageSource | OpenedImage) -> list[Grounding]:
        """Ground the phrases in one image; a Grounding for each.

        Raises:
            BadImageError: an image that cannot be read.
        """
        opened = open_image(image)
        return self._finished(self._find(opened.pixels) if self.prompts else [], opened)

    def each(self, images: Iterable[ImageSource | OpenedImage]) -> Iterator[list[Grounding]]:
        """The same for every image, in order; the next images are read while some are looked at.

        Memory does not grow with their number.

        Raises:
            BadImageError: at the first image that cannot be read. To go on after it, see
                :meth:`stream`.
        """
        stream = self._stream(self.batch, None, 1, ordered=True, traced=True)
        for outcome in stream.outcomes(Job(image) for image in images):
            yield outcome.result()

    def stream(
        self,
        jobs: Iterable[Job],
        *,
        batch: int | None = None,
        window: int | None = None,
        threads: int = 2,
        ordered: bool = True,
        halved: Callable[[int], None] | None = None,
    ) -> Iterator[Outcome]:
        """An outcome for every job: what was found in its image, or why nothing was.

        Phrases may differ from image to image. Images are read ahead in threads, and looked at side
        by side where they have the same number of tokens and the method knows how to; methods that
        do not look at one after the other. An image that cannot be read, or a phrase that is none,
        is the error of its own job and stops no other. Where a batch does not fit in the device's
        memory, it is halved from there on, with a warning.

        Args:
            jobs: read one by one, as they are needed.
            batch: how many images are looked at side by side; None: :attr:`batch`.
            window: how many jobs may be open at a time, ``batch`` at least; the larger, the more
                images of the same number of tokens meet. None: four times ``batch``.
            threads: how many read images.
            ordered: outcomes come in the order of the jobs; False: as soon as they are there.
            halved: hears what is left of the batch when it is halved, for later calls.

        Raises:
            BadOptionError: a number that is none of 1 or more.
        """
        size = self.batch if batch is None else batch
        check_batch(size)
        check_batch(threads, "threads is how many read images")
        check_batch(size if window is None else window, "window is how many jobs may be open")
        return replace(self._stream(size, window, threads, ordered), halved=halved).outcomes(jobs)

    def _stream(
        self, batch: int, window: int | None, threads: int, ordered: bool, traced: bool = False
    ) -> Stream:
        size = batch if self._looks.together else 1
        return Stream(
            looks=self._looks,
            read=self._read,
            finish=self._finished,
            batch=size,
            window=(4 * size if size > 1 else 1) if window is None else max(size, window),
            threads=threads,
            ordered=ordered,
            traced=traced,
        )

    def _read(self, job: Job) -> tuple[OpenedImage, tuple[Prompt, ...]]:
        prompts = self.prompts if job.phrases is None else tuple(prompts_of(job.phrases))
        return open_image(job.image), prompts

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
    chosen, cautions = chosen_method(model, method, heads, proxy)
    refuse_pixel_options(options)
    settings = ground_options(chosen, model, options)
    prompts = prompts_of(phrases)
    request = GroundRequest(heads, placement, prompt, rows, settings, text_cache)
    refuse_foreign(chosen, request)
    looks = looks_of(chosen, model, request)
    own = tuple(prompts)
    find = looks.alone(own)
    return Grounder(model, chosen, own, refine, prompts_sam, cautions, find, looks, batch)


def with_image_notes(results: list[Grounding], opened: OpenedImage) -> list[Grounding]:
    """Results that say what was done to the image before anything was looked for."""
    if not opened.notes:
        return results
    notes = {"image_notes": list(opened.notes)}
    return [replace(each, details={**each.details, **notes}) for each in results]


def chosen_method(
    model: LoadedModel | DualEncoder, name: str | None, heads: Any, proxy: Any
) -> tuple[Method, tuple[str, ...]]:
    """The method that is named, or else the model's default, with what to know of that choice.

    Raises:
        UnknownNameError: no such method.
        UnsupportedError: one that does not run on the model.
        BadOptionError: ``all``, or a proxy that the method has no use for.
    """
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


def refuse_foreign(method: Method, request: GroundRequest) -> None:
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
