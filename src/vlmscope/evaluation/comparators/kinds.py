"""What is known of a kind of comparator before one is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.errors import ModelMismatchError, UnsupportedError
from vlmscope.evaluation.comparators.found import Found
from vlmscope.models.loading.processors import load_processor
from vlmscope.models.loading.torchvision import need_torchvision

__all__ = ["ComparatorKind", "Find"]

Find = Callable[[Any, Any, NDArray[np.uint8], str], Found]
"""(model and processor of transformers, uint8 (height, width, 3), phrase) -> what is found."""


@dataclass(frozen=True)
class ComparatorKind:
    """One kind of detector, in one way of asking it.

    Attributes:
        id: for ``--against`` and :func:`load`.
        title: as it is called.
        model_type: of the configurations that hold it.
        model_class: of transformers.
        processor_class: of transformers.
        example: a checkpoint on the hub that needs no code of its own.
        find: finds a phrase in an image; the model is in evaluation mode and has no gradients.
        draws: whether it gives masks.
        scored: whether its boxes have scores.
        other_types: of configurations that hold it as a part.
        torchvision: whether its images are prepared by torchvision alone.
        limits: what it cannot be asked for, for a report; "" where that is nothing.
    """

    id: str
    title: str
    model_type: str
    model_class: str
    processor_class: str
    example: str
    find: Find = field(repr=False)
    draws: bool = False
    scored: bool = True
    other_types: tuple[str, ...] = ()
    torchvision: bool = False
    limits: str = ""

    def check_installed(self, name: str) -> None:
        """Refuse a checkpoint whose images cannot be prepared here.

        Raises:
            UnsupportedError: torchvision is needed and not installed.
        """
        if self.torchvision:
            need_torchvision(
                f"{name} is {self.title}", "compare with a detector that works without it"
            )

    def load_processor(self, path: str, options: Mapping[str, Any]) -> Any:
        """The processor of a checkpoint, of the Pillow backend wherever there is one.

        Args:
            path: a folder, or an id on the hub.
            options: for transformers: ``revision``, ``trust_remote_code``.

        Raises:
            OSError, ValueError, ImportError: from transformers.
        """
        if not self.torchvision:
            return load_processor(path, options)
        import transformers

        # by its class: a checkpoint of the whole video model names that one's processor
        return getattr(transformers, self.processor_class).from_pretrained(path, **options)

    def check_type(self, model_type: str, name: str) -> None:
        """Refuse a checkpoint of something else.

        Raises:
            UnsupportedError: names what it is, what is needed, and an example.
        """
        if model_type not in (self.model_type, *self.other_types):
            raise UnsupportedError(
                f"{name} has the model type {model_type!r}, but the comparator {self.id!r} is "
                f"{self.title}, of type {self.model_type!r}, such as {self.example}."
            )

    def check_parts(self, hf_model: Any, processor: Any, name: str) -> None:
        """Refuse a model or a processor of another class.

        Raises:
            UnsupportedError: another model.
            ModelMismatchError: another processor.
        """
        if not _is(hf_model, self.model_class):
            raise UnsupportedError(
                f"{name} is a {type(hf_model).__name__}, but the comparator {self.id!r} is "
                f"{self.title}: a {self.model_class}, such as {self.example}."
            )
        if not _is(processor, self.processor_class):
            raise ModelMismatchError(
                f"{name} comes with a {type(processor).__name__}, but {self.title} is prepared by a "
                f"{self.processor_class}. Give the one that belongs to the checkpoint: "
                "AutoProcessor loads it."
            )


def _is(thing: Any, name: str) -> bool:
    # by name: importing the class would cost a second even where another comparator is asked for
    return any(base.__name__ == name for base in type(thing).__mro__)
