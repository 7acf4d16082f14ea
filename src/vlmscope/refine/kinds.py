"""The generations of SAM that can refine masks, and what each needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vlmscope.errors import UnsupportedError
from vlmscope.models.loading.processors import load_processor
from vlmscope.models.loading.torchvision import need_torchvision
from vlmscope.registry import Registry

__all__ = ["KINDS", "SamKind", "kind_of", "kind_of_model"]


@dataclass(frozen=True)
class SamKind:
    """One generation of SAM.

    Attributes:
        id: short name, for records.
        title: as it is called.
        model_types: of the configurations that hold it.
        model_class: of transformers, the one that boxes and points prompt.
        torchvision: whether its image processor exists for torchvision only.
        example: a checkpoint on the hub.
    """

    id: str
    title: str
    model_types: tuple[str, ...]
    model_class: str
    torchvision: bool
    example: str

    def check_installed(self, name: str) -> None:
        """Refuse a checkpoint whose images cannot be prepared here.

        Raises:
            UnsupportedError: torchvision is needed and not installed.
        """
        if self.torchvision:
            need_torchvision(
                f"{name} is {self.title}",
                f"take {_SAM_1.title} ({_SAM_1.example}), which works without it",
            )

    def load_images(self, path: str, options: Mapping[str, Any]) -> Any:
        """The image processor, of the Pillow backend wherever there is one.

        Args:
            path: a folder, or an id on the hub.
            options: for transformers: ``revision``, ``trust_remote_code``.

        Raises:
            OSError, ValueError, ImportError: from transformers.
        """
        if not self.torchvision:
            return load_processor(path, options, wants_text=False)
        from transformers import AutoImageProcessor

        return AutoImageProcessor.from_pretrained(path, backend="torchvision", **options)


_SAM_1 = SamKind("sam", "SAM 1", ("sam",), "SamModel", False, "facebook/sam-vit-base")

KINDS: Registry[SamKind] = Registry(
    "kind of SAM",
    (
        _SAM_1,
        SamKind(
            "sam2",
            "SAM 2",
            ("sam2", "sam2_video"),  # the published checkpoints hold the video model as a whole
            "Sam2Model",
            True,
            "facebook/sam2.1-hiera-tiny",
        ),
        SamKind(
            "sam3",
            "SAM 3",
            ("sam3_tracker", "sam3_video"),  # its tracker is the part that boxes and points prompt
            "Sam3TrackerModel",
            True,
            "facebook/sam3",
        ),
    ),
)
"""The generations of SAM, first to last."""


def kind_of(model_type: str, name: str) -> SamKind:
    """The generation that a checkpoint belongs to.

    Args:
        model_type: in its configuration.
        name: of the model, for the message.

    Raises:
        UnsupportedError: no SAM, or a part that boxes do not prompt; lists those that are known.
    """
    for kind in KINDS:
        if model_type in kind.model_types:
            return kind
    known = "; ".join(
        f"{kind.title} ({', '.join(kind.model_types)}; such as {kind.example})" for kind in KINDS
    )
    raise UnsupportedError(
        f"{name} has the model type {model_type!r}, which refines no masks. Known: {known}."
    )


def kind_of_model(hf_model: Any, name: str) -> SamKind:
    """The generation of a loaded model, by its class: a configuration may name the whole of which
    the model is a part.

    Raises:
        UnsupportedError: another class, such as those for videos; lists those that are known.
    """
    bases = [base.__name__ for base in type(hf_model).__mro__]
    for kind in KINDS:
        if kind.model_class in bases:
            return kind
    raise UnsupportedError(
        f"{name} is a {type(hf_model).__name__}, which refines no masks. Known: "
        f"{', '.join(kind.model_class for kind in KINDS)}, of transformers."
    )
