"""What was done, word for word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from vlmscope.heads import DiscoveryOptions
from vlmscope.models import LoadedModel, Prompt
from vlmscope.post.options import PAPER
from vlmscope.refine import Refiner
from vlmscope.reproduce.localization_heads.conditions import conditions_of
from vlmscope.reproduce.localization_heads.images import ROWS
from vlmscope.reproduce.localization_heads.outcomes import ModelOutcome
from vlmscope.reproduce.localization_heads.scope import SAMPLES, SUBSET, Scope
from vlmscope.reproduce.localization_heads.splits import PaperSplit
from vlmscope.stats import LEVEL, RESAMPLES
from vlmscope.version import __version__

__all__ = ["protocol_of", "stated_of"]

_PHRASE = "EXPRESSION"


def stated_of(model: LoadedModel) -> dict[str, Any]:
    """What a report has to state of a model: JSON values."""
    return {
        "revision": model.revision,
        "family": model.family.id,
        "dtype": str(model.dtype).removeprefix("torch."),
        "device": str(model.device),
        "quantisation": model.card.quantisation,
        "max_side": model.max_side,
        "prompts": {
            each.preset: model.write(Prompt.of(_PHRASE), each.preset).text
            for each in conditions_of(model)
        },
        "placements": list(model.family.placements),
        "one pass for the sentences of an image": model.family.causal_image,
    }


def protocol_of(
    outcomes: Sequence[ModelOutcome],
    splits: Sequence[PaperSplit],
    scope: Scope,
    refiner: Refiner | None,
    rule: str,
) -> dict[str, Any]:
    """JSON values."""
    masks = "the method's own cells" if refiner is None else "SAM, prompted with the box"
    return {
        "models": {each.model: dict(each.stated) for each in outcomes},
        "data": {each.name: _of_split(each) for each in splits},
        "discovery": {
            "samples": f"{SAMPLES} sentences of the first train split that is there, none on an image "
            "of a scored split of RefCOCO, RefCOCO+ or RefCOCOg",
            "drawn": rule,
            "options": asdict(DiscoveryOptions(seed=scope.seed)),
        },
        "verification": f"{SUBSET} sentences of the first scored split, drawn likewise",
        "grounding": {"row": ROWS, "post": asdict(PAPER)},
        "masks": {
            "drawn by": masks,
            "sam": None if refiner is None else [refiner.name, refiner.revision],
        },
        "ablations": "on every image of the first scored split"
        if scope.full
        else f"on {SUBSET} images of the first scored split, drawn likewise",
        "scope": scope.to_dict(),
        "interval": f"{LEVEL:.0%} percentile bootstrap over images, {RESAMPLES} resamples, seed "
        f"{scope.seed}",
        "software": {
            "vlmscope": __version__,
            "torch": version("torch"),
            "transformers": version("transformers"),
        },
    }


def _of_split(split: PaperSplit) -> dict[str, Any]:
    if split.data is None:
        return {"missing": split.missing}
    return {"digest": split.data.digest, **split.data.protocol}
