"""Where results go that are about several pictures of one prompt, or the frames of a clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from vlmscope.cli.arguments import AsJson, Quiet
from vlmscope.cli.console import emit_json, emit_table, note, warn
from vlmscope.cli.ground_output import GroundOutput, corners
from vlmscope.cli.pictures import Pictures
from vlmscope.cli.places import check_page, check_picture, one_picture, picture_paths, save_picture
from vlmscope.errors import BadOptionError

if TYPE_CHECKING:
    from vlmscope.results.shared_grounding import SharedGrounding
    from vlmscope.viewer import View

__all__ = ["SharedOutput", "check_together"]

_COLUMNS = ("share", "even", "x0", "y0", "x1", "y1", "peak x", "peak y", "score")


@dataclass(frozen=True)
class SharedOutput:
    """Where the result of ``vlmscope clip`` goes, as options of the command."""

    panel: ClassVar[str] = "Output"

    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Into a folder: an overlay per frame, result.json and a page, of several phrases in "
            "a folder each. A name of a picture: all frames in a row.",
        ),
    ] = None
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Write a page to look at it in; its data alone to NAME.view."),
    ] = None
    arrays: Annotated[bool, typer.Option("--arrays", help="Put the score maps into the JSON.")] = (
        False
    )
    as_json: AsJson = False
    quiet: Quiet = False

    @classmethod
    def of_ground(cls, output: GroundOutput) -> SharedOutput:
        """The same of ``vlmscope ground --together``.

        Raises:
            BadOptionError: a form other than a table and JSON.
        """
        output.check_format(("table", "json"), "The result of --together")
        as_json = output.format == "json"
        return cls(output.out, output.html, output.arrays, as_json, output.quiet)

    def check(self) -> None:
        """Refuse places that cannot be written, before any work.

        Raises:
            BadOptionError: an ending that is no picture's or no page's.
            OutputError: a place that cannot be written.
        """
        check_picture(self.out)
        check_page(self.html, alone=True)

    def deliver(self, results: Sequence[SharedGrounding]) -> int:
        """Print the results, one per phrase, and write what was asked for; the exit code."""
        if self.as_json:
            emit_json({"results": [each.to_dict(self.arrays) for each in results]})
        else:
            title = "seconds" if hasattr(results[0], "seconds") else "picture"
            emit_table(
                ("phrase", title, *_COLUMNS), [row for each in results for row in _rows(each)]
            )
        for text in dict.fromkeys(text for each in results for text in each.warnings):
            warn(text)
        written = self._written(results)
        if not self.quiet:
            for text in dict.fromkeys(t for each in results for t in getattr(each, "notes", ())):
                note(text)
            for each in results:
                note(f"{each.phrase}: most in {each.names[each.where]}")
            for path in written:
                note(f"wrote {path}")
        return 0

    def _written(self, results: Sequence[SharedGrounding]) -> list[Path]:
        written: list[Path] = []
        if self.html is not None:
            _joined(results).write(self.html)
            written.append(self.html)
        if self.out is None:
            return written
        if one_picture(self.out):
            save_picture(_stacked(results), self.out)
            return [*written, self.out]
        folders = [path.with_suffix("") for path in picture_paths(self.out, _phrases(results))]
        for each, folder in zip(results, folders, strict=True):
            written += each.save(self.out if len(results) == 1 else folder)
        return written


def check_together(pictures: Pictures, named: Mapping[str, Any]) -> None:
    """Refuse what ``ground --together`` cannot do, before a model is loaded.

    Args:
        pictures: of the command.
        named: options that do not go with it, with their values or None.

    Raises:
        BadOptionError: names the option, or says that there is one picture.
    """
    for name, value in named.items():
        if value is not None:
            raise BadOptionError(
                f"{name} is for pictures that are looked at one by one, and --together shows them in "
                "one prompt. Leave one of them out."
            )
    if len(pictures.files) < 2:
        raise BadOptionError(
            f"--together shows several pictures in one prompt, and there is one: "
            f"{pictures.files[0].name}. Name another, or leave --together out."
        )


def _phrases(results: Sequence[SharedGrounding]) -> list[str]:
    return [each.phrase for each in results]


def _rows(result: SharedGrounding) -> list[tuple[object, ...]]:
    """Phrase, picture or span, shares, box, peak and score as cells of a table."""
    names = [name.removesuffix(" s").removeprefix("picture ") for name in result.names]
    return [
        (result.phrase, name, share, even, *corners(part), part.score)
        for name, share, even, part in zip(
            names, result.share, result.even, result.parts, strict=True
        )
    ]


def _joined(results: Sequence[SharedGrounding]) -> View:
    from vlmscope.results.comparison_views import joined_view

    first = results[0]
    lead = f"{first.method} of {first.model}"
    return joined_view(f"{len(results)} phrases", lead, [each.view() for each in results])


def _stacked(results: Sequence[SharedGrounding]) -> Any:
    from PIL import Image

    rows = [each.overlay() for each in results]
    sheet = Image.new("RGB", (max(r.width for r in rows), sum(r.height for r in rows)), "white")
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    return sheet
