"""What a model says about an image when it is asked, as the result of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from vlmscope.data.datasets import Asked
from vlmscope.errors import UnsupportedError
from vlmscope.evaluation.image_results import ImageResult

__all__ = ["Spoken", "SpokenImageResult", "answer_row", "silent_notes"]


@dataclass(frozen=True)
class Spoken:
    """An answer in words.

    Attributes:
        asked: the question.
        text: the answer, special tokens left out.
        tokens: how many it has, the end token included where it was reached.
        cut: whether it took all the tokens that it might.
        yes: p(yes) / (p(yes) + p(no)) of its first token, None where that was not asked or the
            vocabulary has no such tokens.
    """

    asked: Asked
    text: str
    tokens: int
    cut: bool
    yes: float | None = None


@dataclass(frozen=True, eq=False)
class SpokenImageResult(ImageResult):
    """Answers in words; they point at nothing.

    Attributes:
        ask: gives an answer to every question of the image.
    """

    ask: Callable[[], list[Spoken]]
    _known: list[Spoken] = field(default_factory=list, repr=False)

    def spoken(self) -> list[Spoken]:
        """The answers, asked for once."""
        if not self._known:
            self._known.extend(self.ask())
        return self._known

    def pointing(self) -> NoReturn:
        self._refuse()

    def places(self) -> NoReturn:
        self._refuse()

    def classes(self) -> NoReturn:
        self._refuse()

    def evidence(self) -> NoReturn:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise UnsupportedError("An answer in words has no place in the image.")


def answer_row(each: Spoken) -> dict[str, Any]:
    """What a row holds of an answer: ``text``, the question, ``answer``, ``tokens`` and ``cut``."""
    return {
        "text": each.asked.text,
        "answer": each.text,
        "tokens": each.tokens,
        "cut": each.cut,
    }


def silent_notes(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """How many answers have no token or no text, and how many were cut off, where there are some."""
    listed = list(rows)
    counts = {
        "answer of no tokens or no text": sum(not row["answer"].strip() for row in listed),
        "answer that was cut off": sum(bool(row.get("cut")) for row in listed),
    }
    notes = {note: count for note, count in counts.items() if count}
    return {"notes": notes} if notes else {}
