"""A sweep of knock-outs: vlmscope against one plain masked pass per window, in one run.

The plain way runs the whole model once per window with the same edges blocked in the same layers, and
reads the answer's log-probability off: vision tower, 576 image tokens, the text, all layers, logits of
the answer's rows alone. Both sides run the model's own fast kernel on a random-weight LLaVA of 32
layers. About 40 tokens of question and answer stand behind the image.

    python benchmarks/knockout.py [--threads 1] [--windows 32] [--edges image->query]
                                   [--ask] [--json] [--smallest]
    python benchmarks/knockout.py --device cuda --dtype bfloat16 \
        --size '{"hidden": 4096, "heads": 32}'        (a 7B decoder)

``ratio`` is the sweep over ALL plain passes; ``--plain N`` times every N-th of them and scales up.
Weights of the attention are scaled so that knock-outs move the answer: numbers that agree because
nothing happens would prove nothing. Absolute times mean nothing, machines are noisy.
"""

from __future__ import annotations

import argparse
import json
import statistics

import numpy as np
import torch
from localization import build, picture, size_of
from measure import options, seconds, write

import vlmscope as vs
from vlmscope.analysis.knockout import parse_edges
from vlmscope.attention.installed import instrument
from vlmscope.attention.instrument import Binding
from vlmscope.attention.sweep import KnockoutSpec, sweep
from vlmscope.models import LoadedModel, Prompt

QUESTION = Prompt(
    "the small red circle on the left of the large blue square under the ring on the right of the "
    "dark wall",
    answer="the second window from the right on the light wall the man in the coat the dog in the ring",
)


def strengthen(model: LoadedModel) -> None:
    for layer in model.layers:
        for part in ("v_proj", "o_proj", "q_proj", "k_proj"):
            getattr(layer.self_attn, part).weight.data *= 2
    model.hf.lm_head.weight.data *= 4


def windows(layers: int, count: int, edges: str) -> list[KnockoutSpec]:
    """Windows of one layer, evenly over the decoder."""
    places = np.linspace(0, layers - 1, count).round().astype(int)
    return [KnockoutSpec(parse_edges(edges), (int(place),)) for place in places]


def plain(model: LoadedModel, pixels: np.ndarray, spec: KnockoutSpec) -> np.ndarray:
    """Log-probabilities of the answer's tokens under one knock-out, in a whole pass."""
    encoded = model.encode([pixels], [QUESTION], preset="paper")
    rows = torch.from_numpy(encoded.token_maps[0].positions("generated")).to(model.device) - 1
    ids = encoded.inputs["input_ids"][0, rows + 1]
    with (
        vs.knockout(model, spec.edges, spec.layers, keep_own=True),
        instrument(model) as active,
        model.frozen(),
        active.bound(Binding(encoded.token_maps)),
    ):
        logits = model.hf(**encoded.inputs, use_cache=False, logits_to_keep=rows).logits[0]
    scores = torch.log_softmax(logits, -1, dtype=torch.float64)  # as the sweep does
    return scores[torch.arange(len(ids)), ids].double().cpu().numpy()


def measure(
    model: LoadedModel,
    pixels: np.ndarray,
    specs: list[KnockoutSpec],
    every: int,
    repeats: int,
    ask: bool,
) -> dict[str, float]:
    """Medians of interleaved repeats, and how far the numbers are apart."""
    timed = range(0, len(specs), every)
    found: dict[str, object] = {}

    def ours() -> None:
        found["swept"] = sweep(
            model, pixels, QUESTION, specs, preset="paper", max_new_tokens=16, ask=ask
        )

    slow: dict[int, np.ndarray] = {}

    def theirs(at: int) -> None:
        slow[at] = plain(model, pixels, specs[at])

    ours()
    theirs(0)
    taken_ours, taken_plain = [], []
    for _ in range(repeats):
        taken_ours.append(seconds(ours))
        taken_plain.append(statistics.mean(seconds(lambda at=at: theirs(at)) for at in timed))
    swept = found["swept"]
    assert swept.resumed
    apart = max(float(np.abs(swept.effects[at].logprobs - slow[at]).max()) for at in timed)
    moved = max(float(np.abs(slow[at] - swept.answer.logprobs).max()) for at in timed)
    sweep_seconds, pass_seconds = statistics.median(taken_ours), statistics.median(taken_plain)
    return {
        "ratio": sweep_seconds / (len(specs) * pass_seconds),
        "sweep_seconds": sweep_seconds,
        "plain_pass_seconds": pass_seconds,
        "largest_difference": apart,
        "largest_effect": moved,
    }


def figures(model: LoadedModel, arguments: argparse.Namespace) -> dict[str, float]:
    """Tokens by role, then what :func:`measure` found."""
    pixels = picture()
    tokens = vs.token_map(model, pixels, QUESTION, preset="paper")
    roles = ("system", "image", "query", "generated")
    result = {role: float(len(tokens.positions(role))) for role in roles}
    cases = windows(len(model.layers), arguments.windows, arguments.edges)
    every, repeats, ask = arguments.plain, arguments.repeats, arguments.ask
    return result | measure(model, pixels, cases, every, repeats, ask)


def main() -> None:
    parser = options(__doc__, repeats=3)
    parser.add_argument("--windows", type=int, default=32)
    parser.add_argument("--plain", type=int, default=8, help="time every N-th plain pass")
    parser.add_argument("--edges", default="image->query")
    parser.add_argument("--ask", action="store_true", help="answers under knock-outs as well")
    parser.add_argument("--size", type=json.loads, default={})
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model = build(size_of(arguments, layers=32, hidden=512, heads=8))
    strengthen(model)
    write(figures(model, arguments), arguments.json)


if __name__ == "__main__":
    main()
