"""Names of tensors in the original LLaVA code's checkpoints, and in transformers' LLaVA."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from vlmscope.models.loading.original_llava.projector import needs_own_projector
from vlmscope.models.loading.weights import check_complete, check_shapes, check_used
from vlmscope.models.spare_weights import SpareWeights, unexplained

__all__ = ["DECODER", "TOWER", "TensorNames"]

TOWER = "model.vision_tower."
"""What tensors of a tower begin with, where the checkpoint holds it."""

DECODER = "model.layers."
"""What tensors of the decoder's layers begin with."""

_TEXT = ("embed_tokens", "layers", "norm")
_INNER_TOWER = "model.vision_tower.vision_tower.vision_model."
_OUTER_TOWER = "model.vision_tower."


class TensorNames:
    """The way from one set of names to the other.

    Args:
        projector: ``mm_projector_type``.
    """

    def __init__(self, projector: str) -> None:
        prefixes = {
            **{f"model.{part}.": f"model.language_model.{part}." for part in _TEXT},
            **_projector(projector),
            _INNER_TOWER: _OUTER_TOWER,
            "lm_head.": "lm_head.",
        }
        self._to_hf = prefixes
        self._to_original = {new: old for old, new in prefixes.items()}

    def in_transformers(self, name: str) -> str | None:
        """The name of an original tensor in transformers' class; None: it has no place there."""
        return _renamed(name, self._to_hf)

    def original(self, name: str) -> str:
        """The name of a tensor of transformers' class in an original checkpoint."""
        return _renamed(name, self._to_original) or name

    def check(
        self,
        name: str,
        stored: Mapping[str, Any],
        wanted: Mapping[str, Any],
        spare: Iterable[SpareWeights],
    ) -> None:
        """Compare what a checkpoint holds with what its configuration asks for.

        Args:
            name: of the model, for messages.
            stored: original name -> something with a ``shape``.
            wanted: name in transformers -> something with a ``shape``.
            spare: what may be left over.

        Raises:
            ModelLoadError: tensors that are missing, renamed, left over or of another shape; names
                them as the checkpoint does.
        """
        places = {key: self.in_transformers(key) for key in stored}
        left = [key for key, place in places.items() if place not in wanted]
        left = unexplained(left, spare)
        missing = [self.original(key) for key in set(wanted) - set(places.values())]
        check_complete(name, missing, left)
        check_used(name, left)
        pairs = [
            (key, stored[key].shape, wanted[place].shape)
            for key, place in places.items()
            if place is not None and place in wanted
        ]
        check_shapes(name, [pair for pair in pairs if tuple(pair[1]) != tuple(pair[2])])


def _projector(kind: str) -> dict[str, str]:
    ours = "model.multi_modal_projector."
    if kind == "linear":
        return {"model.mm_projector.": f"{ours}parts.0."}
    if needs_own_projector(kind):
        return {"model.mm_projector.": f"{ours}parts."}
    return {
        "model.mm_projector.0.": f"{ours}linear_1.",
        "model.mm_projector.2.": f"{ours}linear_2.",
    }


def _renamed(name: str, prefixes: Mapping[str, str]) -> str | None:
    for old, new in prefixes.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return None
