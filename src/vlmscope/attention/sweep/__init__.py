"""Many knock-outs of one prompt for the price of a few: what they share is computed once.

A prompt and its answer are run once, without a knock-out (:mod:`clean_run`). Each knock-out is then
replayed from the first layer and the first position that it can change (:mod:`changes`), several side
by side in one batch (:mod:`batch`); what it cannot change is taken from the clean run. Where a family
cannot be resumed like that, every knock-out is a full pass (:mod:`full_passes`). Who wants the answer's
log-probabilities alone has them for less (:mod:`packed`).
"""

from vlmscope.attention.sweep.effects import CleanAnswer, Effect, SweepResult
from vlmscope.attention.sweep.packed import AnswerScores, answer_scores
from vlmscope.attention.sweep.run import sweep
from vlmscope.attention.sweep.specs import LAST_ROWS, KnockoutSpec

__all__ = [
    "LAST_ROWS",
    "AnswerScores",
    "CleanAnswer",
    "Effect",
    "KnockoutSpec",
    "SweepResult",
    "answer_scores",
    "sweep",
]
