"""Faithfulness: does the answer need what a map lights up, and can the rest be left out?"""

from vlmscope.analysis.faithfulness.measure import MapSource, faithfulness
from vlmscope.analysis.faithfulness.options import FaithfulnessOptions
from vlmscope.analysis.faithfulness.result import Faithfulness, MapScore

__all__ = ["Faithfulness", "FaithfulnessOptions", "MapScore", "MapSource", "faithfulness"]
