"""What the paper claims: its tables, and its ablations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from vlmscope.evaluation.comparators.published import Published, published
from vlmscope.reproduce.claims import Claim
from vlmscope.reproduce.localization_heads.splits import TABLE
from vlmscope.reproduce.localization_heads.variants import MAIN

__all__ = ["PAPER", "PAPER_MODELS", "REFERENCE", "PaperClaim", "claims_of"]

PAPER = (
    "Kang et al., Your Large Vision-Language Model Only Needs A Few Attention Heads For Visual "
    "Grounding, CVPR 2025 (arXiv 2503.06287)"
)
_ARXIV = "2503.06287"
_SHORT = f"Kang et al., CVPR 2025, arXiv {_ARXIV}"
_METHOD = "localization heads, "

PAPER_MODELS = {
    "DeepSeek-VL-1.3B": "deepseek-community/deepseek-vl-1.3b-chat",
    "Mini-Gemini-2B": "Mini-Gemini-2B",
    "InternVL-6B": "InternVL-6B",
    "Yi-VL-6B": "01-ai/Yi-VL-6B",
    "DeepSeek-VL-7B": "deepseek-community/deepseek-vl-7b-chat",
    "ShareGPT4V-7B": "Lin-Chen/ShareGPT4V-7B",
    "LLaVA-7B": "LLaVA-7B",
    "LLaVA-1.5-7B": "llava-hf/llava-1.5-7b-hf",
    "LLaVA-13B": "LLaVA-13B",
    "LLaVA-1.5-13B": "llava-hf/llava-1.5-13b-hf",
}
"""The ten models, as the paper names them -> id on the hub; those that no family reads keep their name."""

REFERENCE = "LLaVA-1.5-7B"
"""Whose claims stand beside a model that the paper does not know."""

_ABLATED = "LLaVA-1.5-13B"
_SPLIT = "refcoco val"
_METRICS = ("Acc@0.5", "RES oIoU", "ReasonSeg cIoU")
_HOW = {
    "Acc@0.5": "share of sentences whose box has an IoU of 0.5 or more",
    "RES oIoU": "sum of intersections over sum of unions of the masks that SAM draws for the boxes",
    "ReasonSeg cIoU": "the same, ignored pixels left out",
}
_DIFFERENCE = "bootstrap over images of the difference, both on the same images"


@dataclass(frozen=True)
class PaperClaim:
    """A claim with where its measurement is found.

    Attributes:
        claim: of the paper.
        kind: ``score``: of a variant; ``mean``: over models; ``gain``: of the paper's setting over the
            variant in accuracy; ``rank``: the correlation of a head's rank with its own IoU.
        variant: id, see :mod:`variants`.
        metric: of the sums, see :data:`sums.SCORES`.
        sam: whether the masks have to be drawn by SAM.
    """

    claim: Claim
    kind: str = "score"
    variant: str = MAIN
    metric: str = "Acc@0.5"
    sam: bool = False


def claims_of(models: Sequence[str]) -> list[PaperClaim]:
    """The claims that stand beside some models: each one's own tables, then the ablations.

    Args:
        models: ids; one that the paper does not know stands beside :data:`REFERENCE`.
    """
    names = {hub: name for name, hub in PAPER_MODELS.items()}
    known = list(dict.fromkeys(names.get(model, REFERENCE) for model in models))
    return [*(each for name in known for each in _table(name)), *_ablations(known)]


def _table(name: str) -> list[PaperClaim]:
    figures = [
        each
        for dataset, splits in TABLE.items()
        for split in splits
        for metric in _METRICS
        for each in published(dataset, split, metric)
        if each.source.arxiv == _ARXIV and each.method == f"{_METHOD}{name}"
    ]
    return [_of_figure(name, each) for each in figures]


def _of_figure(name: str, figure: Published) -> PaperClaim:
    dataset = f"{figure.dataset} {figure.split}"
    key = "-".join([figure.metric, figure.dataset, figure.split, name]).replace(" ", "-").lower()
    value = round(figure.value, 6)  # .681, not .6809999
    claim = Claim(
        id=key,
        sentence=f"{name}, {dataset}: {figure.metric}",
        source=f"{_SHORT}, {figure.source.table}",
        low=value,
        high=value,
        unit="%",
        measured_by=_HOW[figure.metric],
        models=(PAPER_MODELS[name],),
        dataset=dataset,
    )
    metric = "Acc@0.5" if figure.metric == "Acc@0.5" else "RES oIoU"
    return PaperClaim(claim, metric=metric, sam=metric == "RES oIoU")


def _ablations(known: Sequence[str]) -> list[PaperClaim]:
    ablated = [
        *_criteria("both", "both criteria", MAIN, (0.872, 0.761), "higher"),
        *_criteria("sum", "the attention sum alone", "sum", (0.239, 0.193), "lower"),
        *_criteria("entropy", "spatial entropy alone", "entropy", (0.313, 0.257), "lower"),
    ]
    means = [
        _mean("k1", "one head", "k1", 0.645),
        _mean("k3", "three heads", MAIN, 0.671),
        _mean("k5", "five heads", "k5", 0.589),
    ]
    gains = [
        each
        for name in known
        for each in (
            _gain(name, "unsmoothed", "smoothing the maps helps"),
            _gain(name, "greedy", "heads chosen anew for each phrase are worse than fixed ones"),
            _rank(name),
        )
    ]
    return [*ablated, *means, *gains]


def _criteria(
    key: str, words: str, variant: str, values: tuple[float, float], direction: str
) -> list[PaperClaim]:
    """REC and RES of the model whose criteria the paper takes apart."""
    made = []
    for metric, value in zip(("Acc@0.5", "RES oIoU"), values, strict=True):
        claim = Claim(
            id=f"criteria-{key}-{'rec' if metric == 'Acc@0.5' else 'res'}",
            sentence=f"{_ABLATED}, {_SPLIT}, {words}: {metric}",
            source=f"{_SHORT}, ablation of the criteria",
            low=value,
            high=value,
            unit="%",
            measured_by=_HOW[metric],
            models=(PAPER_MODELS[_ABLATED],),
            dataset=_SPLIT,
            direction=direction,
        )
        made.append(PaperClaim(claim, "score", variant, metric, metric == "RES oIoU"))
    return made


def _mean(key: str, words: str, variant: str, value: float) -> PaperClaim:
    claim = Claim(
        id=f"mean-{key}",
        sentence=f"Mean of ten models, {_SPLIT}, {words}: RES oIoU",
        source=f"{_SHORT}, ablation of the number of heads",
        low=value,
        high=value,
        unit="%",
        measured_by=f"mean over the models of: {_HOW['RES oIoU']}",
        models=tuple(PAPER_MODELS.values()),
        dataset=_SPLIT,
        direction="higher" if variant == MAIN else "either",
    )
    return PaperClaim(claim, "mean", variant, "RES oIoU", sam=True)


def _gain(name: str, variant: str, words: str) -> PaperClaim:
    claim = Claim(
        id=f"gain-{variant}-{name}".lower(),
        sentence=f"{name}, {_SPLIT}: {words}",
        source=f"{_SHORT}, ablations; claimed in words",
        low=0.0,
        high=math.inf,
        unit="%",
        measured_by=f"Acc@0.5 of the paper's setting minus that of the other; {_DIFFERENCE}",
        models=(PAPER_MODELS[name],),
        dataset=_SPLIT,
    )
    return PaperClaim(claim, "gain", variant)


def _rank(name: str) -> PaperClaim:
    claim = Claim(
        id=f"rank-{name}".lower(),
        sentence=f"{name}, {_SPLIT}: heads that are selected more often have better masks of their own",
        source=f"{_SHORT}, analysis of the heads; claimed in words",
        low=0.0,
        high=math.inf,
        unit="",
        measured_by="rank correlation (Spearman) of the selection frequency of the first heads with the "
        "mean IoU of each one's own pseudo-mask; bootstrap over images",
        models=(PAPER_MODELS[name],),
        dataset=_SPLIT,
    )
    return PaperClaim(claim, "rank")
