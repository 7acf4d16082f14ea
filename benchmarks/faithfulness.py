"""What steps of a faithfulness curve cost, in tokens and in pixels, over as many plain passes, in one run.

A plain pass is the whole model once: vision tower, 576 image tokens, the text, all layers, logits of
the answer's rows alone. In ``tokens`` it is masked, so that both sides measure the same; in ``pixels`` it
is given the picture with its regions painted over. Regions leave in a random order. Both sides run the
model's own fast kernel on a random-weight LLaVA, with about 40 tokens of question and answer.

    python benchmarks/faithfulness.py [--threads 1] [--steps 20] [--batch 8] [--json] [--smallest]

``tokens`` and ``pixels`` are a form's steps over ALL their plain passes; ``--plain N`` times every N-th of
these and scales up. ``positions`` is the share of the plain passes' positions that tokens run through
the decoder. Weights of the attention are scaled so that removals move the answer.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from knockout import QUESTION, plain, strengthen
from localization import build, picture, size_of
from measure import busy_seconds, median_ratio, options, write
from numpy.typing import NDArray

import vlmscope as vs
from vlmscope.analysis.faithfulness import FaithfulnessOptions
from vlmscope.analysis.faithfulness.forms import Measured, filled, measure_pixels, measure_tokens
from vlmscope.analysis.faithfulness.options import FORMS
from vlmscope.analysis.faithfulness.regions import Regions
from vlmscope.attention.forced import answer_ids, encode_forced, run_forced
from vlmscope.attention.sweep import KnockoutSpec
from vlmscope.models import LoadedModel


@dataclass
class Curve:
    """One order of regions on one picture, step by step."""

    model: LoadedModel
    pixels: NDArray[np.uint8]
    settings: FaithfulnessOptions

    def __post_init__(self) -> None:
        self.token_map = vs.token_map(self.model, self.pixels, QUESTION, preset="paper")
        self.regions = Regions.of(self.token_map)
        self.ids = answer_ids(self.model, QUESTION, QUESTION.answer, 1, "paper").tolist()
        ranks = np.random.default_rng(0).permutation(len(self.regions))
        counts = np.arange(1, self.settings.steps + 1) * len(self.regions) // self.settings.steps
        self.removals = [ranks < count for count in counts]
        self.layers = tuple(range(len(self.model.layers)))

    def in_tokens(self) -> Measured:
        """All steps, by hiding tokens."""
        return measure_tokens(
            self.model,
            self.pixels,
            QUESTION,
            self.token_map,
            self.regions,
            self.removals,
            self.settings,
        )

    def in_pixels(self) -> Measured:
        """All steps, by painting over."""
        return measure_pixels(
            self.model,
            self.pixels,
            QUESTION,
            self.ids,
            self.regions,
            self.removals,
            self.settings,
        )

    def masked(self, at: int) -> NDArray[np.float64]:
        """One step in a plain masked pass."""
        hidden = self.regions.tokens(self.removals[at])
        edges = ((hidden, "text"), (hidden, "generated"))
        return plain(self.model, self.pixels, KnockoutSpec(edges, self.layers))

    def painted(self, at: int) -> NDArray[np.float64]:
        """One step in a plain pass over the painted picture."""
        cover = self.regions.pixels(self.removals[at])[..., None]
        shown = np.where(cover, filled(self.pixels, self.settings.fill), self.pixels)
        encoded = encode_forced(self.model, shown, QUESTION, self.ids, preset="paper")
        return run_forced(self.model, encoded)[0].double().numpy()


def figures(curve: Curve, named: list[str], every: int, repeats: int) -> dict[str, float]:
    """Medians of interleaved repeats, and how far the numbers are apart, of the named forms."""
    timed = range(0, curve.settings.steps, every)
    both = {"tokens": (curve.in_tokens, curve.masked), "pixels": (curve.in_pixels, curve.painted)}
    forms = {name: both[name] for name in named}
    result: dict[str, float] = {"steps": len(curve.removals), "regions": len(curve.regions)}
    for form, (whole, step) in forms.items():
        measured, slow = whole(), {at: step(at) for at in timed}
        ours, plains = [], []
        for _ in range(repeats):
            ours.append(busy_seconds(whole))
            one = sum(busy_seconds(partial(step, at)) for at in timed) / len(timed)
            plains.append(one * curve.settings.steps)
        result[form] = median_ratio(ours, plains)
        result[f"plain_pass_seconds_{form}"] = sorted(plains)[repeats // 2] / curve.settings.steps
        result[f"largest_difference_of_{form}"] = max(
            float(np.abs(measured.logprobs[at] - slow[at]).max()) for at in timed
        )
        result[f"largest_effect_of_{form}"] = float(np.ptp(measured.logprobs, axis=0).max())
        if form == "tokens":
            result["positions"] = measured.rows_run / measured.rows_plain
    return result


def arguments_of() -> argparse.Namespace:
    """The command line."""
    parser = options(__doc__, repeats=3)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=8, help="pictures of one pass")
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=FORMS)
    parser.add_argument("--plain", type=int, default=4, help="time every N-th plain pass")
    parser.add_argument("--size", type=json.loads, default={})
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    return parser.parse_args()


def main() -> None:
    """Print the figures."""
    arguments = arguments_of()
    torch.set_num_threads(arguments.threads)
    model = build(size_of(arguments, layers=16, hidden=512, heads=8))
    strengthen(model)
    settings = FaithfulnessOptions(steps=arguments.steps, batch=arguments.batch, preset="paper")
    curve = Curve(model, picture(), settings)
    write(figures(curve, list(arguments.forms), arguments.plain, arguments.repeats), arguments.json)


if __name__ == "__main__":
    main()
