"""The results of several methods on one image; methods that see it alike share a forward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from torch import Tensor

from vlmscope.data.datasets import EvalSample
from vlmscope.errors import BadOptionError, BadSampleError
from vlmscope.evaluation.entrants.configured_methods import ConfiguredMethod
from vlmscope.evaluation.image_results import (
    DenseImageResult,
    GroundedImageResult,
    ImageResult,
    is_dense,
)
from vlmscope.evaluation.reads.shared_reads import SharedReads, is_reading
from vlmscope.evaluation.words.vocabulary import Vocabulary
from vlmscope.methods.encoder import (
    DenseSetup,
    DenseTokens,
    Similarity,
    against,
    compare,
    tokens_of_methods,
)
from vlmscope.methods.encoder.seen import SeenImage
from vlmscope.models import DualEncoder
from vlmscope.models.encoders.patches import grid_size
from vlmscope.types import TokenMap

__all__ = ["Contender", "results_of_methods"]

_Size = tuple[int, bool]


class Contender(NamedTuple):
    """A method with what it calls the classes of an image.

    Attributes:
        method: the method.
        words: the classes, and the model.
        sample: the image and its truth, in these words.
    """

    method: ConfiguredMethod
    words: Vocabulary
    sample: EvalSample


def results_of_methods(
    contenders: Sequence[Contender], null: str | None = None, reads: SharedReads | None = None
) -> list[ImageResult]:
    """One result per contender; no model runs before a task asks for something.

    Dense methods that see the whole image at one size share one pass through the tower, and so do all
    under a protocol with a name; those with sliding windows of their own do not. A method with several
    vocabularies goes through the tower once for all of them. Methods that read a decoder's attention
    share its passes.

    Args:
        contenders: on one model and one image; of one method no two with the same words.
        null: a phrase that names nothing, which is asked as well, or None.
        reads: of those of the methods that read attention, on this image; None: not begun yet.

    Raises:
        BadSampleError: an image that becomes too many patches, or none.
    """
    model, sample = contenders[0].words.model, contenders[0].sample
    methods = list({each.method.digest: each.method for each in contenders}.values())
    groups: dict[_Size, list[ConfiguredMethod]] = {}
    for method in methods:
        if is_dense(method):
            _check_size(_size(method, model), model, sample)
        if is_dense(method) and not method.options.window and not method.protocol.fixed:
            groups.setdefault(_size(method, model), []).append(method)
    passes = {size: _Pass(model, sample, size, group) for size, group in groups.items()}
    seen = _seen(methods, model, sample)
    reads = reads or SharedReads(model, sample, [each.method for each in contenders], null)
    results: list[ImageResult] = []
    for method, words, own in contenders:
        if method.digest in seen:
            image, index = seen[method.digest]
            asked = partial(image.similarity, index)
            results.append(DenseImageResult(method, own, words, asked, null, (image, index)))
        elif is_dense(method):
            way = _comparison(method, words, own, passes)
            results.append(DenseImageResult(method, own, words, way, null))
        else:
            shared = reads if is_reading(method) else None
            results.append(GroundedImageResult(method, model, own, null, shared))
    return results


def _seen(
    methods: Sequence[ConfiguredMethod], model: Any, sample: EvalSample
) -> dict[str, tuple[SeenImage, int]]:
    """Methods under a protocol by digest: it has them all see the image alike, windows or not."""
    ruled = [each for each in methods if each.protocol.fixed]
    if not ruled:
        return {}
    setups = [DenseSetup(each.method, model, each.options) for each in ruled]  # type: ignore[arg-type]
    image = SeenImage(setups, sample.image.pixels)
    return {each.digest: (image, index) for index, each in enumerate(ruled)}


def _comparison(
    method: ConfiguredMethod, words: Vocabulary, sample: EvalSample, passes: dict[_Size, _Pass]
) -> Callable[[Tensor], Similarity]:
    """From text embeddings to what the image makes of them."""
    if method.options.window:
        setup = DenseSetup(method.method, words.model, method.options)  # type: ignore[arg-type]
        return partial(compare, setup, sample.image.pixels)
    return partial(passes[_size(method, words.model)].compare, method)


def _size(method: ConfiguredMethod, model: Any) -> _Size:
    return DenseSetup(method.method, model, method.options).side, method.options.keep_ratio  # type: ignore[arg-type]


def _check_size(size: _Size, model: Any, sample: EvalSample) -> None:
    """One image that is too long must not end a job of thousands."""
    try:
        grid_size(sample.image.size, model.patch, *size)
    except BadOptionError as error:
        raise BadSampleError(str(error)) from error


class _Pass:
    """One image at one size, through the tower once for all of its methods."""

    def __init__(
        self, model: Any, sample: EvalSample, size: _Size, methods: Sequence[ConfiguredMethod]
    ) -> None:
        assert isinstance(model, DualEncoder)  # `accepts` said so
        self._model, self._sample, self._size, self._methods = model, sample, size, methods
        self._tokens: dict[str, tuple[DenseTokens, TokenMap]] = {}

    def compare(self, method: ConfiguredMethod, text: Tensor) -> Similarity:
        """As :func:`vlmscope.methods.encoder.compare`, from tokens that are computed once."""
        if not self._tokens:
            self._walk()
        tokens, token_map = self._tokens[method.digest]
        setup = DenseSetup(method.method, self._model, method.options)  # type: ignore[arg-type]
        return against(setup, tokens, token_map, text)

    def _walk(self) -> None:
        fitted = self._model.fit(self._sample.image.pixels, *self._size)
        pairs: list[Any] = [(each.method, each.options) for each in self._methods]
        tokens = tokens_of_methods(self._model, fitted.values, fitted.grid, pairs, pooled=True)
        for each, method_tokens in zip(self._methods, tokens, strict=True):
            self._tokens[each.digest] = method_tokens, fitted.token_map
