"""How much speaks for each class being in the image, by several rules.

Area under the ROC curve over all 13,300 pairs of 100 photographs and 133 classes (OpenAI's CLIP ViT-B/16,
448 squashed, clearclip), half of the photographs each, and of shorter class lists:

============================== ===== =========== ========== ========
rule                           all   halves      80 things  20 names
============================== ===== =========== ========== ========
mean (peak and whole image)    .902  .896 / .907 .942       .921
peak                           .919  .909 / .928 .942       .910
whole image                    .784  .785 / .784 .862       .856
rivals                         .927  .918 / .935 .944       .923
============================== ===== =========== ========== ========

With sc-clip, the default there: rivals .929, mean .892. On narrow towers mean is the better one (tiny-clip
.991 and .974, DeiT-tiny .889 and .862), see :mod:`vlmscope.methods.encoder.defaults`.

rivals minus mean, clearclip: +.025, 95% interval +.013 to +.036 over images. The scale of rivals was chosen
among nine on one half and measured on the other: .935 and .918.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from vlmscope.methods.encoder.similarity import PRESENCE, Similarity, best_of_each, presence
from vlmscope.options import check_word

__all__ = ["PRESENCE_RULES", "class_presence", "rivals"]

_SHARE = 0.4

PRESENCE_RULES = {
    "mean": PRESENCE,
    "rivals": "largest log probability of a patch under a softmax over all classes at 0.4 of the model's "
    "logit scale, divided by that scale",
}
"""Rule -> what it is, in words, for records.

``mean`` is comparable between class lists; ``rivals`` depends on what else is asked for, and is never
above 0.
"""


def class_presence(
    similarity: Similarity, owners: Sequence[int], classes: int, rule: str, logit_scale: float
) -> Tensor:
    """Float32 (classes,): how much speaks for each class.

    Args:
        similarity: of an image with the texts of the classes.
        owners: the class of every text.
        classes: how many there are.
        rule: one of :data:`PRESENCE_RULES`.
        logit_scale: the model's own factor between cosine similarity and logits.

    Raises:
        UnknownNameError: another rule.
    """
    check_word("presence_rule", rule, PRESENCE_RULES)
    if rule == "mean":
        return best_of_each(presence(similarity), owners, classes)
    return rivals(best_of_each(similarity.patches, owners, classes), logit_scale)


def rivals(scores: Tensor, logit_scale: float) -> Tensor:
    """Float32 (classes,) of scores (patches, classes): the best patch against all other classes there.

    max over patches p of  s_pc - (1/t) log sum over classes k of exp(t s_pk),  with t = 0.4 logit_scale.
    """
    scale = _SHARE * logit_scale
    return (scores * scale).log_softmax(dim=-1).amax(dim=0) / scale
