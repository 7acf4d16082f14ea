"""Which scene seeds are for what. A scene used in training is never used to choose or to judge."""

from __future__ import annotations

__all__ = ["HELD_OUT", "SELECT", "TRAIN"]

TRAIN = range(10_000_000)
"""Seeds of scenes to train on."""

SELECT = range(10_000_000, 20_000_000)
"""Seeds of scenes to choose settings, thresholds and heads on."""

HELD_OUT = range(20_000_000, 30_000_000)
"""Seeds of scenes to report on, and nothing else."""
