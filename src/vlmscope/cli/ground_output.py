"""Where the results of ``vlmscope ground`` go, whichever of its results they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from vlmscope.cli.arguments import AsJson, HtmlPlace, Quiet
from vlmscope.cli.places import check_page, check_picture, one_picture, picture_paths, save_picture
from vlmscope.errors import BadOptionError, UnknownNameError
from vlmscope.results import Grounding
from vlmscope.types import Instance
from vlmscope.viewer import View

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["FORMS", "GroundOutput", "PictureResult", "corners"]

FORMS = ("table", "json", "jsonl", "csv", "coco", "yolo")
"""In which results are given."""


@dataclass(frozen=True, eq=False)
class PictureResult:
    """What was found in one picture.

    Attributes:
        columns: of its table.
        rows: of its table.
        record: JSON values.
        warnings: what the person should know.
        names: of the overlays: the phrases.
        overlays: a single picture or one per phrase, made one after the other where they are wanted.
        view: makes what the viewer draws.
        groundings: single results, where there are any.
        complete: nothing was left out.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    record: dict[str, Any]
    warnings: Sequence[str]
    names: Sequence[str]
    overlays: Iterable[Image.Image]
    view: Callable[[], View]
    groundings: Sequence[Grounding] = field(default=())
    complete: bool = True


@dataclass(frozen=True)
class GroundOutput:
    """Where the result of ``vlmscope ground`` goes, as options of the command."""

    panel: ClassVar[str] = "Output"

    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Write an overlay; into a folder: one per phrase, of several pictures each under "
            "its name.",
        ),
    ] = None
    shared_scale: Annotated[
        bool, typer.Option("--shared-scale", help="One colour scale for all phrases in --out.")
    ] = False
    overlays: Annotated[
        bool, typer.Option("--overlays/--no-overlays", help="Draw overlays into --out.")
    ] = True
    html: HtmlPlace = None
    arrays: Annotated[bool, typer.Option("--arrays", help="Put the score maps into the JSON.")] = (
        False
    )
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="table, json, jsonl (one line per picture, as soon as it is done), csv or coco on "
            "stdout; yolo into the folder --out. Default: table.",
            show_default=False,
        ),
    ] = None
    as_json: AsJson = False
    quiet: Quiet = False

    @property
    def format(self) -> str:
        """The form of the result.

        Raises:
            UnknownNameError: no such form.
            BadOptionError: ``--json`` beside another one.
        """
        if self.form is not None and self.form not in FORMS:
            raise UnknownNameError("format", self.form, FORMS)
        if self.as_json and self.form not in (None, "json"):
            raise BadOptionError(f"--json and --format {self.form} are two forms. Take one.")
        return "json" if self.as_json else (self.form or FORMS[0])

    @property
    def one_picture(self) -> bool:
        """Whether all phrases go into a single picture, and not into a folder."""
        return self.out is not None and one_picture(self.out)

    def check_format(self, allowed: Sequence[str], what: str) -> None:
        """Refuse a form that a kind of result does not have.

        Raises:
            BadOptionError: names those it has.
        """
        if self.format not in allowed:
            raise BadOptionError(
                f"{what} has no form {self.format}. Take one of {', '.join(allowed)}."
            )

    def check(self, alone: bool) -> None:
        """Refuse places that cannot be written, before any work.

        Args:
            alone: there is a single picture.

        Raises:
            BadOptionError: an ending that is no picture's or no page's, or one file for several
                pictures.
            OutputError: a place that cannot be written.
        """
        check_picture(self.out)
        check_page(self.html, alone)
        if self.one_picture and not alone:
            raise BadOptionError(
                f"There are several pictures: give --out a folder, got {str(self.out)!r}."
            )

    def write_page(self, result: PictureResult) -> list[Path]:
        """Write the page of one picture where ``--html`` says; its path."""
        if self.html is None:
            return []
        result.view().write(self.html)
        return [self.html]

    def save(self, result: PictureResult, key: str | None) -> list[Path]:
        """Write the overlays of one picture where ``--out`` says; the paths.

        Args:
            result: of the picture.
            key: its name among several; None: it is alone.
        """
        if self.out is None or not self.overlays:
            return []
        if self.one_picture:
            paths = [self.out]
        elif key is None:
            paths = picture_paths(self.out, result.names)
        elif len(result.names) == 1:
            paths = [self.out / f"{key}.png"]
        else:
            paths = picture_paths(self.out / key, result.names)
        for picture, path in zip(result.overlays, paths, strict=True):
            save_picture(picture, path)
        return paths


def corners(place: Grounding | Instance) -> tuple[str, ...]:
    """Box and peak as cells of a table; dashes where nothing lights up."""
    box, point = place.box or ("-",) * 4, place.point or ("-",) * 2
    return tuple(
        f"{value:.1f}" if isinstance(value, float) else str(value) for value in (*box, *point)
    )
