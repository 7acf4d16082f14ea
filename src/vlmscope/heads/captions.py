"""Samples out of images alone: the model writes a caption of each, and its noun phrases are what is read.

Nothing checks that a phrase is true of its image, or that it is written well; many have to be.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from vlmscope.attention import SharedPrefix, generate, shared_prefix
from vlmscope.data.ahead import ahead
from vlmscope.data.images import OpenedImage, open_image
from vlmscope.data.noun_phrases import noun_phrases
from vlmscope.data.resume import SampleLog
from vlmscope.data.sample_lists import SampleRow
from vlmscope.data.samples import sample_id
from vlmscope.errors import BadImageError, BadSampleError
from vlmscope.models import LoadedModel

__all__ = ["QUESTION", "CaptionedImages"]

QUESTION = "describe the picture"

_LONGEST = 64  # tokens of a caption
_MOST = 8  # phrases of an image: more would count single images too much
_SHOWN = 60  # characters of a caption in a message
_PREFIXES = 2  # an image is finished when the next has been captioned


@dataclass
class CaptionedImages:
    """Samples, to be gone through once; an image is encoded once for its caption and its phrases.

    Attributes:
        model: the model.
        images: what ``open_image`` takes; read one by one.
        log: captions are kept in it, so that none is written twice.
        preset, placement: as for :func:`vlmscope.prefill`.
        question: asked for a caption.
        skipped: one sentence for every image that gave no sample.
    """

    model: LoadedModel
    images: Iterable[Any]
    log: SampleLog
    preset: str | None
    placement: str | None
    question: str = QUESTION
    skipped: list[str] = field(default_factory=list)
    _prefixes: OrderedDict[int, SharedPrefix] = field(default_factory=OrderedDict, repr=False)

    def __iter__(self) -> Iterator[SampleRow]:
        """A sample for every phrase.

        Raises:
            BadSampleError: not one image gave a phrase.
        """
        used = False
        for number, (source, opened) in enumerate(ahead(self.images, open_image)):
            image, phrases = self._captioned(f"image {number}", source, opened)
            for phrase in phrases:
                used = True
                yield SampleRow(image, phrase, place=f"{image.name}, {phrase!r}")
        if not used:
            first = f" The first: {self.skipped[0]}" if self.skipped else ""
            raise BadSampleError(
                f"None of {len(self.skipped)} images gave a phrase to look for.{first}"
            )

    def prefix_of(self, image: Any) -> SharedPrefix | None:
        """The prefix that an image's caption was written on."""
        return self._prefixes.get(id(image))

    def _captioned(
        self, place: str, source: Any, open_it: Callable[[], OpenedImage]
    ) -> tuple[Any, list[str]]:
        try:
            image = open_it()
        except BadImageError as error:
            name = source if isinstance(source, str) else place
            self.skipped.append(f"{name}: {error}")
            return None, []
        digest = sample_id(image.pixels, f"caption: {self.question}")
        if digest not in self.log:
            self.log.add(digest, {"caption": self._written(image)})
        caption = str(self.log[digest]["caption"])
        phrases = noun_phrases(caption)[:_MOST]
        if not phrases:
            shown = caption[:_SHOWN] + ("..." if len(caption) > _SHOWN else "")
            self.skipped.append(f"{image.name}: its caption holds no noun: {shown!r}")
        return image, phrases

    def _written(self, image: OpenedImage) -> str:
        if not self.model.family.causal_image:
            return generate(
                self.model,
                image,
                self.question,
                max_new_tokens=_LONGEST,
                preset=self.preset,
                placement=self.placement,
            ).text
        prefix = shared_prefix(
            self.model, image.pixels, preset=self.preset, placement=self.placement
        )
        self._prefixes[id(image)] = prefix
        if len(self._prefixes) > _PREFIXES:
            self._prefixes.popitem(last=False)
        return prefix.answer(self.question, _LONGEST)
