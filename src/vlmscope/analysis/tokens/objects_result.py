"""Whether words look at the object that they are said of, over many answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from vlmscope.analysis.record import run_section
from vlmscope.analysis.tokens.ranges import shown_range
from vlmscope.analysis.tokens.table import CAVEAT
from vlmscope.data.skipped import SkippedSample
from vlmscope.markup import card, one_line, table
from vlmscope.report import Page
from vlmscope.stats import Interval
from vlmscope.viewer import View

__all__ = ["OBJECTS_COLUMNS", "ObjectLooks", "OwnAndOther", "WordObjects", "objects_page"]

OBJECTS_COLUMNS = (
    "peak: words whose map peaks on the object that they are said of, or near it; share: of the word's "
    "attention on the image, what lies on that object, beside the object's area; overlap: of the word's "
    "map with that of the noun, sum of the smaller of both, each made to sum to 1; more: than on the "
    "answer's other objects (other nouns), paired by answer; 95% intervals over answers."
)
"""What the columns of :meth:`WordObjects.table` hold."""


@dataclass(frozen=True)
class OwnAndOther:
    """A measure on a word's own object and on the others of its answer.

    Attributes:
        own, other: means over words; of the others the mean first.
        difference: the first less the second, paired by answer.
    """

    own: Interval
    other: Interval
    difference: Interval


@dataclass(frozen=True)
class ObjectLooks:
    """Words of one kind in one range of layers.

    Attributes:
        kind: of :data:`vlmscope.analysis.tokens.kinds.KINDS`.
        layers: (first, last), both included.
        words: how many.
        area: share of the picture that their objects cover, mean over words.
        peak: share of words whose map peaks on the object or near it.
        share: of the word's attention on the image, what lies on the object.
        overlap: with the map of the noun; None: for nouns, or without any.
    """

    kind: str
    layers: tuple[int, int]
    words: int
    area: float
    peak: OwnAndOther
    share: OwnAndOther
    overlap: OwnAndOther | None


@dataclass(frozen=True)
class WordObjects:
    """Words held against objects.

    Attributes:
        run: everything needed to repeat the run.
        answers: how many.
        objects: that they name.
        looks: by kind, then range of layers; kinds without a word are left out.
        skipped: answers that could not be used, by their first row, and why.
    """

    run: dict[str, Any]
    answers: int
    objects: int
    looks: tuple[ObjectLooks, ...]
    skipped: tuple[SkippedSample, ...] = ()

    def __repr__(self) -> str:
        of = f"{self.objects} objects of {self.answers} answers fed to {self.run['model']}"
        return one_line(self, of)

    def _repr_html_(self) -> str:
        shown = card(
            f"Where words of {self.run['model']} look",
            table(self.table(), OBJECTS_COLUMNS),
            lead=f"{self.objects} objects of {self.answers} answers.",
            notes=(*map(str, self.skipped[:3]), CAVEAT),
        )
        return self.view().inline(shown)

    def view(self) -> View:
        """What the viewer draws: the page that the command writes."""
        return objects_page(self).view()

    def table(self) -> tuple[list[str], list[list[object]]]:
        """Columns and rows, a kind and a range of layers each."""
        columns = ["words", "layers", "n", "peak", "more", "share", "more", "area"]
        return [*columns, "overlap", "more"], [
            [
                each.kind,
                shown_range(each.layers),
                each.words,
                *_cells(each.peak),
                *_cells(each.share),
                each.area,
                *_cells(each.overlap),
            ]
            for each in self.looks
        ]

    def rows(self) -> Iterator[dict[str, Any]]:
        """One flat record per kind and range of layers."""
        for each in self.looks:
            row = {"kind": each.kind, "layers": shown_range(each.layers), "words": each.words}
            for name in ("peak", "share", "overlap"):
                pair = getattr(each, name)
                for side in ("own", "other", "difference"):
                    row[f"{name}_{side}"] = None if pair is None else getattr(pair, side).value
            yield {**row, "area": each.area}

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "run": self.run,
            "answers": self.answers,
            "objects": self.objects,
            "looks": [asdict(each) for each in self.looks],
            **({"skipped": [each.to_dict() for each in self.skipped]} if self.skipped else {}),
        }


def objects_page(found: WordObjects, command: str = "") -> Page:
    """Words held against objects as a page.

    Args:
        found: what is shown.
        command: how it was made, for the reader who wants to repeat it.
    """
    lead = f"{found.objects} objects of {found.answers} answers, which were fed in."
    page = Page(f"Do words of {found.run['model']} look at their object?", lead)
    page.caveat(CAVEAT)
    page.heading("By kind of word and layers")
    page.table(*found.table(), note=OBJECTS_COLUMNS)
    run_section(page, found.run, command)
    return page


def _cells(pair: OwnAndOther | None) -> list[object]:
    return [None, None] if pair is None else [str(pair.own), pair.difference.signed()]
