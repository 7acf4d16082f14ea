"""What ``vlmscope ground`` writes and prints, whichever of its results it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from vlmscope.cli.arguments import AsJson, Quiet
from vlmscope.cli.console import emit_json, emit_table, note, warn
from vlmscope.cli.places import one_picture, picture_paths, save_picture
from vlmscope.data.images import OpenedImage
from vlmscope.results import Grounding

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["GroundOutput", "corners", "report_groundings"]


@dataclass(frozen=True)
class GroundOutput:
    """Where the result of ``vlmscope ground`` goes, as options of the command."""

    panel: ClassVar[str] = "Output"

    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write an overlay; into a folder: one per phrase."),
    ] = None
    shared_scale: Annotated[
        bool, typer.Option("--shared-scale", help="One colour scale for all phrases in --out.")
    ] = False
    arrays: Annotated[bool, typer.Option("--arrays", help="Put the score maps into the JSON.")] = (
        False
    )
    as_json: AsJson = False
    quiet: Quiet = False

    @property
    def one_picture(self) -> bool:
        """Whether all phrases go into a single picture, and not into a folder."""
        return self.out is not None and one_picture(self.out)

    def save(self, pictures: Iterable[Image.Image], phrases: Sequence[str]) -> list[Path]:
        """Write the single picture, or one per phrase, where ``--out`` says; the paths.

        Args:
            pictures: made one after the other, and only where they are wanted.
            phrases: they name the files in a folder.
        """
        if self.out is None:
            return []
        paths = [self.out] if self.one_picture else picture_paths(self.out, phrases)
        for picture, path in zip(pictures, paths, strict=True):
            save_picture(picture, path)
        return paths

    def report(
        self,
        opened: OpenedImage,
        result: dict[str, Any],
        table: tuple[Sequence[str], Sequence[Sequence[object]]],
        warnings: Sequence[str],
        written: Sequence[Path],
    ) -> None:
        """Print a result; warnings and notes go beside it.

        Args:
            opened: the image.
            result: as JSON values; image, its notes and what was written are added.
            table: columns and rows, for the terminal.
            warnings: what the person should know; the same one is said once.
            written: files.
        """
        if self.as_json:
            start = {"image": opened.name, "notes": list(opened.notes)}
            emit_json({**start, **result, "written": [str(path) for path in written]})
        else:
            emit_table(*table)
        for text in dict.fromkeys(warnings):
            warn(text)
        if self.quiet:
            return
        for text in opened.notes:
            note(f"image: {text}")
        for path in written:
            note(f"wrote {path}")


def report_groundings(
    output: GroundOutput, opened: OpenedImage, groundings: Sequence[Grounding]
) -> None:
    """Write and print what one method found, a grounding per phrase."""
    written = output.save(_pictures(output, groundings), [g.phrase for g in groundings])
    rows = [(g.phrase, *corners(g), g.score) for g in groundings]
    dark = [] if output.as_json else [g.phrase for g in groundings if g.box is None]
    warnings = [f"{phrase!r}: nothing lights up, so there is no box." for phrase in dark]
    warnings += [text for grounding in groundings for text in grounding.warnings]
    output.report(
        opened,
        {"groundings": [grounding.to_dict(output.arrays) for grounding in groundings]},
        (("phrase", "x0", "y0", "x1", "y1", "peak x", "peak y", "score"), rows),
        warnings,
        written,
    )


def _pictures(output: GroundOutput, groundings: Sequence[Grounding]) -> Iterable[Image.Image]:
    from vlmscope.results import side_by_side

    if output.one_picture and len(groundings) > 1:
        yield side_by_side(groundings, shared_scale=output.shared_scale)
        return
    for grounding in groundings:
        # small pictures are enlarged so that the letters can be read
        yield grounding.overlay(min_side=480)


def corners(grounding: Grounding) -> tuple[str, ...]:
    """Box and peak as cells of a table; dashes where nothing lights up."""
    box, point = grounding.box or ("-",) * 4, grounding.point or ("-",) * 2
    return tuple(
        f"{value:.1f}" if isinstance(value, float) else str(value) for value in (*box, *point)
    )
