"""``parts``: what a tower itself holds together in an image, without a phrase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from torch import Tensor

from vlmscope.data.images import ImageSource, OpenedImage, open_image
from vlmscope.errors import BadOptionError, UnsupportedError
from vlmscope.methods.encoder.depths import depth_of
from vlmscope.methods.encoder.proxies import alike
from vlmscope.methods.encoder.tower import original_tokens
from vlmscope.models import DualEncoder, FittedPatches, LoadedModel, PatchTower
from vlmscope.models.guard import check_model
from vlmscope.options import CheckedOptions, change_options, option
from vlmscope.post import competing_labels
from vlmscope.results import Segmentation

__all__ = ["PartFinder", "PartOptions", "grouped", "part_finder", "parts"]

_DEPTH = 0.75  # as in self-proxy
_MOST = 4096  # patches: each is compared with each other


@dataclass(frozen=True)
class PartOptions(CheckedOptions):
    """Options of the parts of an image."""

    parts: int = option(
        0, "how many parts; 0: as many as are told apart by beta", at_least=0, whole=True
    )
    beta: float = option(
        1.2,
        "two groups of patches are one part while the mean similarity between them is at least so "
        "many times the image's",
        at_least=0.0,
    )
    layer: int = option(
        0,
        "after how many blocks patches are compared with each other; 0: after three quarters of them, "
        "of a tower that knows no text behind its last norm",
        at_least=0,
        whole=True,
    )
    side: int = option(
        0, "side of the resized image in pixels; 0: the model's default", at_least=0, whole=True
    )
    keep_ratio: bool = option(
        True, "keep the aspect ratio (else the image is squashed to a square)"
    )


@dataclass(frozen=True, eq=False)
class PartFinder:
    """A tower with options: call it on one image after the other.

    Attributes:
        encoder: whose tower it is, or a tower that knows no text.
        options: how.
        cautions, notes, method_cautions: none; there are no texts to be cautious about.
    """

    encoder: DualEncoder | PatchTower = field(repr=False)
    options: PartOptions
    cautions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    method_cautions: tuple[str, ...] = ()

    def __call__(self, image: ImageSource | OpenedImage) -> Segmentation:
        """The parts of one image, the largest first.

        Raises:
            BadImageError: an image that cannot be read.
            BadOptionError: more patches than can be compared with each other, or fewer than parts.
        """
        encoder, options = self.encoder, self.options
        pixels = open_image(image).pixels
        fitted = encoder.fit(pixels, self._side, options.keep_ratio)
        rows, columns = fitted.grid
        if not options.parts <= rows * columns <= _MOST:
            raise BadOptionError(
                f"This image has {rows}x{columns} patches: parts need as many at least, and no more "
                f"than {_MOST} are compared with each other. Change side (--side) or parts."
            )
        cosines = alike(self._patches(fitted).float())[0].cpu().numpy()
        member = grouped(cosines, options.parts, options.beta)
        scores = cosines @ (member / member.sum(axis=0))
        labels = competing_labels(fitted.token_map, member, 1.0)
        return Segmentation(
            names=_names(member.shape[1]),
            method="parts",
            model=encoder.id,
            image=pixels,
            labels=labels.labels,
            score_maps=scores.T.reshape(-1, rows, columns).astype(np.float32),
            presence=(scores * member).sum(axis=0) / member.sum(axis=0),
            details={**self.header, "grid": [rows, columns], "side": self._side},
            warnings=fitted.token_map.picture_notes,
        )

    def _patches(self, fitted: FittedPatches) -> Tensor:
        """What is compared: (1, patches, dim)."""
        encoder, after = self.encoder, _depth(self.encoder, self.options)
        if isinstance(encoder, PatchTower):
            return encoder.patches(fitted.values, after)
        tokens = original_tokens(encoder, fitted.values, fitted.grid, after)
        return tokens[:, encoder.family.prefix_tokens :]

    @property
    def _side(self) -> int:
        encoder = self.encoder
        usual = encoder.card.side if isinstance(encoder, DualEncoder) else None
        return int(self.options.side or usual or encoder.native_side)

    @property
    def header(self) -> dict[str, Any]:
        """Everything that decides a result beside the image: JSON values."""
        encoder = self.encoder
        return {
            "model": encoder.id,
            "revision": encoder.revision,
            "dtype": str(encoder.dtype).removeprefix("torch."),
            "method": "parts",
            "options": asdict(self.options),
            "presence_is": "mean cosine similarity of the part's patches with each other",
        }

    def names(self, records: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
        """The names of a whole run: as many as its fullest image has parts."""
        return _names(max((len(each["classes"]) for each in records), default=0))


def parts(
    model: LoadedModel | DualEncoder | PatchTower,
    image: ImageSource | OpenedImage,
    **options: Any,
) -> Segmentation:
    """Masks of what the tower itself holds together: patches that are alike in a middle block.

    No text is involved. Patches are joined, the most alike first, by the mean similarity between
    groups (average linkage), so the same image always has the same parts.

    Args:
        model: a dual encoder (CLIP, SigLIP, BLIP, or a ViT classifier), or a tower that knows no text
            (DINO, DINOv2, DINOv3: :func:`vlmscope.load_tower`).
        image: path, bytes, PIL image or uint8 array (height, width, 3).
        **options: of :class:`PartOptions`.

    Returns:
        A Segmentation whose classes are ``part 1``, ``part 2`` ..., the largest first; its
        ``presence`` is the mean similarity within each part.

    Raises:
        BadImageError: an image that cannot be read.
        UnknownNameError: an option that does not exist.
        BadOptionError: a value out of range.
        UnsupportedError: a model without such a tower.
    """
    return part_finder(model, **options)(image)


def part_finder(model: LoadedModel | DualEncoder | PatchTower, **options: Any) -> PartFinder:
    """Check everything once, for many images. Arguments: :func:`parts`."""
    check_model(model)
    if not isinstance(model, DualEncoder | PatchTower):
        raise UnsupportedError(
            f"parts needs the image tower of a dual encoder such as CLIP, and {model.id} answers in "
            "words. Load the encoder, or take the tower inside the model: "
            "vs.vision_tower(model, text=CLIP), --text-tower CLIP."
        )
    settings = change_options(PartOptions(), options, "option of parts")
    _depth(model, settings)
    return PartFinder(model, settings)


def _depth(model: DualEncoder | PatchTower, options: PartOptions) -> int | None:
    """After how many blocks patches are compared; None: behind the last norm.

    Raises:
        BadOptionError: a block that the tower does not have.
    """
    if isinstance(model, DualEncoder):
        return depth_of("layer", options.layer, _DEPTH, len(model.blocks))
    return depth_of("layer", options.layer, _DEPTH, model.depth) if options.layer else None


def grouped(cosines: NDArray[np.floating], parts: int, beta: float) -> NDArray[np.float32]:
    """Which patch belongs to which part.

    Args:
        cosines: float (patches, patches).
        parts: how many; 0: as many as are told apart.
        beta: two groups are one while the mean cosine between them is at least so many times that of
            the image, both its patches' own included.

    Returns:
        Float32 (patches, parts) of 0 and 1, the largest part first, of parts of one size the one
        whose patch comes first.
    """
    count = len(cosines)
    if count == 1:
        return np.ones((1, 1), np.float32)
    distances = 1.0 - np.clip(cosines, -1.0, 1.0).astype(np.float64)
    tree = linkage(squareform(distances, checks=False), method="average")
    if parts:
        flat = fcluster(tree, parts, criterion="maxclust")
    else:
        flat = fcluster(tree, 1.0 - beta * float(cosines.mean()), criterion="distance")
    labels, first, sizes = np.unique(flat, return_index=True, return_counts=True)
    order = labels[np.lexsort((first, -sizes))]
    return (flat[:, None] == order[None, :]).astype(np.float32)


def _names(count: int) -> tuple[str, ...]:
    return tuple(f"part {number}" for number in range(1, count + 1))
