"""An answer in words that nothing in the image is meant."""

from __future__ import annotations

import re

__all__ = ["REJECTIONS", "rejects"]

REJECTIONS = (
    "no",
    "none",
    "nothing",
    "null",
    "n/a",
    "no target",
    "no match",
    "no matching object",
    "no such object",
    "no object",
    "not found",
    "not present",
    "not visible",
    "not there",
    "not in the image",
    "not in the picture",
    "does not exist",
    "doesn't exist",
    "does not appear",
    "doesn't appear",
    "is absent",
    "cannot be found",
    "can't be found",
    "could not be found",
    "cannot find",
    "can't find",
    "could not find",
    "there is no",
    "there's no",
    "there are no",
    "there isn't",
    "there is not",
    "there are not",
    "there aren't",
    "[0, 0, 0, 0]",
)
"""Phrases by which an answer without a box rejects; ``[0, 0, 0, 0]`` is GroundingME's own."""

_ALONE = frozenset({"no", "none", "nothing", "null", "n/a"})
_WITHIN = tuple(phrase for phrase in REJECTIONS if phrase not in _ALONE)
_ZEROS = re.compile(r"[\[(]\s*0(?:\.0+)?(?:\s*,\s*0(?:\.0+)?){3}\s*[\])]")


def rejects(answer: str) -> bool:
    """Whether an answer says that nothing is meant.

    It does where it holds one of :data:`REJECTIONS` as whole words, case and white space aside, or
    four zeros in brackets; ``no``, ``none``, ``nothing``, ``null`` and ``n/a`` have to be all there
    is. An answer that cannot be parsed, an empty one too, is none. Whoever reads a box in an answer
    does not ask.

    Args:
        answer: word for word.
    """
    text = " ".join(answer.replace("\u2019", "'").casefold().split())
    if _ZEROS.search(text):
        return True
    if text.strip(" .,;:!?\"'`[](){}") in _ALONE:
        return True
    return any(re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", text) for phrase in _WITHIN)
