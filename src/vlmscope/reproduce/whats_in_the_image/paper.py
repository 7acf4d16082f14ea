"""What "What's in the Image?" claims, with where it says so.

Numbers are the paper's. Shares of layers are written by relative depth, so that a decoder of another
depth can be held against them: layers 20 to 40 of 80 are the second quarter of any decoder.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from vlmscope.reproduce.claims import Claim

__all__ = [
    "COCO",
    "HALF",
    "IMAGES",
    "INTERNVL",
    "KEEPS",
    "LLAVA_WINDOW",
    "LOCALISED",
    "MME",
    "MME_KEEPS",
    "PAPER",
    "QUARTER",
    "claims",
]

PAPER = "Kaduri, Bagon and Dekel: What's in the Image? (CVPR 2025, arXiv 2411.17491)"

INTERNVL = "OpenGVLab/InternVL2-Llama3-76B"
"""The paper's main model, of 80 layers."""

COCO = "COCO images"
"""What every claim but those on MME is made on."""

MME = "mme test"

IMAGES = 80
"""How many images the paper describes. Which ones is not published."""

QUARTER = (0.25, 0.5)
"""Layers 20 to 40 of 80, as shares of the depth: the first inside, the last outside."""

HALF = 0.5

LLAVA_WINDOW = (4 / 32, 20 / 32)
"""Layers 4 to 20 of 32: what the paper names for LLaVA-1.5-7B."""

KEEPS = (0.05, 0.1, 0.2, 0.4, 0.6)
"""Shares of the image tokens that a description is asked of again."""

LOCALISED: Sequence[tuple[tuple[float, float], float]] = (
    ((0.0, 0.125), 0.30),
    ((0.125, 0.25), 0.45),
    ((0.25, 0.375), 0.65),
    ((0.375, 0.5), 0.73),
    ((0.5, 0.625), 0.60),
)
"""Ranges of layers by depth, with the share of words whose peak lies on their object."""

MME_KEEPS: Sequence[tuple[str, float, float]] = (
    ("mme-full", 1.0, 0.8483),
    ("mme-5", 0.05, 0.8146),
    ("mme-2", 0.02, 0.7716),
    ("mme-query", 0.0, 0.6103),
)
"""Id, share of the image tokens kept, and accuracy."""

_FLOW = "layer-wise attention (Fig. 1)"
_KNOCKOUT = "visual information knock-out (Fig. 3)"
_LOCALISED = "object localisation (Fig. 7)"
_REPROMPT = "image re-prompting (table of MME accuracies)"


def claims() -> tuple[Claim, ...]:
    """Every claim, in the order of the paper."""
    return (*_flow(), *_knockouts(), *_kept(), *_localised(), *_prompts(), *_mme())


def _flow() -> tuple[Claim, ...]:
    return (
        _claim(
            "query-tokens",
            "Query tokens are under 5% of all tokens",
            _FLOW,
            (-math.inf, 0.05),
            "share of the tokens that are neither image nor answer; mean over images",
            (INTERNVL,),
            direction="lower",
        ),
        _claim(
            "query-attention",
            "The answer gives the query tokens over 60% of its attention",
            _FLOW,
            (0.6, math.inf),
            "attention of the answer's rows to every prompt token but the image's; mean over layers, "
            "heads, rows and images",
            (INTERNVL,),
        ),
        _claim(
            "image-quarter",
            "The image is read most in the second quarter of the layers",
            _FLOW,
            (0.0, math.inf),
            "attention of the answer's rows to the image, mean of the layers from 25 to 50% of the "
            "depth less mean of the others; by image",
            (),
        ),
        _claim(
            "query-entropy",
            "How spread out the query tokens' look at the image is",
            _FLOW,
            _NOTHING,
            "entropy of the attention of prompt tokens behind the image on its tokens, in nats; mean "
            "over layers, heads and images; by layer in a table",
            (INTERNVL,),
            unit="nats",
        ),
    )


