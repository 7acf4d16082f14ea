"""What is measured: anything that answers the sentences of an image, whether a method of ours or not."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Any, ClassVar, TypeVar

from vlmscope.data.datasets import EvalSample
from vlmscope.errors import UnsupportedError
from vlmscope.evaluation.evidence.choice import Evidence
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.rows import Rows
from vlmscope.metrics.score import Score
from vlmscope.types import HeadSet

__all__ = ["Entrant", "Trial"]

Shared = TypeVar("Shared")


class Entrant(ABC):
    """One run of an evaluation.

    Attributes:
        label: what it is called in the report; no two entrants share one.
        noun: what it is, in messages.
        comparable: whether its scores are comparable between classes.
        scored: whether its answers have scores; without them nothing is decided by a threshold.
        draws: whether its answers have masks.
        decides: the kind of evidence by whose own rule it says itself that nothing is meant,
            whatever is chosen for others, or None.
        base: the entrant whose result on the same image it starts from, or None.
    """

    label: str
    noun: ClassVar[str] = "method"
    comparable: bool = False
    scored: bool = True
    draws: bool = True
    decides: str | None = None
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

    def head_set(self) -> HeadSet | None:
        """The attention heads that it reads, so that they are credited; of what it starts from, too."""
        return None if self.base is None else self.base.head_set()

    @property
    def scorer(self) -> Entrant:
        """Whose scores its answers have: its own, or those of the one that it starts from."""
        return self

    def evidence(self, asked: Evidence) -> tuple[str, ...]:
        """The kinds of evidence that its rows hold beside the score, all that is asked for included.

        Raises:
            UnsupportedError: a kind that it does not have.
        """
        if self.base is not None:
            return self.base.evidence(asked)
        own = () if self.decides is None else (self.decides,)
        foreign = [kind for kind in asked.kinds if kind not in own]
        if foreign:
            offered = [*(["score"] if self.scored else []), *own]
            raise UnsupportedError(
                f"The {self.noun} {self.id!r} has no evidence {foreign[0]!r}, only: "
                f"{', '.join(offered) or 'none'}. Leave the one or the other out."
            )
        return own

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
