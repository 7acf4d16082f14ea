"""Many knock-outs of one prompt for the price of a few: what they share is computed once.

A prompt and its answer are run once (:mod:`replay`). Every knock-out then starts at the first layer
and the first row that it can change, beside all others (:mod:`wave`); what it cannot change is taken
from the clean run. Where a family cannot be resumed like that, passes run whole (:mod:`whole`).
"""

from vlmscope.attention.sweep.cases import LAST_ROWS, Case
from vlmscope.attention.sweep.outcome import Outcome, Said, Swept
from vlmscope.attention.sweep.run import sweep

__all__ = ["LAST_ROWS", "Case", "Outcome", "Said", "Swept", "sweep"]
