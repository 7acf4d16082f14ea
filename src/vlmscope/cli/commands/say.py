"""``vlmscope ground --say``: the model's own boxes beside where it looked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlmscope.cli.console import emit_json, emit_table, note, warn
from vlmscope.cli.places import save_picture
from vlmscope.data.images import OpenedImage
from vlmscope.errors import BadOptionError
from vlmscope.results import AnswerComparison
from vlmscope.types import Box

if TYPE_CHECKING:
    from vlmscope.models import LoadedModel, Prompt

__all__ = ["check_say", "say"]


def check_say(out: Path | None, phrases: int, others: Mapping[str, Any]) -> None:
    """Refuse what does not go with ``--say``.

    Args:
        out: where pictures go.
        phrases: how many.
        others: option -> its value; those that were given are refused.

    Raises:
        BadOptionError: names the option, or the folder that several pictures need.
    """
    given = [name for name, value in others.items() if value not in (None, False)]
    if given:
        raise BadOptionError(
            f"--say compares answers with localization heads read at two rows, so {given[0]} does not "
            "go with it. Leave one of the two out."
        )
    if out is not None and out.suffix and not out.is_dir() and phrases > 1:
        raise BadOptionError(
            f"--say draws one picture per phrase and there are {phrases}: give --out a folder, got "
            f"{out.name!r}."
        )


def say(
    model: LoadedModel,
    opened: OpenedImage,
    asked: Sequence[Prompt],
    out: Path | None,
    named: Callable[[int, str], str],
    as_json: bool,
    quiet: bool,
    **how: Any,
) -> None:
    """Compare what the model says of every phrase with where it looked, and report.

    Args:
        model, opened, asked: the question.
        out: a picture, a folder for several, or None.
        named: file name of a phrase's picture in a folder, by its number from 1 and its text.
        as_json, quiet: of the report.
        **how: for :func:`vlmscope.compare_answer`.
    """
    from vlmscope.methods import compare_answer

    found = [compare_answer(model, opened, prompt.text, **how) for prompt in asked]
    written = [] if out is None else _write(found, out, named)
    if as_json:
        emit_json(
            {
                "image": opened.name,
                "notes": list(opened.notes),
                "comparisons": [each.to_dict() for each in found],
                "written": [str(path) for path in written],
            }
        )
    else:
        columns = ("phrase", "x0", "y0", "x1", "y1", "IoU while writing", "IoU at the phrase")
        emit_table(columns, [_row(each) for each in found])
    for text in dict.fromkeys(warning for each in found for warning in _warnings(each)):
        warn(text)
    if quiet:
        return
    for text in opened.notes:
        note(f"image: {text}")
    for path in written:
        note(f"wrote {path}")


def _row(found: AnswerComparison) -> tuple[object, ...]:
    ious = found.ious
    return (found.phrase, *_pixels(found.said), ious.get("said/box"), ious.get("said/last_text"))


def _pixels(box: Box | None) -> tuple[str, ...]:
    return ("-",) * 4 if box is None else tuple(f"{value:.1f}" for value in box)


def _warnings(found: AnswerComparison) -> list[str]:
    own = [f"{found.phrase!r}: {text}" for text in found.warnings]
    return own + [text for grounding in found.looked.values() for text in grounding.warnings]


def _write(
    found: Sequence[AnswerComparison], out: Path, named: Callable[[int, str], str]
) -> list[Path]:
    folder = out.is_dir() or not out.suffix
    paths = []
    for number, each in enumerate(found, start=1):
        path = out / named(number, each.phrase) if folder else out
        save_picture(each.overlay(), path)
        paths.append(path)
    return paths
