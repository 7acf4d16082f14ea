"""Grounding picture after picture: what is skipped, what is said in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vlmscope.cli.console import note, warn
from vlmscope.cli.ground_formats import Form
from vlmscope.cli.ground_output import GroundOutput, PictureResult
from vlmscope.cli.pictures import Pictures
from vlmscope.cli.places import ImageFile, image_argument
from vlmscope.data.ahead import ahead
from vlmscope.data.images import OpenedImage
from vlmscope.data.resume import walk
from vlmscope.errors import BadImageError, BadOptionError

__all__ = ["GroundRun"]

_SHOWN = 20

Look = Callable[[OpenedImage], PictureResult]


@dataclass
class GroundRun:
    """The pictures of one command, one after the other.

    Attributes:
        look: from a picture to what is found in it.
        pictures: what is gone through.
        output: where overlays go.
        form: takes the results.
        max_pixels: larger pictures are refused.
        warnings: what was warned of, and in how many pictures.
        skipped: pictures that could not be used.
        left_out: whether a result lacks something that was asked for.
    """

    look: Look
    pictures: Pictures
    output: GroundOutput
    form: Form
    max_pixels: int
    warnings: Counter[str] = field(default_factory=Counter)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    left_out: bool = False

    def one(self, opened: OpenedImage) -> int:
        """The picture that is alone; the exit code."""
        written = self._add(self.pictures.files[0], opened)
        written += self.form.close()
        self._say_warnings()
        if not self.output.quiet:
            for text in opened.notes:
                note(f"image: {text}")
            for path in written:
                note(f"wrote {path}")
        return int(self.left_out)

    def all(self) -> int:
        """Every picture; those that cannot be used are skipped, said and make the exit code 1.

        Raises:
            BadImageError: none of them could be used.
        """
        files = self.pictures.files
        skipped = walk(
            ahead(files, self._open),
            self._step,
            name=lambda each: each[0].name,
            title="ground",
            total=len(files),
            unit="image",
            progress=not self.output.quiet,
            # an option that this one picture cannot take: its shape would need too many patches
            bad=(BadImageError, BadOptionError),
        )
        self.skipped = [(name, " ".join(reason.split())) for name, reason in skipped]
        if len(skipped) == len(files):
            reasons = "; ".join(reason for _, reason in self.skipped[:3])
            raise BadImageError(f"None of {len(files)} images could be used: {reasons}")
        for name, reason in self.skipped:
            self.form.skip(name, reason)
        written = self.form.close()
        self._say_warnings()
        self._say_skipped()
        if not self.output.quiet:
            for path in written:
                note(f"wrote {path}")
            if self.output.out is not None:
                count = len(files) - len(skipped)
                note(f"{count} {'picture' if count == 1 else 'pictures'} in {self.output.out}")
        return int(self.left_out or bool(skipped))

    def _step(self, each: tuple[ImageFile, Callable[[], OpenedImage]]) -> None:
        file, opened = each
        self._add(file, opened())

    def _open(self, file: ImageFile) -> OpenedImage:
        return image_argument(str(file.path), self.max_pixels)

    def _add(self, file: ImageFile, opened: OpenedImage) -> list[Path]:
        result = self.look(opened)
        written = self.output.save(result, None if self.pictures.alone else file.key)
        written += self.output.write_page(result)
        record: dict[str, Any] = {
            "image": opened.name,
            "notes": list(opened.notes),
            **result.record,
            "written": [str(path) for path in written],
        }
        self.form.add(opened.name, file.key, result, record)
        self.warnings.update(dict.fromkeys(result.warnings, 1))
        self.left_out |= not result.complete
        return written

    def _say_warnings(self) -> None:
        """Each warning once; of several pictures with how many it is true of, unless it is of all."""
        total = len(self.pictures.files) - len(self.skipped)
        shown = len(self.warnings) if self.pictures.alone else _SHOWN
        for text, count in self.warnings.most_common(shown):
            warn(text if count == total else f"{text} ({count} of {total} pictures)")
        if len(self.warnings) > shown:
            warn(f"and {len(self.warnings) - shown} other warnings; --format jsonl holds all")

    def _say_skipped(self) -> None:
        for name, reason in self.skipped[:_SHOWN]:
            warn(f"{name}: {reason}")
        if len(self.skipped) > _SHOWN:
            warn(f"and {len(self.skipped) - _SHOWN} more were skipped")
        if self.skipped:
            note(f"{len(self.skipped)} of {len(self.pictures.files)} images skipped")
