"""Segmenting image after image: what is done already, what is skipped, what is said in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlmscope.cli.console import emit_table, note, warn
from vlmscope.cli.places import ImageFile
from vlmscope.data.images import open_image
from vlmscope.errors import BadImageError, BadOptionError, VlmscopeError
from vlmscope.progress import progress_bar

if TYPE_CHECKING:
    from vlmscope.export import ResultFolder
    from vlmscope.methods import PartFinder, Segmenter

__all__ = ["SegmentRun"]

_SHOWN = 20


@dataclass
class SegmentRun:
    """The images of one command, one after the other.

    Attributes:
        ready: the method with its classes, or what finds parts without any.
        folder: where results go, or None.
        max_pixels: larger images are skipped.
        single: one image was named: what is wrong with it ends the command.
        html: where the page of the one image goes, or None.
        records: of the images that are done, JSON values.
        skipped: the others, with the reason.
        resumed: how many were done before.
    """

    ready: Segmenter | PartFinder
    folder: ResultFolder | None
    max_pixels: int
    single: bool
    html: Path | None = None
    records: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    resumed: int = 0

    def all(self, files: list[ImageFile], quiet: bool) -> None:
        """Go through the images.

        Raises:
            BadImageError: none of them could be used.
        """
        try:
            for file in self._progress(files, quiet):
                self._one(file)
            self._check_any(len(files))
        except VlmscopeError:
            if self.folder is not None:
                self.folder.withdraw()
            raise
        except KeyboardInterrupt:
            if self.folder is not None:
                note(
                    f"{len(self.records)} of {len(files)} images are done. The same command goes on."
                )
            raise
        if self.folder is not None:
            self.folder.close(self.ready.names(self.records), self.records)

    def _check_any(self, count: int) -> None:
        if not self.records:
            reasons = "; ".join(each["reason"] for each in self.skipped[:3])
            raise BadImageError(f"None of {count} images could be used: {reasons}")

    def _progress(self, files: list[ImageFile], quiet: bool) -> Iterator[ImageFile]:
        loud = not quiet and not self.single
        return iter(progress_bar(files, "segment", total=len(files), unit="image", progress=loud))

    def _one(self, file: ImageFile) -> None:
        try:
            record = (
                None
                if self.folder is None or self.html is not None
                else self.folder.finished(self._key(file), file.identity)
            )
            if record is not None:
                self.resumed += 1
            else:
                record = self._compute(file)
            self.records.append(record)
        # an option that this one image cannot take: its shape would need too many patches
        except (BadImageError, BadOptionError) as error:
            if self.single:
                raise
            self.skipped.append({"image": file.name, "reason": " ".join(str(error).split())})

    def _key(self, file: ImageFile) -> str:
        """Under which its results go: ``a.jpg`` never takes the place of an ``a.png`` run before it."""
        taken = (
            self.single
            and self.folder is not None
            and self.folder.holds_another(file.key, file.name)
        )
        return file.name if taken else file.key

    def _compute(self, file: ImageFile) -> dict[str, Any]:
        opened = open_image(file.path, max_pixels=self.max_pixels)
        segmentation = self.ready(opened)
        if self.html is not None:
            segmentation.view().write(self.html)
        if self.folder is None:
            return {"source": file.identity, "notes": list(opened.notes), **segmentation.to_dict()}
        return self.folder.write(self._key(file), file.identity, segmentation, opened.notes)

    def show(self) -> None:
        """A table of the classes that have pixels."""
        rows = []
        for record in self.records:
            total = record["image_size"]["height"] * record["image_size"]["width"]
            classes = sorted((c for c in record["classes"] if c["area"]), key=lambda c: -c["area"])
            for each in classes:
                share = f"{each['area'] / total:.1%}"
                shown = (each["name"], share, each.get("confidence"), each["presence"])
                rows.append((record["source"]["image"], *shown))
            if record["background_area"]:
                share = f"{record['background_area'] / total:.1%}"
                rows.append((record["source"]["image"], "(background)", share, None, None))
        emit_table(("image", "class", "share", "confidence", "presence"), rows)

    def _warnings(self) -> list[str]:
        """What the results warn of beside what was said before; of pictures among others, of how many."""
        said = {*self.ready.notes, *self.ready.cautions}
        of_method = self.ready.method_cautions
        counts = Counter(text for record in self.records for text in record["warnings"])
        total = len(self.records)
        return [
            text if total == 1 or text in of_method else f"{count} of {total} images: {text}"
            for text, count in sorted(counts.items())
            if text not in said
        ]

    def report(self, quiet: bool) -> int:
        """Say what was skipped and written; the exit code."""
        for text in self._warnings():
            warn(text)
        for each in self.skipped[:_SHOWN]:
            warn(f"{each['image']}: {each['reason']}")
        if len(self.skipped) > _SHOWN:
            warn(f"and {len(self.skipped) - _SHOWN} more were skipped")
        if self.skipped:
            note(f"{len(self.skipped)} of {len(self.records) + len(self.skipped)} images skipped")
        if self.folder is not None and not quiet:
            before = f", {self.resumed} of them before" if self.resumed else ""
            kind = "image" if len(self.records) == 1 else "images"
            note(f"{len(self.records)} {kind} in {self.folder.path}{before}")
        if self.html is not None and not quiet:
            note(f"wrote {self.html}")
        return 1 if self.skipped else 0
