"""TS-CAM (Gao et al., ICCV 2021): the class token's attention times the maps of a trained head.

The head is trained, so the method runs on TS-CAM's own checkpoints alone. ``cls-attention`` is the same
coupling without such a head.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.methods.base import GroundRequest
from vlmscope.models import DualEncoder, FittedPatches, LoadedModel, Prompt
from vlmscope.models.encoders.ts_cam import TsCamFamily
from vlmscope.models.encoders.vit import label_rows
from vlmscope.options import option, option_like
from vlmscope.post import PostOptions, locate
from vlmscope.results import Grounding

__all__ = ["TsCam", "TsCamOptions", "coupled"]


@dataclass(frozen=True)
class TsCamOptions(PostOptions):
    """Options of TS-CAM; the box is its authors': the largest part above a tenth of the map's range."""

    smoothing: str = option_like(PostOptions, "smoothing", "none")
    threshold: str = option_like(PostOptions, "threshold", "max-share")
    share: float = option_like(PostOptions, "share", 0.1)
    keep: str = option_like(PostOptions, "keep", "area")
    surface: str = option_like(PostOptions, "surface", "pixels")
    split: str = option_like(PostOptions, "split", "components")
    further: float = option_like(PostOptions, "further", 0.7)
    side: int = option(
        0, "side of the resized image in pixels; 0: the model's default", at_least=0, whole=True
    )
    keep_ratio: bool = option(
        False, "keep the aspect ratio (else the image is squashed to a square, as published)"
    )


class TsCam:
    """Sum over blocks of the class token's mean attention, times the map of the class.

    Attributes:
        id, summary, options, takes: as for :class:`~vlmscope.methods.base.Method`.
    """

    id = "ts-cam"
    summary = "on a TS-CAM checkpoint: the class token's attention times its trained head's maps"
    options = TsCamOptions
    takes: frozenset[str] = frozenset()

    def accepts(self, model: Any) -> bool:
        """TS-CAM's own checkpoints alone."""
        return isinstance(model, DualEncoder) and not self.unfit(model)

    def unfit(self, encoder: DualEncoder) -> str:
        """Why it does not run on an encoder, a sentence; empty where it runs."""
        if isinstance(encoder.family, TsCamFamily):
            return ""
        return (
            f"ts-cam reads a head that was trained with it, and {encoder.id} (family "
            f"{encoder.family.id!r}) has none. Load a TS-CAM checkpoint, vlmscope.load_ts_cam(FILE), or use "
            "cls-attention, which couples attention with similarity."
        )

    def ground(
        self,
        model: LoadedModel | DualEncoder,
        pixels: NDArray[np.uint8],
        phrases: Sequence[Prompt],
        request: GroundRequest,
    ) -> list[Grounding]:
        """Ground every phrase in one image: one pass for all of them.

        Raises:
            UnknownNameError: a phrase that is no label; lists the nearest.
        """
        return self.prepare(model, phrases, request)(pixels)

    def prepare(
        self,
        model: LoadedModel | DualEncoder,
        phrases: Sequence[Prompt],
        request: GroundRequest,
    ) -> Callable[[NDArray[np.uint8]], list[Grounding]]:
        """Look the phrases up once, for images one after the other. Raises as :meth:`ground`."""
        assert isinstance(model, DualEncoder)  # `accepts` said so
        names = [prompt.text.strip() for prompt in phrases]
        rows = label_rows(model.hf.config.id2label, names)
        options = request.options

        def ground(pixels: NDArray[np.uint8]) -> list[Grounding]:
            fitted = model.fit(pixels, options.side or None, options.keep_ratio)
            maps, logits = coupled(model, fitted)
            chances = logits.softmax(dim=0)
            return [
                _grounding(
                    model, options, fitted, pixels, name, row, maps[row], float(chances[row])
                )
                for name, row in zip(names, rows, strict=True)
            ]

        return ground


def coupled(encoder: DualEncoder, fitted: FittedPatches) -> tuple[Tensor, Tensor]:
    """Every class's map in one image.

    Args:
        encoder: a TS-CAM.
        fitted: the image on its grid.

    Returns:
        float32 (classes, patches), the attention of the class token, averaged over heads and summed over
        blocks, times the head's map; and float32 (classes,), the classifier's logits.
    """
    family = encoder.family
    assert isinstance(family, TsCamFamily)  # `accepts` said so
    with encoder.frozen():
        x = family.embed(encoder.hf, fitted.values.to(encoder.device, encoder.dtype), fitted.grid)
        attention: Any = 0.0
        for block in encoder.blocks:
            qkv = block.project(block.norm1(x))
            logits = qkv.q[:, :, :1] @ qkv.k.transpose(-1, -2) * block.scale
            attention = attention + logits.softmax(dim=-1).mean(dim=1)[:, 0, family.prefix_tokens :]
            x = block.forward(x, qkv)
        maps = family.semantic_maps(encoder.hf, x, fitted.grid)[0].flatten(1)
    return (maps * attention).float().cpu(), maps.mean(dim=1).float().cpu()


def _grounding(
    encoder: DualEncoder,
    options: TsCamOptions,
    fitted: FittedPatches,
    pixels: NDArray[np.uint8],
    name: str,
    row: int,
    map_: Tensor,
    chance: float,
) -> Grounding:
    raw = map_.numpy()
    low, high = float(raw.min()), float(raw.max())
    # as published: a share of the range, and values below 0 are not lit by a share of the maximum
    shown = (raw - low) / (high - low) if high > low else np.zeros_like(raw)
    return Grounding.of(
        locate(fitted.token_map, shown, options),
        phrase=name,
        method=TsCam.id,
        model=encoder.id,
        image=pixels,
        score=high,
        scores=raw,
        details={
            "options": asdict(options),
            "grid": list(fitted.grid),
            "side": options.side or encoder.native_side,
            "revision": encoder.revision,
            "notes": list(encoder.family.notes),
            "label": {"row": row, "name": encoder.hf.config.id2label[row]},
            "score": "largest product of the class's map and the class token's attention",
            "presence": chance,
            "presence_is": "probability of the class, by the model's own softmax over all of its classes",
        },
    )
