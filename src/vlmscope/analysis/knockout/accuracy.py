"""How right an answer is, held against references."""

from __future__ import annotations

from collections.abc import Sequence

from vlmscope.analysis.agreement import agrees, plain
from vlmscope.errors import BadSampleError

__all__ = ["ACCURACIES", "accuracy"]

ACCURACIES = ("exact", "vqa")
"""``exact``: 1 if the answer says what some reference says. ``vqa``: mean over the references, each
left out once, of min(1, matches among the others / 3) (Antol et al., VQA, 2015)."""

_AGREEING = 3  # people who must give an answer for it to count in full


def accuracy(answer: str, references: Sequence[str], kind: str) -> float:
    """From 0 to 1; case, punctuation and articles do not count.

    Raises:
        BadSampleError: fewer references than the VQA formula can work with.
    """
    if kind == "exact":
        return float(agrees(answer, references))
    if len(references) <= _AGREEING:
        raise BadSampleError(
            f"VQA accuracy compares with several people's answers (usually 10), got {len(references)}. "
            "Use accuracy 'exact' where references are right answers."
        )
    said = plain(answer)
    matches = [said == plain(reference) for reference in references]
    left_out = [min(1.0, (sum(matches) - match) / _AGREEING) for match in matches]
    return sum(left_out) / len(left_out)
