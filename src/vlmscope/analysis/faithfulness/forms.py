"""The two ways of taking regions away from a model, and the answer's tokens under each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from vlmscope.analysis.faithfulness.options import FaithfulnessOptions
from vlmscope.analysis.faithfulness.regions import Regions
from vlmscope.attention import generate
from vlmscope.attention.forced import answer_ids, encode_forced_batch, run_forced_batch
from vlmscope.attention.sweep import answer_scores
from vlmscope.attention.sweep.clean_run import check_said, end_ids
from vlmscope.errors import UnsupportedError
from vlmscope.models import LoadedModel, Prompt
from vlmscope.types import TokenMap

__all__ = [
    "Measured",
    "check_tokens_form",
    "filled",
    "measure_pixels",
    "measure_tokens",
    "painted",
]

# sigma as a share of the longer side
_BLUR = 0.1


@dataclass(frozen=True, eq=False)
class Measured:
    """The answer's tokens on a picture with regions taken away.

    Attributes:
        ids: int (tokens,): of the answer.
        logprobs: float (removals, tokens): of each, teacher-forced, in nats.
        rows_run: positions that ran through the decoder.
        rows_plain: positions of as many plain passes as there were removals.
    """

    ids: tuple[int, ...]
    logprobs: NDArray[np.float64]
    rows_run: int
    rows_plain: int


def check_tokens_form(model: LoadedModel, token_map: TokenMap) -> None:
    """Refuse a model whose image tokens cannot be hidden from the text one by one.

    Raises:
        UnsupportedError: says why.
    """
    if not (token_map.crossed or token_map.carries):
        return
    why = (
        "reads the image by cross-attention, outside the sequence whose edges are blocked"
        if token_map.crossed
        else "reads the image through a few query tokens, which stand for no place of their own"
    )
    raise UnsupportedError(
        f"{model.id} (family {model.family.id!r}) {why}: no region can be hidden from the text by itself. "
        "Use form='pixels'."
    )


def measure_tokens(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    prompt: Prompt,
    token_map: TokenMap,
    regions: Regions,
    removals: Sequence[NDArray[np.bool_]],
    options: FaithfulnessOptions,
) -> Measured:
    """The text after the image, and the answer, do not read the tokens of removed regions, in any layer.

    The image is encoded and read once; every removal runs the rows of the text alone. Image tokens go
    on reading each other. Of families whose image reads the text, too, every removal is a whole pass.
    Both ends are exact: nothing removed is the clean pass, everything the knock-out of the image.

    Args:
        model: one that :func:`check_tokens_form` lets pass.
        pixels: uint8 (height, width, 3).
        prompt: with an answer, or without: then the model answers.
        token_map: of the prompt.
        regions: of the picture.
        removals: bool (regions,) each.
        options: preset, placement and the answer's length.

    Raises:
        BadSampleError: an answer without tokens.
    """
    hidden = [_hidden(regions, each) for each in removals]
    scores = answer_scores(
        model,
        pixels,
        prompt,
        [((each, "text"), (each, "generated")) for each in hidden if each],
        preset=options.preset,
        placement=options.placement,
        max_new_tokens=options.max_new_tokens,
    )
    check_said(model, list(scores.ids), prompt.answer)
    knocked = iter(scores.logprobs)
    logprobs = [next(knocked) if each else scores.clean for each in hidden]
    return Measured(scores.ids, np.array(logprobs), scores.rows_run, len(removals) * scores.length)


def _hidden(regions: Regions, removed: NDArray[np.bool_]) -> str | tuple[int, ...]:
    """The image tokens that leave; none where nothing is removed: that is the clean pass."""
    return "image" if removed.all() else regions.tokens(removed)


def measure_pixels(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    prompt: Prompt,
    ids: Sequence[int] | None,
    regions: Regions,
    removals: Sequence[NDArray[np.bool_]],
    options: FaithfulnessOptions,
) -> Measured:
    """Removed regions are painted over, and each picture is a plain pass, several side by side.

    Args:
        model: the model.
        pixels: uint8 (height, width, 3).
        prompt: with an answer, or without: then the model answers.
        ids: of the answer, where they are known already.
        regions: of the picture.
        removals: bool (regions,) each.
        options: fill, batch, preset, placement and the answer's length.

    Raises:
        BadSampleError: an answer without tokens.
        BadPhraseError: an answer that was handed in and becomes none.
    """
    answer = _answer(model, pixels, prompt, options) if ids is None else tuple(ids)
    check_said(model, list(answer), prompt.answer)
    paint = filled(pixels, options.fill)
    question = Prompt(prompt.text, prompt.phrase)
    parts, rows = [], 0
    for start in range(0, len(removals), options.batch):
        pictures = [
            painted(pixels, paint, regions, each)
            for each in removals[start : start + options.batch]
        ]
        encoded = encode_forced_batch(
            model,
            pictures,
            question,
            answer,
            preset=options.preset,
            placement=options.placement,
        )
        parts.append(run_forced_batch(model, encoded)[0].double().numpy())
        rows += len(pictures) * encoded.length
    return Measured(answer, np.concatenate(parts), rows, rows)


def _answer(
    model: LoadedModel, pixels: NDArray[np.uint8], prompt: Prompt, options: FaithfulnessOptions
) -> tuple[int, ...]:
    if prompt.answer is not None:
        return tuple(answer_ids(model, prompt, prompt.answer, 1, options.preset).tolist())
    spoken = generate(
        model,
        pixels,
        prompt,
        max_new_tokens=options.max_new_tokens,
        preset=options.preset,
        placement=options.placement,
    )
    ids = spoken.ids.tolist()
    return tuple(ids[:-1] if ids and ids[-1] in end_ids(model) else ids)


def painted(
    pixels: NDArray[np.uint8],
    paint: NDArray[np.uint8],
    regions: Regions,
    removed: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """A picture with regions painted over: uint8 (height, width, 3).

    Args:
        pixels: uint8 (height, width, 3).
        paint: what removed regions show, as :func:`filled` gives it.
        regions: of the picture.
        removed: bool (regions,).
    """
    shown: NDArray[np.uint8] = np.where(regions.pixels(removed)[..., None], paint, pixels)
    return shown


def filled(pixels: NDArray[np.uint8], fill: str) -> NDArray[np.uint8]:
    """What removed regions show: uint8 (height, width, 3).

    Args:
        pixels: uint8 (height, width, 3).
        fill: ``grey``, the mean colour everywhere; ``blur``, the picture under a Gaussian whose sigma
            is a tenth of its longer side.
    """
    return _FILLERS[fill](pixels)


def _mean_colour(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    mean = np.rint(pixels.reshape(-1, 3).mean(axis=0)).astype(np.uint8)
    return np.broadcast_to(mean, pixels.shape).copy()


def _blurred(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    radius = _BLUR * max(pixels.shape[:2])
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


_FILLERS: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "grey": _mean_colour,
    "blur": _blurred,
}
