"""How steering is measured."""

from __future__ import annotations

from dataclasses import dataclass

from vlmscope.attention.steering.steer import check_strength
from vlmscope.errors import BadOptionError
from vlmscope.options import CheckedOptions, option

__all__ = ["SteerOptions"]


@dataclass(frozen=True)
class SteerOptions(CheckedOptions):
    """How strongly heads are drawn, and how answers are made."""

    strengths: str = option(
        "2,4,8,16", "amounts added to the logits; one is chosen on half of the questions"
    )
    preset: str | None = option(None, "prompt preset (default: the model's)")
    placement: str | None = option(None, "how images are fitted (default: the family's way)")
    max_new_tokens: int = option(16, "longest answer, in tokens", at_least=1, whole=True)
    seed: int = option(0, "of random heads and boxes", at_least=0, whole=True)

    @property
    def amounts(self) -> tuple[float, ...]:
        """The strengths as numbers, each once.

        Raises:
            BadOptionError: none, one that is no finite number, or 0, under which nothing changes.
        """
        parts = [part.strip() for part in self.strengths.split(",") if part.strip()]
        try:
            amounts = tuple(dict.fromkeys(check_strength(float(part)) for part in parts))
        except ValueError as error:
            raise BadOptionError(f"strengths: {error} Write them as 2,4,8.") from error
        if not amounts or 0.0 in amounts:
            raise BadOptionError(
                f"strengths are numbers other than 0, with commas, got {self.strengths!r}."
            )
        return amounts
