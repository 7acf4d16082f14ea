"""Vision towers whose patches lie on one fixed grid, and which of their tokens a model keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vlmscope.errors import ModelMismatchError, UnsupportedError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["check_selection", "check_tower", "has_class_token", "tower_sides"]

# whether a class token stands in front of the patches
_TOWERS = {"clip_vision_model": True, "siglip_vision_model": False}


def has_class_token(hf: PreTrainedModel) -> bool:
    """Whether the tower puts a class token in front of its patches.

    Raises:
        UnsupportedError: for a tower that is not known.
    """
    tower = hf.config.vision_config.model_type
    if tower not in _TOWERS:
        raise UnsupportedError(
            f"This {hf.config.model_type} has a vision tower of type {tower!r}; known are "
            f"{', '.join(_TOWERS)}. Where its image tokens lie is not known, so nothing is guessed."
        )
    return _TOWERS[tower]


def check_tower(hf: PreTrainedModel, known: tuple[str, ...]) -> None:
    """Raise UnsupportedError unless the vision tower is of a type whose tokens are its patches."""
    tower = hf.config.vision_config.model_type
    if tower not in known:
        raise UnsupportedError(
            f"This model has a vision tower of type {tower!r}; known is {', '.join(known)}. Where its "
            "image tokens lie is not known, so nothing is guessed."
        )


def check_selection(hf: PreTrainedModel, strategy: str, keeps_class: bool) -> None:
    """Raise UnsupportedError unless every patch is kept, once.

    Args:
        hf: the model.
        strategy: ``"default"`` drops the tower's first token, ``"full"`` keeps all.
        keeps_class: the family has a place for a class token in front of the patches.
    """
    tower = hf.config.vision_config.model_type
    if strategy == "default" and not has_class_token(hf):
        raise UnsupportedError(
            f"vision_feature_select_strategy='default' drops the first token, but {tower} has no "
            "class token: the first patch would be lost. Set it to 'full' in the config."
        )
    if strategy == "full" and has_class_token(hf) and not keeps_class:
        raise UnsupportedError(
            f"vision_feature_select_strategy='full' keeps the class token of {tower}, which "
            f"{hf.config.model_type} cannot arrange in tiles. Set it to 'default' in the config."
        )


def tower_sides(hf: PreTrainedModel) -> tuple[int, int]:
    """(image, patch): sides in pixels of the squares that the tower takes.

    Raises:
        ModelMismatchError: when they are no squares.
    """
    vision = hf.config.vision_config
    sides = []
    for name in ("image_size", "patch_size"):
        value = getattr(vision, name)
        both = {int(value)} if isinstance(value, int) else {int(part) for part in value}
        if len(both) != 1:
            raise ModelMismatchError(
                f"The vision tower's {name} is {tuple(value)}; vlmscope knows squares only."
            )
        sides.append(both.pop())
    return sides[0], sides[1]
