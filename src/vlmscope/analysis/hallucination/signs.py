"""The signs by name: more of each speaks for an object that is there."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["BASE_RATE", "CONTROLS", "SIGNS"]

BASE_RATE = "base rate"
"""The sign that no picture is needed for; it comes from the mentions of the other half."""

SIGNS: Mapping[str, str] = MappingProxyType(
    {
        "probability": "log-probability of the mention, per token: control, the answer's own",
        BASE_RATE: "share of the mentions of the same object that are real in the other half of the "
        "images, (real + 1) / (all + 2): control, no picture needed",
        "random patches": "the knock-out of as many patches drawn at random: control",
        "image share": "attention of the rows that predict the mention on all image tokens, mean over "
        "the layers and heads that are read",
        "share over blank": "the same less that on a blank image",
        "gain over blank": "log-probability of the mention less that given a blank image, per token",
        "gain over blocked": "the same less that with the image blocked for the answer, per token",
        "logit lens": "largest log-probability of the object's word that a hidden state of an attended "
        "patch decodes to, over the layers that are read",
        "patch knock-out": "probability per token that is lost when the answer may not read the "
        "attended patches, 1 - (p knocked / p)^(1/tokens)",
        "head agreement": "mean cosine of the heads' maps to their mean, over the layers that are read",
    }
)
"""Sign -> what it is."""

CONTROLS = ("probability", BASE_RATE, "random patches")
"""Signs that a good one has to beat."""
