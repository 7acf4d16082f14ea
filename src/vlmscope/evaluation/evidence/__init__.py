"""What speaks for a sentence meaning something in an image, and the decision that is made by it."""

from vlmscope.evaluation.evidence.choice import SCORE, Evidence
from vlmscope.evaluation.evidence.decision import Decision, value_of
from vlmscope.evaluation.evidence.kinds import EVIDENCE, EvidenceKind
from vlmscope.evaluation.evidence.rejection import REJECTIONS, rejects

__all__ = [
    "EVIDENCE",
    "REJECTIONS",
    "SCORE",
    "Decision",
    "Evidence",
    "EvidenceKind",
    "rejects",
    "value_of",
]
