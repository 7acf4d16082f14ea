"""What is measured: anything that answers the sentences of an image, whether a method of ours or not."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Any, ClassVar, TypeVar

from vlmscope.data.datasets import EvalSample
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.rows import Rows
from vlmscope.metrics.score import Score

__all__ = ["Entrant", "Trial"]

Shared = TypeVar("Shared")


class Entrant(ABC):
    """One run of an evaluation.

    Attributes:
        label: what it is called in the report; no two entrants share one.
        noun: what it is, in messages.
        comparable: whether its scores are comparable between classes.
        scored: whether its answers have scores; without them nothing is decided by a threshold.
        base: the entrant whose result on the same image it starts from, or None.
    """

    label: str
    noun: ClassVar[str] = "method"
    comparable: bool = False
    scored: bool = True
    base: Entrant | None = None

    @property
    @abstractmethod
    def id(self) -> str:
        """Of the method or the comparator, whatever its options."""

    @property
    @abstractmethod
    def digest(self) -> str:
        """A word for what it is and for its setting: what is finished is found again by it.

        The label does not count; the evaluation's own model is said once, by the state file.
        """

    @abstractmethod
    def setting(self) -> dict[str, Any]:
        """How it sees image and text, and its ``options``, as JSON values."""

    @abstractmethod
    def result(self, trial: Trial) -> ImageResult:
        """What it finds in the image of a trial; best computed when first asked for."""

    def own_scores(self, rows: Rows, seed: int) -> Sequence[Score]:
        """Scores that only this kind of entrant has, such as the share of unread answers."""
        return ()


class Trial:
    """One image, and what its entrants share while they look at it.

    Args:
        sample: the image and its truth.
        asked: the entrants that are measured on it, each by one :meth:`result_of`.
    """

    def __init__(self, sample: EvalSample, asked: Sequence[Entrant]) -> None:
        self.sample = sample
        self._entrants: dict[str, Entrant] = {}
        self._uses: Counter[str] = Counter()
        self._results: dict[str, ImageResult] = {}
        self._shared: dict[Hashable, Any] = {}
        for entrant in asked:
            self._expect(entrant)

    @property
    def entrants(self) -> tuple[Entrant, ...]:
        """All that will look, those included that others start from."""
        return tuple(self._entrants.values())

    def result_of(self, entrant: Entrant) -> ImageResult:
        """The result of one of :attr:`entrants`; let go of when nobody will ask for it again."""
        result = self._results.pop(entrant.label, None) or entrant.result(self)
        self._uses[entrant.label] -= 1
        if self._uses[entrant.label] > 0:
            self._results[entrant.label] = result
        return result

    def shared(self, key: Hashable, make: Callable[[], Shared]) -> Shared:
        """What several entrants have a use for, made when the first asks."""
        if key not in self._shared:
            self._shared[key] = make()
        shared: Shared = self._shared[key]
        return shared

    def _expect(self, entrant: Entrant) -> None:
        self._entrants[entrant.label] = entrant
        self._uses[entrant.label] += 1
        if entrant.base is not None and self._uses[entrant.label] == 1:
            self._expect(entrant.base)
