"""What words of each kind looked at, over many answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from vlmscope.analysis.tokens.looks_report import LOOKS_COLUMNS, PAIRS_COLUMNS, looks_page
from vlmscope.analysis.tokens.ranges import shown_range
from vlmscope.data.skipped import SkippedSample
from vlmscope.markup import card, one_line, table
from vlmscope.stats import Interval
from vlmscope.viewer import View

__all__ = ["LOOKS_COLUMNS", "PAIRS_COLUMNS", "KindLooks", "PairLooks", "WordLooks"]


@dataclass(frozen=True)
class KindLooks:
    """Words of one kind in one range of layers.

    Attributes:
        kind: of :data:`vlmscope.analysis.tokens.kinds.KINDS`, or ``all``.
        layers: (first, last), both included.
        words: how many there are.
        share: attention on the image, mean over words.
        over_blank: how much more than on a blank image.
        hits: share whose map peaks on the object asked about or near it; None: no question has a
            mask.
        chance: what a peak put anywhere would score.
        lost: share that is no longer said when the answer may not read the image.
        gain: nats by which the image makes a word likelier than a blank one, mean over words.
    """

    kind: str
    layers: tuple[int, int]
    words: int
    share: Interval
    over_blank: Interval
    hits: Interval | None
    chance: float | None
    lost: Interval
    gain: Interval


@dataclass(frozen=True)
class PairLooks:
    """Whether words of a kind look where the noun looks that they are said of.

    Attributes:
        kind: ``colour``, ``size``, ``texture`` or ``position``.
        layers: (first, last), both included.
        pairs: words with a noun of their own, in answers that name another one.
        answers: how many such answers.
        same: overlap of the word's map with its noun's, 0..1, mean over answers.
        other: with those of the answer's other nouns.
        difference: the first less the second, paired by answer.
    """

    kind: str
    layers: tuple[int, int]
    pairs: int
    answers: int
    same: Interval
    other: Interval
    difference: Interval


@dataclass(frozen=True)
class WordLooks:
    """Words by kind.

    Attributes:
        run: everything needed to repeat the run.
        answers: how many.
        kinds: by kind, then range of layers; kinds without a word are left out.
        pairs: by kind, then range; empty where no answer has a word with its noun and another noun.
        without_object: answers that name nothing.
        skipped: questions that could not be used, and why.
    """

    run: dict[str, Any]
    answers: int
    kinds: tuple[KindLooks, ...]
    pairs: tuple[PairLooks, ...]
    without_object: int
    skipped: tuple[SkippedSample, ...] = ()

    def __repr__(self) -> str:
        words = next(each.words for each in self.kinds if each.kind == "all")
        return one_line(self, f"{words} words of {self.answers} answers by {self.run['model']}")

    def _repr_html_(self) -> str:
        shown = card(
            f"Where words of {self.run['model']} look",
            table(self.table(), LOOKS_COLUMNS),
            lead=f"{self.answers} answers.",
            notes=self.notes,
        )
        return self.view().inline(shown)

    def view(self) -> View:
        """What the viewer draws: the page that the command writes."""
        return looks_page(self).view()

    @property
    def notes(self) -> list[str]:
        """What is missing, as sentences."""
        notes = []
        if self.without_object:
            notes.append(
                f"{self.without_object} of {self.answers} answers name no object: their words count "
                "as colours, sizes, textures, positions or others."
            )
        if not self.pairs:
            notes.append(
                "No answer says a colour or another attribute of one thing and names another, so nothing is "
                'compared: ask for captions with --ask "describe the picture".'
            )
        return notes

    def table(self) -> tuple[list[str], list[list[object]]]:
        """Columns and rows, a kind and a range of layers each."""
        columns = ["words", "layers", "n", "on image", "over blank", "on object", "chance"]
        return [*columns, "lost", "gain (nats)"], [
            [
                each.kind,
                shown_range(each.layers),
                each.words,
                str(each.share),
                str(each.over_blank),
                None if each.hits is None else str(each.hits),
                each.chance,
                str(each.lost),
                str(each.gain),
            ]
            for each in self.kinds
        ]

    def pairs_table(self) -> tuple[list[str], list[list[object]]]:
        """Columns and rows, a kind and a range of layers each."""
        columns = ["words", "layers", "pairs", "answers", "own noun", "other nouns", "more"]
        return columns, [
            [
                each.kind,
                shown_range(each.layers),
                each.pairs,
                each.answers,
                str(each.same),
                str(each.other),
                str(each.difference),
            ]
            for each in self.pairs
        ]

    def rows(self) -> Iterator[dict[str, Any]]:
        """One flat record per kind and range of layers."""
        for each in self.kinds:
            yield {
                "kind": each.kind,
                "layers": shown_range(each.layers),
                "words": each.words,
                "image_attention": each.share.value,
                "over_blank": each.over_blank.value,
                "on_object": None if each.hits is None else each.hits.value,
                "chance": each.chance,
                "lost": each.lost.value,
                "gain": each.gain.value,
            }

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "run": self.run,
            "answers": self.answers,
            "kinds": [asdict(each) for each in self.kinds],
            "pairs": [asdict(each) for each in self.pairs],
            "without_object": self.without_object,
            "notes": self.notes,
            **({"skipped": [each.to_dict() for each in self.skipped]} if self.skipped else {}),
        }
