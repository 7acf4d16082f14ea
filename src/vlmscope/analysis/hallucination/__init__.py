"""Hallucination: which of the signs at hand tells an object that is there from an imagined one?"""

from vlmscope.analysis.hallucination.measure import hallucination
from vlmscope.analysis.hallucination.options import HallucinationOptions
from vlmscope.analysis.hallucination.result import HallucinationScores
from vlmscope.analysis.hallucination.signs import SIGNS

__all__ = ["SIGNS", "HallucinationOptions", "HallucinationScores", "hallucination"]
