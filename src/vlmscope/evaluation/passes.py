"""The responses of several methods to one image, sharing what they can."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from torch import Tensor

from vlmscope.data.datasets import EvalSample
from vlmscope.errors import BadOptionError, BadSampleError
from vlmscope.evaluation.responses import DenseResponse, GroundedResponse, Response, is_dense
from vlmscope.evaluation.runs import MethodRun
from vlmscope.evaluation.vocabulary import Vocabulary
from vlmscope.methods.encoder import (
    DenseAnswer,
    DenseTokens,
    Similarity,
    against,
    compare,
    tokens_of_methods,
)
from vlmscope.models import DualEncoder
from vlmscope.models.encoders.patches import grid_size
from vlmscope.types import TokenMap

__all__ = ["responses"]

_Size = tuple[int, bool]


def responses(runs: Sequence[MethodRun], words: Vocabulary, sample: EvalSample) -> list[Response]:
    """One response per run; no model runs before a task asks for something.

    Dense methods that see the whole image at one size share one pass through the tower; those with
    sliding windows go on their own.

    Args:
        runs: with labels that differ.
        words: the classes, and the model.
        sample: the image and its truth.

    Raises:
        BadSampleError: an image that becomes too many patches, or none.
    """
    groups: dict[_Size, list[MethodRun]] = {}
    for run in runs:
        if is_dense(run):
            _check_size(_size(run, words.model), words.model, sample)
        if is_dense(run) and not run.options.window:
            groups.setdefault(_size(run, words.model), []).append(run)
    passes = {size: _Pass(words.model, sample, size, group) for size, group in groups.items()}
    return [_response(run, words, sample, passes) for run in runs]


def _response(
    run: MethodRun, words: Vocabulary, sample: EvalSample, passes: dict[_Size, _Pass]
) -> Response:
    if not is_dense(run):
        return GroundedResponse(run, words.model, sample)
    if run.options.window:
        how = DenseAnswer(run.method, words.model, run.options)  # type: ignore[arg-type]
        return DenseResponse(run, sample, words, partial(compare, how, sample.image.pixels))
    shared = passes[_size(run, words.model)]
    return DenseResponse(run, sample, words, partial(shared.compare, run))


def _size(run: MethodRun, model: Any) -> _Size:
    return DenseAnswer(run.method, model, run.options).side, run.options.keep_ratio  # type: ignore[arg-type]


def _check_size(size: _Size, model: Any, sample: EvalSample) -> None:
    """One image that is too long must not end a job of thousands."""
    try:
        grid_size(sample.image.size, model.patch, *size)
    except BadOptionError as error:
        raise BadSampleError(str(error)) from error


class _Pass:
    """One image at one size, through the tower once for all of its runs."""

    def __init__(
        self, model: Any, sample: EvalSample, size: _Size, runs: Sequence[MethodRun]
    ) -> None:
        assert isinstance(model, DualEncoder)  # `accepts` said so
        self._model, self._sample, self._size, self._runs = model, sample, size, runs
        self._found: dict[str, tuple[DenseTokens, TokenMap]] = {}

    def compare(self, run: MethodRun, text: Tensor) -> Similarity:
        """As :func:`vlmscope.methods.encoder.compare`, from tokens that are computed once."""
        if not self._found:
            self._walk()
        tokens, token_map = self._found[run.label]
        how = DenseAnswer(run.method, self._model, run.options)  # type: ignore[arg-type]
        return against(how, tokens, token_map, text)

    def _walk(self) -> None:
        fitted = self._model.fit(self._sample.image.pixels, *self._size)
        pairs: list[Any] = [(run.method, run.options) for run in self._runs]
        found = tokens_of_methods(self._model, fitted.values, fitted.grid, pairs, pooled=True)
        for run, tokens in zip(self._runs, found, strict=True):
            self._found[run.label] = tokens, fitted.token_map
