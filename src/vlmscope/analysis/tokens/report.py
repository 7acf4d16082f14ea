"""A grounded answer as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vlmscope.analysis.record import run_section
from vlmscope.analysis.tokens.picture import caption_picture
from vlmscope.analysis.tokens.table import CAVEAT, TOKENS_COLUMNS, tokens_table
from vlmscope.analysis.tokens.words_view import answer_scene, words_block
from vlmscope.markup import clean
from vlmscope.report import Page, Series, curves
from vlmscope.results.geometry_blocks import SIDE
from vlmscope.stats import Interval

if TYPE_CHECKING:
    from vlmscope.analysis.tokens.result import GroundedAnswer

__all__ = ["tokens_page"]


def tokens_page(answer: GroundedAnswer, command: str = "", *, side: int = SIDE) -> Page:
    """The page: words with what each looked at, the grounded caption, attention by layer.

    Args:
        answer: what is shown.
        command: how it was made, for the reader who wants to repeat it.
        side: pixels of the longer side of the image at most.
    """
    lost = sum(word.lost for word in answer.words)
    page = Page(
        f"What {answer.run['model']} looked at",
        f"{answer.prompt!r}: {answer.text}. {lost} of {len(answer.words)} words are lost when the "
        "answer may not read the image.",
    )
    if answer.words:  # the block of words says the caveat beside them
        page.heading("Word by word")
        page.add(answer_scene(answer, side=side))
        page.add(words_block(answer))
        page.table(*tokens_table(answer), note=TOKENS_COLUMNS)
    else:
        page.caveat(CAVEAT)
    if clean(answer.text):
        page.heading("The answer, grounded")
        page.pictures([(caption_picture(answer), "A box for each noun phrase.")])
    if answer.words:
        page.heading("By layer")
        page.plot(
            curves(_layer_series(answer), x=_places(answer), y_label="attention on the image"),
            "Mean over all words.",
        )
    run_section(page, answer.run, command)
    return page


def _layer_series(answer: GroundedAnswer) -> list[Series]:
    real = np.mean([word.share for word in answer.words], axis=0)
    blank = np.mean([word.blank_share for word in answer.words], axis=0)
    return [
        Series(name, [Interval(float(v), float(v), float(v)) for v in values if not np.isnan(v)])
        for name, values in (("this image", real), ("a blank image", blank))
    ]


def _places(answer: GroundedAnswer) -> list[int] | None:
    """The layers on the x axis, where not all have attention rows."""
    held = np.flatnonzero(~np.isnan(answer.words[0].share))
    return None if len(held) == len(answer.words[0].share) else held.tolist()
