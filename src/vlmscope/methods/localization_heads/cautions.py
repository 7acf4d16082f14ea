"""What the user should read before trusting a result."""

from __future__ import annotations

from vlmscope.models import LoadedModel
from vlmscope.types import HeadSet, TokenMap

__all__ = ["head_cautions", "image_cautions"]


def head_cautions(
    heads: HeadSet, model: LoadedModel, rows: object, preset: str | None
) -> tuple[str, ...]:
    """Sentences on a head set that is about to be used.

    Args:
        heads: the set.
        model: the model it is used on.
        rows: the read-out row that is read.
        preset: the preset that the prompt is written in.
    """
    found = []
    if heads.model != model.id:
        found.append(f"These heads were made for {heads.model}, not for {model.id}.")
    elif heads.revision and model.revision and heads.revision != model.revision:
        found.append(
            f"These heads were made for revision {heads.revision}, the model is {model.revision}."
        )
    if heads.evidence is not None and not heads.evidence.better_than_chance:
        found.append(
            "These heads are no better than chance on the samples they were verified on: pointing "
            f"{heads.evidence.pointing} against {heads.evidence.chance_pointing:.3f} by chance."
        )
    if heads.evidence is None and "unverified" in heads.source:
        found.append(
            "These heads were published by others and are unverified here: "
            "vlmscope heads verify measures what they are worth."
        )
    if heads.source == "discovered":
        found += _read_differently(heads, rows, preset)
    return tuple(found)


def _read_differently(heads: HeadSet, rows: object, preset: str | None) -> list[str]:
    found = []
    if rows != heads.rows:
        found.append(f"These heads were discovered in the row {heads.rows!r}, this reads {rows!r}.")
    if heads.prompt is not None and preset not in (None, heads.prompt):
        found.append(
            f"These heads were discovered with the prompt {heads.prompt!r}, this uses {preset!r}."
        )
    return found


def image_cautions(token_map: TokenMap) -> tuple[str, ...]:
    """Sentences on what the model was shown."""
    found = list(token_map.notes)
    unseen, cropped = token_map.unseen_fraction, token_map.placement == "crop"
    # several towers drop a strip narrower than a patch at the right and lower border of every image
    if unseen > (0.005 if cropped else 0.05):
        x0, y0, x1, y1 = token_map.seen
        remedy = " With placement='pad' it sees everything." if cropped else ""
        found.append(
            f"The model did not see {unseen:.0%} of the image: only x {x0:.0f} to {x1:.0f} and "
            f"y {y0:.0f} to {y1:.0f}.{remedy}"
        )
    return tuple(found)
