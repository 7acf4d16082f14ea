"""Questions on one picture, asked from contexts of every size."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.context.compress import CompressedContext, read_image
from vlmscope.errors import VlmscopeWarning
from vlmscope.models import LoadedModel

__all__ = ["WHOLE", "Asking", "unread_words"]

WHOLE = ("whole", 1.0)
"""Measure and share of the context that the others are held against."""


@dataclass(frozen=True)
class Asking:
    """How every picture is read, compressed and asked about.

    Attributes:
        model: the model.
        keeps: shares of image tokens.
        by: measures of importance.
        prompt: what pictures are read under; None: nothing.
        max_new_tokens: longest answer.
        settings: preset, placement and seed of :func:`read_image`.
    """

    model: LoadedModel
    keeps: Sequence[float]
    by: Sequence[str]
    prompt: str | None
    max_new_tokens: int
    settings: dict[str, Any]

    def ask(self, image: NDArray[np.uint8], questions: Sequence[str]) -> list[dict[str, Any]]:
        """What is answered from each context, the whole one first; see ``ContextCurve.records``.

        One pass over the picture per measure, shared by all questions and shares.
        """
        contexts = []
        for (by, keep), context in self._contexts(image):
            answers, seconds = [], []
            for question in questions:
                started = time.perf_counter()
                answers.append(context.ask(question, self.max_new_tokens))
                seconds.append(time.perf_counter() - started)
            # the context itself is let go: its cache is large
            contexts.append(
                {
                    "by": by,
                    "keep": keep,
                    "tokens": context.tokens,
                    "size": context.size,
                    "answers": answers,
                    "seconds": seconds,
                }
            )
        return contexts

    def _contexts(
        self, image: NDArray[np.uint8]
    ) -> Iterator[tuple[tuple[str, float], CompressedContext]]:
        whole = read_image(self.model, image, self.prompt, by="norm", **self.settings)
        yield WHOLE, whole.compressed(1.0)
        for measure in self.by:
            read = read_image(self.model, image, self.prompt, by=measure, **self.settings)
            for keep in self.keeps:
                yield (measure, keep), read.compressed(keep)


@contextlib.contextmanager
def unread_words() -> Iterator[list[str]]:
    """What is said of words that the vocabulary lacks: collected, for thousands of questions repeat it."""
    texts: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield texts
    for each in caught:
        if issubclass(each.category, VlmscopeWarning):
            texts.append(str(each.message))
        else:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
