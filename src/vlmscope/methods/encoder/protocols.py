"""Protocols of open-vocabulary segmentation by name: every number that a score depends on beside weights.

The same weights and method score tens of points apart under two protocols, so a number is read with the
name of its protocol, and its report states each value. ``free`` fixes nothing.

``field``: what SCLIP and its followers share (SCLIP, ClearCLIP, NACLIP, SC-CLIP ...). ``gem``: what GEM
publishes (CVPR 2024); its threshold stands in the paper for PASCAL VOC, and is taken wherever the classes
have a background.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from vlmscope.errors import BadOptionError, UnknownNameError

__all__ = [
    "FREE",
    "PROTOCOLS",
    "PROTOCOL_SETS",
    "SegmentationProtocol",
    "background_of",
    "find_protocol",
]


@dataclass(frozen=True)
class SegmentationProtocol:
    """How an image is seen, what words become, and how a pixel gets its class.

    Attributes:
        id: explicit and unique.
        dataset: whose constants they are; ``""``: those that hold where none are published.
        side: of the resized image in pixels: its shorter side, or both where it is squashed.
        keep_ratio: whether the ratio is kept, to the pixel.
        window, stride: of sliding windows in pixels of the resized image, whose logits are averaged
            pixel by pixel; 0: the whole image at once.
        templates: id of a set of templates; each word is the mean over them.
        logit_scale: factor between cosine similarity and logits; None: the model's own.
        background: pixels whose best class is less probable become background, where the classes
            have one.
        least_area: classes with a smaller share of the pixels that are no background get none; None:
            no such rule.
        foreground_only: the background is no rival of the classes: its words are left out.
    """

    id: str
    dataset: str = ""
    side: int = 0
    keep_ratio: bool = True
    window: int = 0
    stride: int = 0
    templates: str = "photo"
    logit_scale: float | None = None
    background: float | None = None
    least_area: float | None = None
    foreground_only: bool = False

    @property
    def fixed(self) -> bool:
        """Whether it fixes anything."""
        return self.id != "free"

    @property
    def options(self) -> dict[str, Any]:
        """What it says of a dense method's options."""
        if not self.fixed:
            return {}
        names = ("side", "keep_ratio", "window", "stride", "templates")
        own = {name: getattr(self, name) for name in names}
        return {**own, "smoothing": "none", "discount": 0.0}

    @property
    def defaults(self) -> dict[str, Any]:
        """Options that it leaves to whoever asks, and what they are where nobody does.

        Refinement by colours comes after windows and before the softmax; the field publishes figures
        with it and without.
        """
        return {"refine_pixels": 0} if self.fixed else {}

    @property
    def definition(self) -> str:
        """How a pixel gets its class, in a sentence for reports."""
        rivals = " but the background's" if self.foreground_only else ""
        area = (
            f"; classes with less than {self.least_area:g} of the pixels that are no background are "
            "set to 0 before it"
            if self.least_area is not None
            else ""
        )
        return (
            f"protocol {self.name}: logits are painted bilinear on the original image, a softmax goes "
            f"over all words of all classes{rivals}, a class has the probability of its best word, and "
            f"the most probable class takes the pixel{area}; where the classes have a background, "
            f"pixels whose best class is below {self.background:g} are background"
        )

    @property
    def name(self) -> str:
        """As :func:`find_protocol` takes it."""
        return f"{self.id}@{self.dataset}" if self.dataset else self.id

    def to_dict(self) -> dict[str, Any]:
        """Every number, as JSON values."""
        return asdict(self) if self.fixed else {"id": self.id}

    def check(self, given: Mapping[str, Any]) -> None:
        """Raise BadOptionError where an option that was given contradicts what is fixed.

        Args:
            given: values by option, without those that nobody gave.
        """
        if not self.fixed:
            return
        own = {
            **self.options,
            "logit_scale": self.logit_scale,
            "background": self.background,
            "compete": True,
            "least_presence": None,
            "least_score": None,
        }
        for name, value in given.items():
            if name in own and value != own[name]:
                meant = "leaves it out" if own[name] is None else f"sets it to {own[name]}"
                raise BadOptionError(
                    f"The option {name} ({value}) contradicts the protocol {self.name}, which {meant}. "
                    "Leave the one or the other out; protocol=free fixes nothing."
                )


FREE = SegmentationProtocol("free")

PROTOCOLS: Mapping[str, SegmentationProtocol] = {
    "gem": SegmentationProtocol(
        "gem", side=448, keep_ratio=False, background=0.85, foreground_only=True
    ),
    "field": SegmentationProtocol(
        "field",
        side=336,
        window=224,
        stride=112,
        templates="imagenet",
        logit_scale=40.0,
        background=0.1,
    ),
    "free": FREE,
}

PROTOCOL_SETS: Mapping[str, Mapping[str, Any]] = {
    "voc21": {"logit_scale": 65.0, "least_area": 0.1},
    "voc20": {},
    "context60": {"logit_scale": 50.0},
    "context59": {},
    "ade20k": {"side": 448},
    "coco-stuff": {"side": 448},
    "coco-object": {"logit_scale": 50.0},
    "cityscapes": {"side": 560},
}
"""Data set -> what the field's protocol sets otherwise there."""


def find_protocol(name: str, dataset: str | None = None) -> SegmentationProtocol:
    """A protocol by its name.

    Args:
        name: ``gem``, ``field`` or ``free``; ``field@voc21``: with the constants of a data set.
        dataset: the data set that is measured on, where there is one; sets without constants of
            their own take the protocol as it is.

    Raises:
        UnknownNameError: another protocol, or constants of a data set that has none.
        BadOptionError: constants of another data set than the one measured on.
    """
    id, at, constants = name.partition("@")
    if id not in PROTOCOLS:
        raise UnknownNameError("protocol", id, PROTOCOLS)
    if at and (id != "field" or constants not in PROTOCOL_SETS):
        known = [f"field@{each}" for each in PROTOCOL_SETS]
        raise UnknownNameError("protocol", name, [*PROTOCOLS, *known])
    if at and dataset is not None and constants != dataset:
        raise BadOptionError(
            f"The protocol {name} has the constants of {constants}, and {dataset} is measured on. Give "
            f"protocol={id}: it takes those of the data set."
        )
    chosen = constants or dataset or ""
    if id != "field" or chosen not in PROTOCOL_SETS:
        return PROTOCOLS[id]
    return replace(PROTOCOLS[id], dataset=chosen, **PROTOCOL_SETS[chosen])


def background_of(names: tuple[str, ...], background: str = "background") -> int | None:
    """The index of the class that is the background; None: there is none.

    Args:
        names: of the classes.
        background: what it is called; ``""``: there is none.
    """
    return names.index(background) if background and background in names else None
