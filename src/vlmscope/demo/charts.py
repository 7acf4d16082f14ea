"""Small charts as inline SVG; colours come from the page's style sheet, so they follow its theme."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from vlmscope.stats import Interval
from vlmscope.types import HeadFrequency

__all__ = ["Bar", "bars", "elbow", "frequency_bars"]

_ROW = 30  # pixels from bar to bar


@dataclass(frozen=True)
class Bar:
    """One row of a bar chart.

    Attributes:
        label: at its left.
        value: 0..1.
        interval: its whisker, or None.
        kind: CSS class: ``ours`` or ``other``.
    """

    label: str
    value: float
    interval: Interval | None = None
    kind: str = "other"


def bars(rows: Sequence[Bar], title: str, label: int = 176, width: int = 560) -> str:
    """Horizontal bars from 0 to 100 percent with whiskers and figures.

    Args:
        rows: from top to bottom.
        title: for those who cannot see it.
        label: pixels for the labels at the left.
        width: pixels of a bar of 100 percent.
    """
    parts = [_bar(row, index * _ROW, label, width) for index, row in enumerate(rows)]
    return _svg(label + width + 60, len(rows) * _ROW, title, parts)


def _bar(row: Bar, top: float, left: int, width: int) -> str:
    middle = top + _ROW / 2
    place = f'x="{left}" y="{top + 7}"'
    parts = [
        f'<text class="label" x="{left - 10}" y="{middle + 4.5}">{html.escape(row.label)}</text>',
        f'<rect class="track" {place} width="{width}" height="16" rx="3"/>',
        f'<rect class="{row.kind}" {place} width="{max(1.0, row.value * width):.1f}" height="16" '
        'rx="3"/>',
    ]
    if row.interval is not None:
        ends = (max(0.0, min(1.0, end)) for end in (row.interval.low, row.interval.high))
        low, high = (left + width * end for end in ends)
        parts.append(
            f'<path class="whisker" d="M{low:.1f} {middle}H{high:.1f}M{low:.1f} {middle - 5}v10'
            f'M{high:.1f} {middle - 5}v10"/>'
        )
    figure = f"{100 * row.value:.0f}%"
    parts.append(f'<text class="figure" x="{left + width + 10}" y="{middle + 5}">{figure}</text>')
    return "".join(parts)


def frequency_bars(
    frequencies: Sequence[HeadFrequency], chosen: Sequence[object], count: int = 10
) -> str:
    """How often each of the most frequent heads was selected; the chosen ones stand out."""
    rows = [
        Bar(str(row.head), row.frequency.value, row.frequency, _kind(row.head in chosen))
        for row in frequencies[:count]
    ]
    title = "Selection frequency of the most frequent heads"
    return bars(rows, title, label=60, width=340)


def _kind(ours: bool) -> str:
    return "ours" if ours else "other"


def elbow(sums: Sequence[float], tau: float) -> str:
    """The attention sums of all heads in ascending order, and the threshold at their elbow."""
    width, height, pad = 560, 300, 26
    step = (width - 2 * pad) / max(1, len(sums) - 1)

    def place(index: int, value: float) -> tuple[float, float]:
        return pad + index * step, height - pad - value * (height - 2 * pad)

    dots = [
        f'<circle class="{_kind(value >= tau)}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
        for value, (x, y) in ((v, place(i, v)) for i, v in enumerate(sums))
    ]
    line = place(0, tau)[1]
    parts = [
        f'<path class="axis" d="M{pad} {pad}V{height - pad}H{width - pad}"/>',
        f'<path class="threshold" d="M{pad} {line:.1f}H{width - pad}"/>',
        *dots,
        f'<text class="note" x="{pad + 6}" y="{line + 16:.1f}">threshold {tau:.2f}</text>',
        f'<text class="note" x="{pad}" y="{pad - 8}">1.0</text>',
        f'<text class="note" x="{pad - 14}" y="{height - pad + 4}">0</text>',
        f'<text class="note" x="{pad}" y="{height - 6}">each dot is one head, sorted</text>',
    ]
    return _svg(width, height, "Attention sum of every head", parts)


def _svg(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{html.escape(title)}">'
        f"<title>{html.escape(title)}</title>{''.join(parts)}</svg>"
    )
