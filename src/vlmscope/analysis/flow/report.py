"""Attention flow as a page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vlmscope.analysis.flow.table import FLOW_COLUMNS, flow_table, present
from vlmscope.analysis.record import run_section
from vlmscope.attention.shares import SOURCES
from vlmscope.report import Page, Series, curves, head_map
from vlmscope.stats import Interval

if TYPE_CHECKING:
    from vlmscope.analysis.flow.result import AttentionFlow

__all__ = ["flow_page"]

_CAVEAT = (
    "Attention says where a row reads, not what it uses: a value that is read may be ignored further "
    "up, and a small share may carry the answer. A knock-out (vlmscope knockout) tests that."
)

_HEADINGS = {
    "query": "What the question's tokens read",
    "last": "What the last prompt token reads",
    "generated": "What the answer's tokens read",
}


def flow_page(flow: AttentionFlow, command: str = "") -> Page:
    """The page.

    Args:
        flow: what was found.
        command: how it was made, for the reader who wants to repeat it.
    """
    first, last = flow.image_band()
    page = Page(
        f"Attention flow in {flow.run['model']}",
        f"{len(flow.ids)} questions. Half of what the last prompt token gives to the image lies in "
        f"layers {first} to {last} of {flow.layers}.{_said(flow)}",
    )
    page.caveat(_CAVEAT)
    page.heading("Shares over all layers")
    page.table(*flow_table(flow), note=FLOW_COLUMNS)
    for target in present(flow):
        _target_section(page, flow, target)
    page.heading("How spread out the part on the image is")
    page.text(
        "Entropy of the attention on image tokens, in nats; a uniform look over all of them would be "
        f"{_uniform(flow):.2f}."
    )
    spread = [
        Series(f"{target} rows", _of_rows(flow, flow.entropy_curve(target)))
        for target in present(flow)
    ]
    page.plot(
        curves(spread, x=_places(flow), y_label="entropy (nats)"),
        "Mean over heads and samples, 95% interval.",
    )
    run_section(page, flow.run, command)
    return page


def _target_section(page: Page, flow: AttentionFlow, target: str) -> None:
    page.heading(_HEADINGS[target])
    series = [
        Series(source, _of_rows(flow, flow.layer_curve(target, source))) for source in SOURCES
    ]
    span = flow.image_band(target)
    page.plot(
        curves(series, x=_places(flow), y_label="share of attention", span=span),
        "Mean over heads and samples with its 95% bootstrap interval; shaded: the fewest layers that "
        "hold half of what is given to the image.",
    )
    page.plot(
        head_map(flow.head_map(target, "image"), label="share given to the image"),
        f"Attention of {target} rows to the image, by layer and head.",
    )


def _of_rows(flow: AttentionFlow, curve: Sequence[Interval]) -> list[Interval]:
    return [curve[layer] for layer in flow.row_layers]


def _places(flow: AttentionFlow) -> tuple[int, ...] | None:
    """The layers on the x axis, where they are not simply all of them."""
    return None if len(flow.row_layers) == flow.layers else flow.row_layers


def _said(flow: AttentionFlow) -> str:
    """Which layers have rows, where not all have."""
    if len(flow.row_layers) == flow.layers:
        return ""
    return (
        f" Attention rows exist in layers {', '.join(map(str, flow.row_layers))} only; the others carry "
        "a state, of which no share can be told."
    )


def _uniform(flow: AttentionFlow) -> float:
    return math.log(max(1.0, float(flow.tokens[:, SOURCES.index("image")].mean())))
