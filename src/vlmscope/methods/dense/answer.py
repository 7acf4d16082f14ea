"""From dense tokens and phrases to Groundings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.errors import BadOptionError
from vlmscope.methods.dense.templates import phrase_embeddings
from vlmscope.models import DualEncoder, Prompt
from vlmscope.post import find_region, heat_map, peak, score_map, smooth
from vlmscope.types import Grounding, TokenMap

if TYPE_CHECKING:
    from vlmscope.methods.dense.engine import DenseMethod

__all__ = ["DenseAnswer", "answer", "similarity"]


@dataclass(frozen=True, eq=False)
class DenseAnswer:
    """A method on a model under options."""

    method: DenseMethod
    encoder: DualEncoder
    options: Any

    @property
    def side(self) -> int:
        """Side of the resized image in pixels."""
        return int(self.options.side or self.encoder.card.side or self.encoder.native_side)


def similarity(
    how: DenseAnswer, pixels: NDArray[np.uint8], phrases: Sequence[str]
) -> tuple[Tensor, TokenMap]:
    """Cosine similarity of every patch with every phrase.

    Args:
        how: method, model and options.
        pixels: uint8 (height, width, 3).
        phrases: names or expressions.

    Returns:
        float32 (patches, phrases) on the CPU, raw and comparable, and the geometry of the patches.
    """
    from vlmscope.methods.dense.engine import dense_tokens

    fitted = how.encoder.fit(pixels, how.side, how.options.keep_ratio)
    text = phrase_embeddings(how.encoder, phrases, how.options.templates)
    tokens = dense_tokens(how.encoder, fitted.values, fitted.grid, how.method, how.options)
    cosine = F.normalize(tokens.patches, dim=-1) @ text.T
    refined = how.method.refine(cosine, how.options)
    return refined[0].float().cpu(), fitted.token_map


def answer(
    how: DenseAnswer, pixels: NDArray[np.uint8], phrases: Sequence[Prompt]
) -> list[Grounding]:
    """Ground every phrase in one image."""
    names = [prompt.text.strip() for prompt in phrases]
    raw, token_map = similarity(how, pixels, names)
    shown = raw
    if how.options.compete:
        if len(set(names)) < 2:
            raise BadOptionError(
                "With compete=True phrases are told from each other, so two different ones are "
                f"needed; got {names}. Add another phrase or leave compete out."
            )
        shown = (raw * how.encoder.family.logit_scale(how.encoder.hf)).softmax(dim=-1)
    return [
        _grounding(how, pixels, name, raw[:, i].numpy(), shown[:, i].numpy(), token_map)
        for i, name in enumerate(names)
    ]


def _grounding(
    how: DenseAnswer,
    pixels: NDArray[np.uint8],
    name: str,
    raw: NDArray[np.float32],
    shown: NDArray[np.float32],
    token_map: TokenMap,
) -> Grounding:
    smoothed = smooth(token_map, shown, how.options)
    region = find_region(token_map, smoothed, how.options)
    return Grounding(
        phrase=name,
        method=how.method.id,
        model=how.encoder.id,
        image=pixels,
        heatmap=heat_map(token_map, smoothed),
        score_map=score_map(token_map, raw),
        mask=region.mask,
        box=region.box,
        point=peak(token_map, smoothed) if region.box is not None else None,
        score=float(raw.max()),
        seen=token_map.seen,
        details=_details(how, token_map),
    )


def _details(how: DenseAnswer, token_map: TokenMap) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "options": asdict(how.options),
        "grid": list(token_map.views[0].grid),
        "side": how.side,
        "score": "largest cosine similarity of a patch with the phrase",
        "revision": how.encoder.revision,
        "notes": list(how.encoder.family.notes),
    }
