"""What is to be known before a map of a served model is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vlmscope.analysis.endpoint.result import EndpointExplanation

__all__ = ["cautions_of"]


def cautions_of(result: EndpointExplanation) -> tuple[str, ...]:
    """Sentences; none: nothing is in the way."""
    return tuple(
        each
        for each in (_noise(result), _leading(result), _bounded(result), _unknown(result))
        if each
    )


def _noise(result: EndpointExplanation) -> str:
    if result.trusted:
        return ""
    if result.noise == 0:
        return (
            "Nothing that was hidden lowers the answer's log-probability: the map shows no place. Hide more "
            "at once (windows), or follow one word of the answer."
        )
    return (
        f"The unchanged picture, asked twice, differs from itself by {result.noise:.3g} nats, and the "
        f"largest drop is {result.effect:.3g}: this map shows chance. Ask an endpoint that repeats itself, "
        "or hide more at once (windows)."
    )


def _leading(result: EndpointExplanation) -> str:
    """Where an answer was not followed to its end; one token is."""
    if result.run["way"] != "leading-tokens" or (result.whole and not result.counts["unknown"]):
        return ""
    part = "" if result.whole else f"; of this answer its first {len(result.tokens)}"
    return (
        "The endpoint reads no answer that is given to it, so tokens were followed only for as long as it "
        f"answers the same{part}."
    )


def _bounded(result: EndpointExplanation) -> str:
    count, every = result.counts["bounded"], sum(result.counts.values())
    if not count:
        return ""
    return (
        f"{count} of {every} values are bounds: the token was not among the {result.run['top']} likeliest "
        "there, so the answer lost at least as much."
    )


def _unknown(result: EndpointExplanation) -> str:
    count, every = result.counts["unknown"], sum(result.counts.values())
    if not count:
        return ""
    return (
        f"{count} of {every} values are not known and count as unchanged: the endpoint had answered "
        "something else before that token."
    )
