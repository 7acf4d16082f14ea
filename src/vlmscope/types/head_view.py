"""A head set as the viewer draws it: where the heads lie, how they were found, what they are worth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from vlmscope.markup import cell
from vlmscope.types.evidence import evidence_table, frequency_table, heads_table, origin
from vlmscope.viewer import View
from vlmscope.viewer.blocks import Block, dots, facts, head_map, heading, note, table, text

if TYPE_CHECKING:
    from vlmscope.types.heads import HeadSet

__all__ = ["head_set_view"]

_NAMED = 24  # heads in the title


def head_set_view(heads: HeadSet) -> View:
    """The set: origin, discovery, verification."""
    names = ", ".join(map(str, heads.heads[:_NAMED])) + ("…" if len(heads.heads) > _NAMED else "")
    blocks = [
        facts([(name, cell(value)) for name, value in origin(heads)]),
        *_discovery(heads),
        *_verification(heads),
        *map(note, heads.skipped[:3]),
    ]
    return View(f"Heads of {heads.model}: {names}", heads.notes, blocks)


def _discovery(heads: HeadSet) -> Iterator[Block]:
    if heads.frequencies:
        yield heading("How they were found")
        if heads.shape is not None:
            yield _map(heads, heads.shape)
        yield table(*frequency_table(heads), note="*: in the set")
    if len(heads.sums) > 1 and heads.tau is not None:
        yield dots(
            np.sort(heads.sums),
            heads.tau,
            title="Attention on the image, all heads",
            x_label="heads, the least attentive first",
            y_label="attention sum",
            caption="Heads below the line look at text; those above it are compared by entropy.",
        )


def _map(heads: HeadSet, shape: tuple[int, int]) -> Block:
    grid = np.full(shape, np.nan, dtype=np.float32)
    for row in heads.frequencies:
        if row.head.layer < shape[0] and row.head.head < shape[1]:
            grid[row.head] = row.frequency.value
    return head_map(
        grid,
        title="How often discovery met each head",
        label="share of samples",
        marked=heads.heads,
        caption="Ringed: the heads of the set. Empty: never among those of lowest entropy.",
    )


def _verification(heads: HeadSet) -> Iterator[Block]:
    evidence = heads.evidence
    yield heading("What they are worth")
    if evidence is None:
        yield note("Not verified: vs.verify_heads measures what these heads are worth.")
        return
    if not evidence.better_than_chance:
        yield note("These heads are no better than chance here.")
    yield text(f"On {evidence.samples} samples that discovery did not see, with 95% intervals.")
    yield table(*evidence_table(evidence))
    if evidence.per_head:
        yield table(*heads_table(evidence))
