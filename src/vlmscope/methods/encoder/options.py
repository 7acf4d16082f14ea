"""Options that every dense method shares: size of the image, text, and what a phrase is told from."""

from __future__ import annotations

from dataclasses import dataclass, field

from vlmscope.post import PostOptions

__all__ = ["TEMPLATE_SETS", "DenseOptions"]

TEMPLATE_SETS = ("none", "photo", "imagenet")


@dataclass(frozen=True)
class DenseOptions(PostOptions):
    """Image size and text of a dense method; the rest is post-processing.

    Raises:
        UnknownNameError: a word that is none of the choices.
        BadOptionError: a number out of range.
    """

    smoothing: str = field(
        default="none",
        metadata=dict(PostOptions.__dataclass_fields__["smoothing"].metadata),
    )
    threshold: str = field(
        default="otsu",
        metadata=dict(PostOptions.__dataclass_fields__["threshold"].metadata),
    )
    keep: str = field(
        default="peak",
        metadata=dict(PostOptions.__dataclass_fields__["keep"].metadata),
    )
    surface: str = field(
        default="pixels",
        metadata=dict(PostOptions.__dataclass_fields__["surface"].metadata),
    )
    side: int = field(
        default=0,
        metadata={
            "at_least": 0,
            "whole": True,
            "help": "side of the resized image in pixels; 0: the model's default",
        },
    )
    keep_ratio: bool = field(
        default=True,
        metadata={"help": "keep the aspect ratio (else the image is squashed to a square)"},
    )
    window: int = field(
        default=0,
        metadata={
            "at_least": 0,
            "whole": True,
            "help": "side of sliding windows in pixels of the resized image, for large images; 0: none",
        },
    )
    stride: int = field(
        default=0,
        metadata={
            "at_least": 0,
            "whole": True,
            "help": "step between windows in pixels; 0: half a window",
        },
    )
    templates: str = field(
        default="photo",
        metadata={
            "choices": TEMPLATE_SETS,
            "help": "what a phrase is put into: nothing, 'a photo of a ...', or the average over "
            "ImageNet's 80 templates; classifiers take labels as they are",
        },
    )
    compete: bool = field(
        default=False,
        metadata={
            "help": "phrases compete: each pixel's scores are a softmax over the phrases "
            "(needs two or more)"
        },
    )
