"""What discovery keeps of one sample: a few numbers per head, never the maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention import HeadMaps
from vlmscope.heads.criteria import attention_sums, bottom_row_lit, spatial_entropies
from vlmscope.heads.readings import ContrastedMaps

__all__ = ["Measures", "measure", "stack"]

_DIGITS = 7  # beyond float32's own; equal components give equal entropies


@dataclass(frozen=True, eq=False)
class Measures:
    """Statistics of heads over samples; from them every variant of discovery follows.

    Attributes:
        sums: float (samples, heads), attention on all image tokens, 0..1.
        area: float (samples, heads), spatial entropy by area, infinite where nothing is lit.
        mass: float (samples, heads), likewise by mass.
        bottom: bool (samples, heads), whether the bottom row is lit.
        moved: float (samples, heads), how far a map moves between phrases, 0..1; None: not read.
    """

    sums: NDArray[np.float64]
    area: NDArray[np.float64]
    mass: NDArray[np.float64]
    bottom: NDArray[np.bool_]
    moved: NDArray[np.float64] | None = None


def measure(maps: HeadMaps) -> dict[str, Any]:
    """The statistics of one sample as JSON values; None stands for an infinite entropy."""
    values = maps.one_row()
    token_map = maps.token_map
    area, mass = (spatial_entropies(token_map, values, weigh) for weigh in ("area", "mass"))
    return {
        "sums": np.round(attention_sums(values), _DIGITS).tolist(),
        "area": _listed(area),
        "mass": _listed(mass),
        "bottom": bottom_row_lit(token_map, values).astype(int).tolist(),
        "preset": maps.preset,
        "placement": token_map.placement,
        "row_token": maps.row_tokens[-1],
        **(
            {"moved": np.round(maps.moved, _DIGITS).tolist()}
            if isinstance(maps, ContrastedMaps)
            else {}
        ),
    }


def _listed(entropies: NDArray[np.float64]) -> list[float | None]:
    return [round(value, _DIGITS) if np.isfinite(value) else None for value in entropies.tolist()]


def stack(records: Sequence[dict[str, Any]]) -> Measures:
    """Records of :func:`measure`, one per sample, as arrays."""

    def column(name: str) -> NDArray[np.float64]:
        rows = [[np.inf if value is None else value for value in row[name]] for row in records]
        return np.array(rows, dtype=np.float64)

    moved = column("moved") if all("moved" in row for row in records) else None
    return Measures(column("sums"), column("area"), column("mass"), column("bottom") > 0, moved)
