"""Options that every dense method shares: size of the image, text, and what a phrase is told from."""

from __future__ import annotations

from dataclasses import dataclass

from vlmscope.options import option, option_like
from vlmscope.post import PostOptions

__all__ = ["PIXEL_OPTIONS", "TEMPLATE_SETS", "DenseOptions"]

PIXEL_OPTIONS = ("discount", "refine_pixels", "refine_side")
"""Options that mean something only where classes are compared pixel by pixel."""

TEMPLATE_SETS = ("none", "photo", "imagenet")


@dataclass(frozen=True)
class DenseOptions(PostOptions):
    """Image size and text of a dense method; the rest is post-processing.

    Raises:
        UnknownNameError: a word that is none of the choices.
        BadOptionError: a number out of range.
    """

    smoothing: str = option_like(PostOptions, "smoothing", "none")
    threshold: str = option_like(PostOptions, "threshold", "otsu")
    keep: str = option_like(PostOptions, "keep", "peak")
    surface: str = option_like(PostOptions, "surface", "pixels")
    split: str = option_like(PostOptions, "split", "components")
    further: float = option_like(PostOptions, "further", 0.7)
    side: int = option(
        0, "side of the resized image in pixels; 0: the model's default", at_least=0, whole=True
    )
    keep_ratio: bool = option(
        True, "keep the aspect ratio (else the image is squashed to a square)"
    )
    window: int = option(
        0,
        "side of sliding windows in pixels of the resized image, for large images; 0: none",
        at_least=0,
        whole=True,
    )
    stride: int = option(
        0, "step between windows in pixels; 0: half a window", at_least=0, whole=True
    )
    templates: str = option(
        "photo",
        "what a phrase is put into: nothing, 'a photo of a ...', or the average over "
        "ImageNet's 80 templates; classifiers take labels as they are",
        choices=TEMPLATE_SETS,
    )
    compete: bool = option(
        False,
        "phrases compete: each pixel's scores are a softmax over the phrases (needs two or more)",
    )
    discount: float = option(
        0.0,
        "share of each class's mean over the image that is taken off its scores where classes are "
        "compared, so that what fits a little everywhere does not flood the image",
        at_least=0.0,
        at_most=1.0,
    )
    refine_pixels: int = option(
        0,
        "how often each pixel's scores become the mean of those around it that have its colours, "
        "where classes are compared; 0: never, 10: as published",
        at_least=0,
        whole=True,
    )
    refine_side: int = option(
        336, "longer side of the image in pixels for that, at most", at_least=16, whole=True
    )
