"""A grounded answer as a page."""

from __future__ import annotations

import numpy as np
from PIL import Image

from vlmscope.analysis.record import run_section
from vlmscope.analysis.tokens.picture import caption_picture
from vlmscope.analysis.tokens.result import CAVEAT, GroundedAnswer
from vlmscope.analysis.tokens.table import TOKENS_COLUMNS, tokens_table
from vlmscope.report import Page, Series, curves
from vlmscope.results.drawing import resized
from vlmscope.stats import Interval
from vlmscope.viz import colorize

__all__ = ["tokens_page"]

_STRIP = 150  # pixels of one word's picture


def tokens_page(answer: GroundedAnswer, command: str = "") -> Page:
    """The page: grounded caption, the strip of words with their maps, and attention by layer."""
    lost = sum(word.lost for word in answer.words)
    page = Page(
        f"What {answer.run['model']} looked at",
        f"{answer.prompt!r}: {answer.text}. {lost} of {len(answer.words)} words are lost when the "
        "answer may not read the image.",
    )
    page.caveat(CAVEAT)
    page.heading("The answer, grounded")
    page.pictures([(caption_picture(answer), "A box for each noun phrase.")])
    page.heading("Word by word")
    page.text(
        f"Mean over layers {answer.layers[0]} to {answer.layers[1]}; each map is stretched to its own "
        "range. Below a word: attention on the image, and how many nats likelier the image makes it."
    )
    page.pictures([_cell(answer, index) for index in range(len(answer.words))])
    page.table(*tokens_table(answer), note=TOKENS_COLUMNS)
    page.heading("By layer")
    page.plot(
        curves(_layer_series(answer), y_label="attention on the image"), "Mean over all words."
    )
    run_section(page, answer.run, command)
    return page


def _cell(answer: GroundedAnswer, index: int) -> tuple[Image.Image, str]:
    word = answer.words[index]
    weights = answer.map_of(index)
    painted = answer.token_map.to_pixels(weights, "bilinear").astype(float)
    low, high = painted.min(), painted.max()
    heat = (painted - low) / (high - low) if high > low else np.zeros_like(painted)
    height, width = painted.shape
    factor = _STRIP / max(height, width)
    size = max(1, round(height * factor)), max(1, round(width * factor))
    picture = resized(answer.image, size).astype(float)
    small = np.asarray(Image.fromarray(heat.astype(np.float32)).resize((size[1], size[0])))
    mixed = 0.4 * picture + 0.6 * colorize(np.clip(small, 0, 1)).astype(float)
    first, last = answer.layers
    share = float(word.share[first : last + 1].mean())
    guess = ", maybe guessed" if word.maybe_guessed else ""
    caption = f"{word.text}: {share:.2f}, {word.gain:+.1f} nats{guess}"
    return Image.fromarray(np.rint(mixed).astype(np.uint8)), caption


def _layer_series(answer: GroundedAnswer) -> list[Series]:
    real = np.mean([word.share for word in answer.words], axis=0)
    blank = np.mean([word.blank_share for word in answer.words], axis=0)
    return [
        Series(name, [Interval(float(v), float(v), float(v)) for v in values])
        for name, values in (("this image", real), ("a blank image", blank))
    ]
