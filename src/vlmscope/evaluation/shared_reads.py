"""Methods that read a decoder's attention on one image: all of them on the same passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vlmscope.data.datasets import EvalSample
from vlmscope.evaluation.configured_methods import ConfiguredMethod
from vlmscope.methods import GroundRequest
from vlmscope.methods.decoder import ReadingMethod, Reads, read_of_each
from vlmscope.models import Prompt
from vlmscope.results import Grounding

__all__ = ["SharedReads", "is_reading"]


class SharedReads:
    """What several methods read of one image; run when the first of them looks.

    Args:
        model: the model.
        sample: the image and its truth.
        methods: with labels that differ, all of them :func:`is_reading`.
    """

    def __init__(self, model: Any, sample: EvalSample, methods: Sequence[ConfiguredMethod]) -> None:
        self._model, self._sample, self._methods = model, sample, tuple(methods)
        self._read: dict[str, tuple[Reads, list[list[Any]]]] = {}

    def ground(self, method: ConfiguredMethod, prompts: Sequence[Prompt]) -> list[Grounding]:
        """One of the methods on the image; each looks once, and its maps are let go of."""
        if method.label not in self._read:
            self._run(prompts)
        reads, read = self._read.pop(method.label)
        return reads.located(self._sample.image.pixels, read)

    def _run(self, prompts: Sequence[Prompt]) -> None:
        wanted = [reads_of(each, self._model, prompts) for each in self._methods]
        read = read_of_each(self._model, self._sample.image.pixels, wanted)
        pairs = zip(wanted, read, strict=True)
        self._read.update(zip((each.label for each in self._methods), pairs, strict=True))


def is_reading(method: ConfiguredMethod) -> bool:
    """Whether a method reads a decoder's attention, so that it can share passes."""
    return isinstance(method.method, ReadingMethod)


def reads_of(method: ConfiguredMethod, model: Any, prompts: Sequence[Prompt]) -> Reads:
    """What a method reads for these prompts, as evaluation asks it."""
    assert isinstance(method.method, ReadingMethod)
    request = GroundRequest(None, None, None, None, method.options)
    return method.method.reads(model, prompts, request)
