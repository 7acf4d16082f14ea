"""What ``vlmscope ground --method all`` writes and prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from vlmscope.cli.console import emit_json, emit_table, note, warn
from vlmscope.cli.places import picture_name, save_picture
from vlmscope.data.images import OpenedImage
from vlmscope.results import Grounding, MethodComparison

__all__ = ["corners", "report_comparison", "write_comparison"]

_COLUMNS = ("phrase", "method", "x0", "y0", "x1", "y1", "peak x", "peak y", "score")


def write_comparison(compared: MethodComparison, out: Path) -> list[Path]:
    """One picture of all phrases, or in a folder one for each."""
    if out.suffix and not out.is_dir():
        save_picture(compared.overlay(), out)
        return [out]
    paths = [out / picture_name(n, phrase) for n, phrase in enumerate(compared.phrases, start=1)]
    for number, path in enumerate(paths):
        save_picture(_of_phrase(compared, number).overlay(), path)
    return paths


def _of_phrase(compared: MethodComparison, number: int) -> MethodComparison:
    own = {method: (compared[method][number],) for method in compared}
    return replace(compared, phrases=(compared.phrases[number],), groundings=own)


def report_comparison(
    opened: OpenedImage,
    compared: MethodComparison,
    written: Sequence[Path],
    as_json: bool,
    arrays: bool,
    quiet: bool,
) -> int:
    """Print a comparison; 1 when a method was left out, else 0."""
    if as_json:
        emit_json(
            {
                "image": opened.name,
                "notes": list(opened.notes),
                **compared.to_dict(arrays),
                "written": [str(path) for path in written],
            }
        )
    else:
        rows = [
            (g.phrase, g.method, *corners(g), g.score) for own in compared.by_phrase() for g in own
        ]
        emit_table(_COLUMNS, rows)
    for text in compared.warnings:
        warn(text)
    for text in () if quiet else opened.notes:
        note(f"image: {text}")
    for path in () if quiet else written:
        note(f"wrote {path}")
    return 1 if compared.left_out else 0


def corners(grounding: Grounding) -> tuple[str, ...]:
    """Box and peak as cells of a table; dashes where nothing lights up."""
    box, point = grounding.box or ("-",) * 4, grounding.point or ("-",) * 2
    return tuple(
        f"{value:.1f}" if isinstance(value, float) else str(value) for value in (*box, *point)
    )