def _knockouts() -> tuple[Claim, ...]:
    f1 = "F1 of the objects named, against the description without a knock-out; mean over images"
    depth = f"{f1}; layers by relative depth"
    only = "image -> query and generated blocked outside of layers 25 to 50% of the depth"
    return (
        _claim(
            "f1-image-generated",
            "Without the image for the answer, F1 falls to .40",
            _KNOCKOUT,
            (0.40, 0.40),
            f"image -> generated blocked in all layers: {f1}",
            (INTERNVL,),
            direction="lower",
        ),
        _claim(
            "f1-image-query",
            "Without the image for the query, F1 falls to 0",
            _KNOCKOUT,
            (0.0, 0.0),
            f"image -> query blocked in all layers: {f1}",
            (INTERNVL,),
            direction="lower",
        ),
        _claim(
            "f1-quarter-low",
            "The second quarter of the layers alone keeps F1 at .75 (the least published)",
            _KNOCKOUT,
            (0.75, 0.75),
            f"{only}: {depth}",
            (),
        ),
        _claim(
            "f1-quarter-high",
            "The second quarter of the layers alone keeps F1 at .81 (the most published)",
            _KNOCKOUT,
            (0.81, 0.81),
            f"{only}: {depth}",
            (),
        ),
        _claim(
            "f1-after-half",
            "Without the image after half of the layers, F1 stays at about .80",
            _KNOCKOUT,
            (0.80, 0.80),
            f"image -> query and generated blocked from half of the depth on: {depth}",
            (),
        ),
        _claim(
            "f1-llava-window",
            "What layers 4 to 20 of 32 alone keep (the window of LLaVA-1.5-7B)",
            _KNOCKOUT,
            _NOTHING,
            "image -> query and generated blocked outside of layers 12.5 to 62.5% of the depth: "
            f"{depth}",
            (),
        ),
    )


def _kept() -> tuple[Claim, ...]:
    return tuple(
        _claim(
            f"kept-{keep:.0%}".removesuffix("%"),
            f"What a description keeps with {keep:.0%} of the image tokens",
            "compressed context (the K% most attended tokens of each layer)",
            _NOTHING,
            "F1 of the objects named when the prompt is asked again from the prompt's own tokens and "
            f"the {keep:.0%} of each layer's image tokens that the answer attended to most, against "
            "the same from all of them; mean over images",
            (INTERNVL,),
        )
        for keep in KEEPS
    )


def _localised() -> tuple[Claim, ...]:
    return tuple(
        _claim(
            f"localised-{round(80 * first)}-{round(80 * last)}",
            f"Words look at their objects in layers {80 * first:.0f} to {80 * last:.0f} of 80: "
            f"{share:.0%}",
            _LOCALISED,
            (share, share),
            "share of words that name an object with a mask, and that are lost without the image, "
            "whose attention peaks in the mask or at most 40/448 of the longer side away; layers by "
            "relative depth",
            (),
            unit="%",
        )
        for (first, last), share in LOCALISED
    )


def _prompts() -> tuple[Claim, ...]:
    source = "prompt ablation"
    f1 = "F1 of the objects named, against the description under the whole prompt; mean over images"
    return (
        _claim(
            "prompt-query-alone",
            "What the query tokens alone describe",
            source,
            _NOTHING,
            f"image blocked for the last prompt token and the answer: {f1}",
            (INTERNVL,),
        ),
        _claim(
            "prompt-without-a-word",
            "What the prompt without one of its words describes",
            source,
            _NOTHING,
            f"each word left out in turn: {f1} and words",
            (INTERNVL,),
        ),
    )


def _mme() -> tuple[Claim, ...]:
    names = ("the whole context", "query and 5%", "query and 2%", "the query alone")
    return tuple(
        Claim(
            id=id,
            sentence=f"MME from {name}: {100 * accuracy:.2f}",
            source=f"{PAPER}: {_REPROMPT}",
            low=accuracy,
            high=accuracy,
            unit="%",
            measured_by="share of MME's questions answered right from the compressed context of the "
            f"description prompt ({keep:.0%} of each layer's image tokens)",
            models=(INTERNVL,),
            dataset=MME,
        )
        for name, (id, keep, accuracy) in zip(names, MME_KEEPS, strict=True)
    )


_NOTHING = (-math.inf, math.inf)


def _claim(
    id: str,
    sentence: str,
    place: str,
    ends: tuple[float, float],
    measured_by: str,
    models: tuple[str, ...],
    *,
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
        dataset=COCO,
        direction=direction,
    )
