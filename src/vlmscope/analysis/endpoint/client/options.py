"""How an endpoint is asked: how often, how many times, how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vlmscope.options import CheckedOptions, option

__all__ = ["EndpointOptions"]


@dataclass(frozen=True)
class EndpointOptions(CheckedOptions):
    """What a served model is spared, and what is paid at most."""

    panel: ClassVar[str] = "Requests"

    budget: int | None = option(
        None,
        "requests that are sent at most, repeated ones included; what a run needs is counted before it "
        "starts (default: no bound)",
        at_least=1,
        whole=True,
        optional=True,
    )
    at_once: int = option(4, "requests under way side by side", at_least=1, at_most=256, whole=True)
    per_minute: float | None = option(
        None,
        "requests that begin within a minute at most (default: no bound)",
        at_least=0.01,
        optional=True,
    )
    timeout: float = option(60.0, "seconds for one reply", at_least=0.01, at_most=86_400)
    retries: int = option(
        4,
        "times that a request is sent again after a time-out, a broken connection, 429 or 5xx",
        at_least=0,
        at_most=100,
        whole=True,
    )
