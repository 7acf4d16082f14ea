"""Labels as people left them: what they rejected is gone, and boxes that they drew stand in their places."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from vlmscope.errors import BadSampleError
from vlmscope.export.formats import LabelledImage
from vlmscope.io import shown_path
from vlmscope.labels.audit import Decision, Decisions
from vlmscope.labels.audit.sample import fingerprint_of
from vlmscope.labels.folder import LabelFolder

__all__ = ["Key", "as_decided", "decisions_about"]

Key = tuple[str, str, int]
"""Id of the image, phrase and instance: what is unique of an object."""


def decisions_about(
    labels: LabelFolder, decisions: Decisions | str | os.PathLike[str]
) -> Decisions:
    """Decisions about the objects of a folder.

    Args:
        labels: the folder.
        decisions: they themselves, or their file.

    Raises:
        BadSampleError: they cannot be read, or are about another job.
    """
    decided = decisions if isinstance(decisions, Decisions) else Decisions.read(decisions)
    if decided.fingerprint != fingerprint_of(labels):
        raise BadSampleError(
            f"The decisions are about another job ({decided.fingerprint or 'without a name'}) than the one "
            f"in {shown_path(labels.path)} ({fingerprint_of(labels) or 'without a name'}). Give the folder "
            "that the page was made of."
        )
    return decided


def as_decided(
    image: LabelledImage, decided: Mapping[Key, Decision]
) -> tuple[LabelledImage, int, int]:
    """An image as it was decided about.

    An object that was rejected is left out, unless a box was drawn for it. One with a box of its own has
    neither a peak nor a mask any more, which were those of another place. What nobody is sure of stays.

    Args:
        image: as it was labelled.
        decided: by object.

    Returns:
        The image, how many objects were rejected, and how many have another box.
    """
    kept, rejected, corrected = [], 0, 0
    for each in image.objects:
        decision = decided.get((image.id, each.phrase, each.instance))
        if decision is not None and decision.box is not None:
            corrected += 1
            kept.append(replace(each, box=decision.box, point=None, mask=None))
        elif decision is not None and decision.verdict == "reject":
            rejected += 1
        else:
            kept.append(each)
    return replace(image, objects=tuple(kept)), rejected, corrected
