"""Methods that read a decoder's attention on one image: all of them on the same passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vlmscope.data.datasets import EvalSample
from vlmscope.evaluation.entrants.configured_methods import ConfiguredMethod
from vlmscope.evaluation.words.vocabulary import texts_of
from vlmscope.methods import GroundRequest
from vlmscope.methods.decoder import ReadingMethod, Reads, read_of_images
from vlmscope.methods.decoder.reads import read_of_each
from vlmscope.models import Prompt
from vlmscope.results import Grounding

__all__ = ["SharedReads", "is_reading", "read_side_by_side"]


class SharedReads:
    """What several methods read of one image; run when the first of them looks.

    Args:
        model: the model.
        sample: the image and its truth.
        methods: with labels that differ; those that do not read attention are left out.
        null: a phrase that is asked beside the sentences, or None.
    """

    def __init__(
        self,
        model: Any,
        sample: EvalSample,
        methods: Sequence[ConfiguredMethod],
        null: str | None = None,
    ) -> None:
        self.model, self.sample, self.null = model, sample, null
        self.methods = tuple(method for method in methods if is_reading(method))
        self._read: dict[str, tuple[Reads, list[list[Any]]]] = {}

    def ground(self, method: ConfiguredMethod, prompts: Sequence[Prompt]) -> list[Grounding]:
        """One of the methods on the image; each looks once, and its maps are let go of."""
        if method.label not in self._read:
            several = self.reads(prompts)
            self.keep(several, read_of_each(self.model, self.sample.image.pixels, several))
        reads, read = self._read.pop(method.label)
        return reads.located(self.sample.image.pixels, read)

    def reads(self, prompts: Sequence[Prompt]) -> list[Reads]:
        """What each method reads for these prompts."""
        several = []
        for method in self.methods:
            assert isinstance(method.method, ReadingMethod)
            request = GroundRequest(None, None, None, None, method.options)
            several.append(method.method.reads(self.model, prompts, request))
        return several

    def keep(self, several: Sequence[Reads], read: Sequence[list[list[Any]]]) -> None:
        """Keep what was read for each method until it looks."""
        labels = [method.label for method in self.methods]
        self._read.update(zip(labels, zip(several, read, strict=True), strict=True))


def is_reading(method: ConfiguredMethod) -> bool:
    """Whether a method reads a decoder's attention, so that it can share passes."""
    return isinstance(method.method, ReadingMethod)


def read_side_by_side(images: Sequence[SharedReads]) -> None:
    """Run the passes of several images before any method looks, those of like token count together.

    Args:
        images: of one model.
    """
    asked = [each for each in images if each.methods and _prompts(each)]
    if not asked:
        return
    several = [each.reads(_prompts(each)) for each in asked]
    read = read_of_images(asked[0].model, [each.sample.image.pixels for each in asked], several)
    for each, reads, own in zip(asked, several, read, strict=True):
        each.keep(reads, own)


def _prompts(image: SharedReads) -> list[Prompt]:
    """What each method is going to ask; nothing where a referent has several names, which none can."""
    names = [texts_of(image.model, referent.names) for referent in image.sample.referents]
    if not names or any(len(each) > 1 for each in names):
        return []
    null = [] if image.null is None else [image.null]
    return [Prompt(text) for text in (*(each[0] for each in names), *null)]
