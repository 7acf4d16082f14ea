"""What the GEM paper claims, and what stands open beside it.

Claims about an order ("the ensemble is better than each of its parts") can be put to the test on any
set and any model; figures only on the paper's own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from vlmscope.reproduce.claims import Claim

__all__ = [
    "CONTEXT",
    "FIGURES",
    "MARGIN",
    "MODELS",
    "PAPER",
    "TITLES",
    "VOC",
    "VOC_BASELINES",
    "VOC_ITERATIONS",
    "claims",
]

PAPER = "Bousselham et al.: Grounding Everything (CVPR 2024, arXiv 2312.00878)"

VOC, CONTEXT, ADE = "voc21 val", "context60 val", "ade20k val"
"""Sets of the published figures, by the names of their readers."""

B16, B32, L14 = (
    "openai/clip-vit-base-patch16",
    "openai/clip-vit-base-patch32",
    "openai/clip-vit-large-patch14",
)
MODELS = {B16: "CLIP B/16", B32: "CLIP B/32", L14: "CLIP L/14"}
"""Id of a checkpoint that the figures are known to be of -> its name in the table."""

FIGURES: Sequence[tuple[str, float, float, float]] = (
    ("CLIP B/16", 0.462, 0.326, 0.509),
    ("CLIP B/32", 0.405, 0.270, 0.466),
    ("CLIP L/14", 0.446, 0.286, 0.463),
    ("OpenCLIP B/16", 0.431, 0.317, 0.499),
    ("MetaCLIP B/16", 0.468, 0.345, 0.519),
    ("BLIP", 0.428, 0.235, 0.452),
)
"""Model, mIoU on VOC and on Context, point mIoU on OpenImages V7."""

TITLES = {"clip": "CLIP's own path", "maskclip": "MaskCLIP", "clip-surgery": "CLIP Surgery"}
"""Methods beside GEM, as they are called."""

VOC_BASELINES = {"clip": 0.104, "maskclip": 0.286, "clip-surgery": 0.412}
VOC_ITERATIONS = (0.412, 0.451, 0.455, 0.462, 0.456)

_ADE20K = 0.157

MARGIN = 0.01
"""The adaptive temperature holds where it is no more than this below the best constant one."""

_METHOD = "method section (in words)"
_ABLATIONS = "ablations (in words)"
_RESULTS = "zero-shot segmentation (table of mIoU)"
_STEPS = "table of iterations"
_OPEN = "stands open: the paper sets the number of iterations for all images alike"

_UP = (0.0, math.inf)
_TIMES = {1: "once", 2: "twice", 3: "three times"}
_BETTER = "mIoU of {} less mIoU of {}, over the same resampled images"


def claims() -> tuple[Claim, ...]:
    """Every claim: orders, then mechanisms, then figures."""
    return (*_orders(), *_models(), *_mechanisms(), *_figures())


def _orders() -> tuple[Claim, ...]:
    """About the order of two settings, or of two methods."""
    return (
        *(
            _order(
                f"ensemble-over-{p}", f"The ensemble is better than {p}-{p} alone", _ABLATIONS, p
            )
            for p in "qkv"
        ),
        *(
            _order(
                f"iterations-{n}-over-0",
                f"Smoothing {_TIMES[n]} is better than not at all",
                _STEPS,
                "iterations-0",
                first="gem" if n == 1 else f"iterations-{n}",
            )
            for n in (1, 2, 3)
        ),
        _order(
            "iterations-3-over-4",
            "A fourth iteration is worse than three",
            _STEPS,
            "iterations-4",
            first="iterations-3",
        ),
        _claim(
            "adaptive-temperature",
            "The adaptive temperature is as good as the best constant one",
            _METHOD,
            (-MARGIN, math.inf),
            "mIoU of the adaptive rule less mIoU of constants, of which the best on every other image "
            f"is used for the rest, both ways; it holds down to {MARGIN:.0%} below",
            unit="%",
        ),
        _order("norm", "L2 normalisation helps", _ABLATIONS, "no-norm"),
        _order("no-mlp", "Leaving the MLP out helps", _METHOD, "mlp"),
        _order("depth", "Several blocks are better than the last alone", _ABLATIONS, "depth-1"),
        *(
            _order(f"over-{name}", f"GEM is better than {TITLES[name]}", _RESULTS, name)
            for name in VOC_BASELINES
        ),
        _claim(
            "few-classes",
            "More iterations help images of few classes more",
            _OPEN,
            _UP,
            "mIoU of 3 iterations less mIoU of none, on the images with at most the median number of "
            "classes, less the same on the others; both pooled over the same resampled images",
            unit="%",
        ),
    )


def _models() -> tuple[Claim, ...]:
    """About the order of two models, each with untouched parameters."""
    return tuple(
        _claim(
            id,
            f"{MODELS[B16]} is better than {MODELS[other]}",
            _RESULTS,
            _UP,
            f"mIoU of {B16} less mIoU of {other}, parameters untouched, same resampled images",
            models=(B16, other),
            unit="%",
        )
        for id, other in (("b16-over-b32", B32), ("b16-over-l14", L14))
    )


def _mechanisms() -> tuple[Claim, ...]:
    """About why it works."""
    low, grows = (-math.inf, 1.0), "mean over the heads of q, k and v of the last block, and images"
    return (
        _claim(
            "contraction",
            "The projections are contractions",
            _METHOD,
            low,
            "spectral norm of the weights of each head's q, k and v in the blocks with a GEM path; "
            "mean over heads, which are resampled",
            direction="lower",
        ),
        _claim(
            "closer",
            "One iteration brings the vectors closer together",
            _METHOD,
            low,
            "1 less their mean cosine after one iteration, as a share of what it was; mean over q, k, v "
            "and blocks, by image",
            direction="lower",
        ),
        _claim(
            "within",
            "Patches of one object are alike more than patches of two",
            _METHOD,
            _UP,
            "cosine of patches of one class less that of patches of two classes, at the end of the GEM "
            "path; by image",
        ),
        _claim(
            "within-over-clip",
            "GEM tells objects apart better than CLIP's own path",
            _METHOD,
            _UP,
            "the same difference, less what it is on CLIP's own path; by image",
        ),
        _claim(
            "clusters-grow",
            "Clusters grow with iterations",
            _METHOD,
            _UP,
            f"the largest cluster's share of the patches after 5 iterations less that after none; {grows}",
        ),
        _claim(
            "objects-by-iteration",
            "Iterations make patches of one object alike more than others",
            _METHOD,
            _UP,
            "cosine within classes less across classes of the projections, after 1 iteration less "
            f"before; {grows}",
        ),
        _claim(
            "right-text",
            "Patches stay aligned with language",
            _METHOD,
            _UP,
            "cosine of labelled patches with the text of their class less that with the image's other "
            "classes; by image",
        ),
        _claim(
            "right-text-over-clip",
            "They are aligned better than on CLIP's own path",
            _METHOD,
            _UP,
            "the same difference, less what it is on CLIP's own path; by image",
        ),
    )


def _figures() -> tuple[Claim, ...]:
    """Published values, of one model and set each."""
    names = {name: id for id, name in MODELS.items()}
    scores = [
        (f"{id}-{name}", names[model], dataset, figure)
        for model, voc, context, _ in FIGURES
        if model in names
        for id, name, dataset, figure in (
            ("voc", model[5:].replace("/", "").lower(), VOC, voc),
            ("context", model[5:].replace("/", "").lower(), CONTEXT, context),
        )
    ]
    return (
        *(
            _value(f"value-{id}", f"GEM, {MODELS[model]}", _RESULTS, figure, model, dataset)
            for id, model, dataset, figure in (*scores, ("ade20k-b16", B16, ADE, _ADE20K))
        ),
        *(
            _value(f"voc-{name}", f"{TITLES[name]}, CLIP B/16", _RESULTS, figure, B16, VOC)
            for name, figure in VOC_BASELINES.items()
        ),
        *(
            _value(
                f"voc-iterations-{n}", f"GEM, CLIP B/16, iterations: {n}", _STEPS, figure, B16, VOC
            )
            for n, figure in enumerate(VOC_ITERATIONS)
        ),
    )


def _order(id: str, sentence: str, place: str, second: str, *, first: str = "gem") -> Claim:
    return _claim(id, sentence, place, _UP, _BETTER.format(first, second), unit="%")


def _value(id: str, name: str, place: str, figure: float, model: str, dataset: str) -> Claim:
    sentence = f"{name}: mIoU on {dataset.split()[0]}"
    return _claim(
        id, sentence, place, (figure, figure), "mIoU", models=(model,), dataset=dataset, unit="%"
    )


def _claim(
    id: str,
    sentence: str,
    place: str,
    ends: tuple[float, float],
    measured_by: str,
    *,
    models: tuple[str, ...] = (),
    dataset: str = "",
    unit: str = "",
    direction: str = "higher",
) -> Claim:
    return Claim(
        id=id,
        sentence=sentence,
        source=f"{PAPER}: {place}",
        low=ends[0],
        high=ends[1],
        unit=unit,
        measured_by=measured_by,
        models=models,
        dataset=dataset,
        direction=direction,
    )
