"""The order of the units of the package, read by ``python -m tools.house`` and by the import test.

A unit is a module or a folder directly under the package. It imports only what stands before it.
The package's own ``__init__.py`` hands the public names on and stands above them all.
"""

from __future__ import annotations

__all__ = ["ORDERS", "REGISTERED", "upward"]

ORDERS: dict[str, tuple[str, ...]] = {
    "now": (
        *("version", "errors", "hub", "io", "markup", "progress", "registry", "options"),
        *("viewer", "stats", "types", "metrics"),
        *("tiny", "viz", "post", "models", "results", "data", "attention"),
        *(
            "refine",
            "export",
            "report",
            "diffusion",
            "heads",
            "methods",
            "analysis",
            "evaluation",
            "reproduce",
        ),
        *("labels", "app", "doctor", "demo", "cli", "__main__"),
    ),
    # 0.1.0 had a table of what each unit may import; this is an order that agrees with it
    "0.1.0": (
        *("errors", "io", "types", "stats", "tiny", "images", "resume", "samples", "post", "viz"),
        *("report", "export", "models", "attention", "refine", "methods", "analysis"),
        *("evaluation", "demo", "cli", "__main__"),
    ),
}
"""Name of an order -> its units, the lowest first."""

REGISTERED = frozenset(
    {
        "models/decoders",
        "models/encoders",
        "methods/decoder",
        "methods/encoder",
        "data/datasets",
        "cli/commands",
    }
)
"""Folders in which each file registers itself: they may hold more than 25 modules."""


def upward(importer: str, imported: str, order: tuple[str, ...]) -> bool:
    """Whether an arrow between two units, "" the package itself, runs against the order.

    Raises:
        KeyError: a unit that has no place in the order.
    """
    ranks = {unit: rank for rank, unit in enumerate(order)} | {"": len(order)}
    for unit in (importer, imported):
        if unit not in ranks:
            raise KeyError(f"{unit} has no place in the order of units: give it one in {__name__}")
    return ranks[imported] > ranks[importer]
