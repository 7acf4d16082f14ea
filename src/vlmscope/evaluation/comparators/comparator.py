"""A detector that is loaded, ready to be compared with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from vlmscope.data.images import ImageSource, OpenedImage, open_image
from vlmscope.evaluation.comparators.catalogue import COMPARATORS
from vlmscope.evaluation.comparators.found import Found
from vlmscope.evaluation.comparators.kinds import ComparatorKind
from vlmscope.models import Prompt
from vlmscope.models.guard import frozen
from vlmscope.models.loading.identity import revision_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Comparator", "Detector", "wrap"]


class Comparator(Protocol):
    """Anything whose boxes can stand beside those of a grounding method.

    Attributes:
        id: of its kind, for example ``grounding-dino``.
        name: hub id or folder.
        revision: commit on the hub, digest of the folder, or None.
        draws: whether it gives masks.
        scored: whether its boxes have scores.
        dtype: of its weights, for records.
        limits: what it cannot be asked for, for a report; "" where that is nothing.
    """

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def revision(self) -> str | None: ...
    @property
    def draws(self) -> bool: ...
    @property
    def scored(self) -> bool: ...
    @property
    def dtype(self) -> str: ...
    @property
    def limits(self) -> str: ...

    def find(self, image: ImageSource | OpenedImage, phrase: str) -> Found:
        """Find one phrase in one image."""
        ...


@dataclass(frozen=True, eq=False)
class Detector:
    """A comparator of transformers; :func:`load` and :func:`wrap` make one. It keeps no state.

    Attributes:
        kind: what it is and how it is asked.
        name: hub id, folder, or what it was wrapped as.
        revision: commit on the hub, digest of the folder, or None.
        hf: the model of transformers.
        processor: its processor.
    """

    kind: ComparatorKind
    name: str
    revision: str | None
    hf: Any = field(repr=False)
    processor: Any = field(repr=False)

    @property
    def id(self) -> str:
        """Of its kind."""
        return self.kind.id

    @property
    def draws(self) -> bool:
        """Whether it gives masks."""
        return self.kind.draws

    @property
    def scored(self) -> bool:
        """Whether its boxes have scores."""
        return self.kind.scored

    @property
    def limits(self) -> str:
        """What it cannot be asked for."""
        return self.kind.limits

    @property
    def dtype(self) -> str:
        """Of its weights, such as ``float32``."""
        return str(self.hf.dtype).removeprefix("torch.")

    def find(self, image: ImageSource | OpenedImage, phrase: str) -> Found:
        """Find one phrase in one image.

        Args:
            image: path, bytes, PIL image or uint8 array (height, width, 3).
            phrase: what to look for.

        Returns:
            Its boxes, best first, on pixels of the original image.

        Raises:
            BadImageError: no image, or one too narrow for the model's processor.
            BadPhraseError: no text, an empty one, or one that the model cannot be given.
            UnsupportedError: the model computes no numbers, as in too narrow a dtype.
        """
        text = Prompt(phrase).text  # the same refusals as for every method
        pixels = open_image(image).pixels
        with frozen(self.hf):
            return self.kind.find(self.hf, self.processor, pixels, text)


def wrap(
    id: str,
    hf_model: PreTrainedModel,
    processor: Any,
    *,
    name: str | None = None,
    revision: str | None = None,
) -> Detector:
    """Wrap a detector and its processor that the user already holds; neither is changed.

    Args:
        id: of the comparator, for example ``"grounding-dino"``.
        hf_model: the model of transformers, anywhere, in any dtype.
        processor: its processor.
        name: for records; default: what the model says of itself.
        revision: for records; default: as for :func:`vlmscope.from_pretrained_model`.

    Raises:
        UnknownNameError: no such comparator.
        UnsupportedError: a model of another class.
        ModelMismatchError: a processor of another class.
    """
    kind = COMPARATORS.get(id)
    config = getattr(hf_model, "config", None)
    title = name or getattr(config, "_name_or_path", "") or type(hf_model).__name__
    kind.check_parts(hf_model, processor, title)
    return Detector(kind, title, revision or revision_of(hf_model), hf_model, processor)
