"""How attention becomes a region, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

from vlmscope.errors import BadOptionError, UnknownNameError
from vlmscope.options import CheckedOptions, change_options, option

__all__ = [
    "KEEPS",
    "PAPER",
    "PAPER_SEEN",
    "POST_PRESETS",
    "SMOOTHINGS",
    "SPLITS",
    "SURFACES",
    "THRESHOLDS",
    "PostOptions",
    "post_fields",
    "with_post",
]

SMOOTHINGS = ("relative", "absolute", "none")
THRESHOLDS = ("mean", "mean-all", "otsu", "max-share")
KEEPS = ("hull", "area", "mass", "peak")
SURFACES = ("grid", "pixels")
SPLITS = ("heights", "components", "basins")


@dataclass(frozen=True)
class PostOptions(CheckedOptions):
    """Smoothing, threshold, component and box (docs/methods/localization-heads.md, Grounding).

    The defaults are the paper's on its 24x24 cells of a square image, and keep their meaning on other
    grids and where a border is added to the picture. The fields say what they take.

    Raises:
        UnknownNameError: a word that is none of the choices.
        BadOptionError: a number out of range.
    """

    panel: ClassVar[str] = "Post-processing"

    smoothing: str = option(
        "relative",
        "whether sigma is for a 24x24 grid and scales with the grid (relative), counts "
        "cells as in the paper (absolute), or maps stay as they are (none)",
        choices=SMOOTHINGS,
    )
    sigma: float = option(1.0, "standard deviation of the Gaussian, in cells", at_least=0.0)
    kernel: int = option(
        7,
        "width of the Gaussian's window in cells; scales with sigma",
        at_least=1,
        whole=True,
        odd=True,
    )
    threshold: str = option(
        "mean",
        "what counts as lit: above the mean of what shows the picture (mean), above the mean of "
        "all cells, padding included (mean-all, published), above Otsu's threshold, or at least a "
        "share of the maximum (max-share)",
        choices=THRESHOLDS,
    )
    share: float = option(0.4, "share of the maximum, for max-share", at_least=0.0, at_most=1.0)
    keep: str = option(
        "hull",
        "which lit component is the object: largest convex hull (published), largest "
        "area, most attention (mass), or the one that holds the maximum (peak)",
        choices=KEEPS,
    )
    surface: str = option(
        "grid",
        "threshold the token grid and give the outline of its cells (published), or "
        "the map painted smoothly on pixels, whose box is finer than a cell",
        choices=SURFACES,
    )
    split: str = option(
        "heights",
        "how far further objects of the phrase reach: to a share of their own peak's height (heights), "
        "as far as they are lit (components), or that but no farther than the dip to the next peak "
        "(basins)",
        choices=SPLITS,
    )
    further: float = option(
        0.2,
        "how high a further object's peak is at least, as a share of the first's, both above the "
        "lowest place of the map",
        at_least=0.0,
        at_most=1.0,
    )
    rim: float = option(
        0.5,
        "share of its peak's height that a further object reaches down to, for heights",
        at_least=0.0,
        at_most=1.0,
    )


PAPER = PostOptions(smoothing="absolute", threshold="mean-all")
"""The published setting (docs/methods/localization-heads.md, Grounding): sigma 1.0 cells and a window of 7
whatever the grid, above the mean of all cells, largest hull, outline of cells. It was made for 24x24
cells of a square image."""

PAPER_SEEN = PostOptions(smoothing="absolute")
"""The published setting but for the mean, which is of the cells that show a part of the picture: padding
around it, which attracts little attention, lowers no threshold."""

_PRESETS = {"paper": PAPER, "paper-seen": PAPER_SEEN, "default": PostOptions()}
POST_PRESETS: Mapping[str, PostOptions] = MappingProxyType(_PRESETS)
"""Settings by name."""

Options = TypeVar("Options", bound=PostOptions)


def with_post(options: Options, card: Mapping[str, Any], post: PostOptions | str | None) -> Options:
    """Options whose post-processing is a whole setting: the model's, or one that was chosen.

    Args:
        options: an instance of the options of a method.
        card: what the model's card says of its post-processing, by field.
        post: a setting or its name in :data:`POST_PRESETS`; None: the model's.

    Raises:
        UnknownNameError, BadOptionError: as :func:`post_fields`.
    """
    return change_options(options, card if post is None else post_fields(post))


def post_fields(post: PostOptions | str) -> dict[str, Any]:
    """The fields of a whole setting of the post-processing.

    Args:
        post: a setting or its name in :data:`POST_PRESETS`.

    Raises:
        UnknownNameError: no such name.
        BadOptionError: anything else.
    """
    if isinstance(post, str):
        if post not in POST_PRESETS:
            raise UnknownNameError("post-processing", post, POST_PRESETS)
        post = POST_PRESETS[post]
    if not isinstance(post, PostOptions):
        raise BadOptionError(
            f"post is one of {', '.join(POST_PRESETS)} or a PostOptions, got {type(post).__name__}."
        )
    return asdict(post)
