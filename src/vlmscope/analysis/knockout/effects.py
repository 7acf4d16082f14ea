"""What a knock-out changes, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["EFFECTS", "UNITS"]

EFFECTS: dict[str, str] = {
    "logprob_drop": "log-probability of the clean answer that is lost, summed over its tokens, in nats",
    "token_drop": "the same per token",
    "normalised_drop": "probability per token that is lost, 1 - (p knocked / p clean)^(1/tokens): the "
    "length-normalised effect of FG-TRACER (WACV 2026), positive where the answer loses",
    "kl": "KL(clean || knocked) of the next-token distribution, mean over the answer's tokens, in nats",
    "first_kl": "the same of the first token alone",
    "changed": "share of answers that are no longer the most likely ones",
    "accuracy_lost": "accuracy of the clean answer less accuracy under the knock-out",
    "f1_lost": "1 - F1 of the objects named (or the judge's mark) against the clean answer",
}
"""Effects by name; each is 0 where a knock-out changes nothing."""

UNITS: Mapping[str, str] = MappingProxyType(
    {
        "logprob_drop": "nats",
        "token_drop": "nats per token",
        "normalised_drop": "share",
        "kl": "nats",
        "changed": "share of answers",
    }
)
"""Units of the effects that have one."""
