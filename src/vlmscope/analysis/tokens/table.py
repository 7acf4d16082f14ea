"""A grounded answer as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vlmscope.analysis.tokens.ranges import mean_over_layers

if TYPE_CHECKING:
    from vlmscope.analysis.tokens.result import GroundedAnswer

__all__ = ["CAVEAT", "TOKENS_COLUMNS", "tokens_table"]

CAVEAT = (
    "A word that pays the image no more attention than it pays a blank one is marked: a hint that it "
    "was guessed from the text, not a proof. Attention says where a row reads, not what it uses."
)
"""What to read before the table."""

TOKENS_COLUMNS = (
    "on image, on blank: attention on this image and on a blank one; log p: of the word, in nats; gain: "
    "how many nats likelier this image makes it than a blank one; lost: no longer said once the answer "
    "may not read the image; guessed?: looks no more at this image than at a blank one."
)
"""What the columns of :func:`tokens_table` hold."""


def tokens_table(answer: GroundedAnswer) -> tuple[list[str], list[list[object]]]:
    """Columns and rows, a word each."""
    columns = [
        "word",
        "on image",
        "on blank",
        "log p",
        "gain",
        "lost",
        "guessed?",
        "looks at (x,y)",
    ]
    rows: list[list[object]] = []
    first, last = answer.layers
    for index, word in enumerate(answer.words):
        box = answer.top_tokens(index, 1)[0]["box"]
        rows.append(
            [
                word.text,
                mean_over_layers(word.share[first : last + 1]),
                mean_over_layers(word.blank_share[first : last + 1]),
                word.log_prob,
                word.gain,
                "yes" if word.lost else "",
                "maybe" if word.maybe_guessed else "",
                f"{(box[0] + box[2]) / 2:.0f},{(box[1] + box[3]) / 2:.0f}",
            ]
        )
    return columns, rows
