"""Sample lists on the command line: which one when none is named, and what was skipped."""

from __future__ import annotations

from collections.abc import Sequence

from vlmscope.cli.console import note
from vlmscope.errors import BadOptionError
from vlmscope.samples import SkippedRow

__all__ = ["default_samples", "report_skipped"]

_SHOWN = 5


def default_samples(model: str) -> str:
    """Rendered scenes for a model that knows them.

    Raises:
        BadOptionError: for any other model.
    """
    from vlmscope.tiny import EMBEDDED

    if model in EMBEDDED:
        return "tiny-scenes"
    raise BadOptionError(
        f"{model} needs images with phrases: --samples FILE, one "
        '{"image": "a.jpg", "phrase": "the red mug"} per line.'
    )


def report_skipped(in_file: Sequence[SkippedRow], by_model: Sequence[str]) -> int:
    """Say which rows were skipped and why; the exit code: 1 when there are any."""
    reasons = [f"line {row.line}: {row.reason}" for row in in_file]
    reasons += by_model
    if not reasons:
        return 0
    note(f"{len(reasons)} {'row was' if len(reasons) == 1 else 'rows were'} skipped:")
    for reason in reasons[:_SHOWN]:
        note(f"  {reason}")
    if len(reasons) > _SHOWN:
        note(f"  and {len(reasons) - _SHOWN} more")
    return 1
